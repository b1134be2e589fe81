/* SPDX-License-Identifier: MIT */
/* What the two ways to open a process have in common. */
#pragma once
#include "host/memory/guest_memory.h"
#include "host/memory/memory_maps.h"

/* Opens the descriptors, sets the name, reads the maps; no layouts so far. Errors of guest_memory_open_process(). */
int memory_process_open(
	struct guest_memory *memory, pid_t pid, struct memory_maps *maps, struct error *error);

/* Guesses the layouts. -ENODEV. */
int memory_process_guess(struct guest_memory *memory, const struct memory_maps *maps, struct error *error);

/* When there are layouts: places, and the files behind them. -ENOMEM. */
int memory_process_finish(struct guest_memory *memory, const struct memory_maps *maps);
