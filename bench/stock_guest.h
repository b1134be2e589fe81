/* SPDX-License-Identifier: MIT */
/* A throw-away guest with nothing of ours in its kernel, that does what it is asked to do, one thing after the other. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/error.h"

#define STOCK_GUEST_CPUS 2

struct stock_guest;

struct stock_guest_config {
	const char *vmlinuz;
	uint64_t memory_bytes;
	const char *append;       /* to the kernel's command line */
	const char *const *files; /* NULL-ended; as struct vm_config has them */
};

/* Boots it and waits until it takes requests. */
int stock_guest_create(
	struct stock_guest **guest, const struct stock_guest_config *config, struct error *error);

/* NULL is allowed. The guest ends as if its power were cut. */
void stock_guest_destroy(struct stock_guest *guest);

pid_t stock_guest_pid(const struct stock_guest *guest);

/*
 * Has its shell run a line, in /sys/kernel/tracing, and waits for the end of it. *answer: what it said, to be freed;
 * set in any case; NULL: nobody wants to know. -EIO: the line failed, or the guest has ended.
 */
int stock_guest_ask(struct stock_guest *guest, const char *line, char **answer, struct error *error);
