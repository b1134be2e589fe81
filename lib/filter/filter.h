/* SPDX-License-Identifier: MIT */
/*
 * -f EXPR: which of the events, one syntax in every verb. Conditions separated by ',' that must all hold; a
 * condition may allow several values, separated by '|':
 *
 *   pid==123            pid!=0|1         of the running task: 100-199 is a range when reading, not in a guest
 *   comm==bash|"my app" comm!=swapper    exact names, at most 15 bytes; quotes for names with , | or spaces
 *   cpu==0-3|6          cpu!=0
 *   duration>1ms        irq.duration>1ms     irq, softirq, syscall, hrtimer or timer of at least that length
 *
 * The same key may stand twice only with !=. A filter is data, so that a recorder can hand it to a guest.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define FILTER_RANGES_MAX 64
#define FILTER_COMMS_MAX  16
#define FILTER_COMM_BYTES 16

struct filter_range {
	uint32_t first, last; /* both included */
};

struct filter_ranges {
	size_t count; /* 0: no condition */
	bool exclude; /* all but these */
	struct filter_range items[FILTER_RANGES_MAX];
};

enum filter_pair {
	FILTER_PAIR_IRQ,
	FILTER_PAIR_SOFTIRQ,
	FILTER_PAIR_SYSCALL,
	FILTER_PAIR_HRTIMER,
	FILTER_PAIR_TIMER,
	FILTER_PAIRS,
};

struct filter {
	struct filter_ranges pids, cpus;
	size_t nr_comms;
	bool comms_exclude;
	char comms[FILTER_COMMS_MAX][FILTER_COMM_BYTES]; /* NUL-padded */
	uint64_t min_duration_ns[FILTER_PAIRS];          /* 0: no condition */
};

/*
 * NULL or "" is the filter that lets everything pass. -EINVAL: what is wrong, where; unknown words with the
 * nearest.
 */
int filter_parse(struct filter *filter, const char *expression, struct error *error);

bool filter_is_empty(const struct filter *filter);
bool filter_has_durations(const struct filter *filter);

/* Does a value meet the condition? Also true if there is none. */
bool filter_ranges_match(const struct filter_ranges *ranges, uint32_t value);

/* Every condition but the durations. `comm` may be NULL: not known, equal to no name. */
bool filter_match(const struct filter *filter, uint32_t cpu, uint32_t pid, const char *comm);

/* "irq", "softirq", … */
const char *filter_pair_name(enum filter_pair pair);
