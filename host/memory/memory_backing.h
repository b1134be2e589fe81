/* SPDX-License-Identifier: MIT */
/* The file behind a mapping: it tells which of its pages hold data, where the page tables of one process cannot. */
#pragma once
#include <stdint.h>
#include "host/memory/memory_maps.h"

struct memory_backing {
	uint64_t start, end;  /* addresses in the process */
	uint64_t file_offset; /* of `start` */
	int fd;               /* -1: what is not in the page tables is passed over */
};

/* Finds the file that the process has mapped there. fd -1 where there is none, or we may not. */
void memory_backing_open(struct memory_backing *backing, pid_t pid, const struct memory_map *map);
