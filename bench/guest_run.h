/* SPDX-License-Identifier: MIT */
/* Runs one command in a throw-away guest and keeps what it said. */
#pragma once
#include "host/vm/vm.h"
#include "lib/base/error.h"

#define GUEST_REGION_BYTES (32ULL << 20)

/* What happens round the run; either may be NULL. The region's file exists in both. */
struct guest_hooks {
	int (*before)(
		void *context, const char *region_path, struct error *error); /* the guest has not started */
	int (*after)(void *context, const char *region_path, struct error *error); /* it has ended well */
	void *context;
};

/*
 * `config` lacks only stdin, stdout and stderr. *output: what the command wrote, NUL-ended, to be freed; set
 * in any case. Negative errno: the guest or its command failed.
 */
int guest_run(
	const struct vm_config *config, const struct guest_hooks *hooks, char **output, struct error *error);
