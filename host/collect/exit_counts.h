/* SPDX-License-Identifier: MIT */
/*
 * How often vCPUs leave their guests, and why, by thread: the collector at its cheapest level (histogram), with no trace
 * and no record of each exit. Needs what collector_create() needs.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/error.h"

struct exit_counts;

/* Errors of collector_create(); -ENOMEM. */
int exit_counts_create(struct exit_counts **counts, struct error *error);
void exit_counts_destroy(struct exit_counts *counts); /* NULL is allowed */

/* Looks again: what exit_counts_of() says is from the look before to this one. -ENOMEM. */
int exit_counts_update(struct exit_counts *counts, uint64_t now_ns);

struct exit_count {
	uint32_t isa, reason; /* lib/model/exit_reasons.h */
	uint64_t count;
	uint64_t total_ns; /* from these exits to the entries that ended them */
};

/* The exits of a thread: the most frequent reasons first, at most `max`. Returns how many; *total counts all. */
size_t exit_counts_of(
	const struct exit_counts *counts, pid_t tid, struct exit_count *top, size_t max, uint64_t *total);
