/* SPDX-License-Identifier: MIT */
/* Runs one command in a throw-away guest and keeps what it said. */
#pragma once
#include "host/vm/vm.h"
#include "lib/base/error.h"

#define GUEST_REGION_BYTES (32ULL << 20)

/* What happens round the run; any may be NULL. The region's file, if the guest has one, exists in all. */
struct guest_hooks {
	int (*before)(
		void *context, const char *region_path, struct error *error); /* the guest has not started */
	int (*started)(void *context, pid_t vmm, struct error *error);        /* it is about to boot */
	int (*held)(void *context, struct error *error); /* it has ended, but its memory is still there */
	int (*after)(void *context, const char *region_path, struct error *error); /* it has ended well */
	void *context;
};

/*
 * `config` lacks only stdin, stdout and stderr. *output: what the command wrote, NUL-ended, to be freed; set
 * in any case. Negative errno: the guest or its command failed.
 */
int guest_run(
	const struct vm_config *config, const struct guest_hooks *hooks, char **output, struct error *error);
