/* SPDX-License-Identifier: MIT */
/* The region of a guest that no recorder is attached to: what the module shall record, and what it lost. */
#pragma once
#include <stdint.h>
#include "host/collect/function_wishes.h"
#include "lib/base/error.h"

struct region_wish {
	uint64_t events;                         /* bit n: event id n */
	int32_t exclude_pid;                     /* 0: no filter */
	const struct function_wishes *functions; /* NULL: none */
};

/* Before the guest boots. */
int region_file_wish(const char *path, uint64_t bytes, const struct region_wish *wish, struct error *error);

/* Events that the guest could not put into its rings, all causes. -EINVAL: no module has been there. */
int region_file_lost(const char *path, uint64_t *lost, struct error *error);
