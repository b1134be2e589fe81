/* SPDX-License-Identifier: MIT */
/*
 * Calls that are told when they are over, each put back into the one that made it: of a task, what began after a call did
 * and was told before it was within it. So a tree grows from its leaves, and is handed on, from its root, when no caller
 * can come any more: at the end, or when there is no room to wait for one.
 *
 * At most CALL_SPANS_MAX calls wait, CALL_SPANS_WAITING of a task beside each other, CALL_SPANS_DEPTH within each other.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/hash_map.h"

#define CALL_SPANS_MAX     (1u << 20)
#define CALL_SPANS_WAITING 4096u
#define CALL_SPANS_DEPTH   256u

struct call_span {
	uint64_t address;
	uint64_t begin_ns, took_ns;
	uint64_t within_ns; /* in calls that it made */
	bool counts;        /* else it only shows what is within it */
	/* private */
	uint16_t height;
	uint32_t children, next; /* of `spans`; 0: none */
};

struct call_spans {
	/* called from a root on: the place of the call that made it (0: nobody), and returns its own */
	uint32_t (*place)(void *context, uint32_t caller, const struct call_span *span);
	void *context;
	uint64_t given_up; /* calls whose caller may have come too late */
	/* private */
	struct call_span *spans;
	uint32_t room, used, free; /* `free`: a chain of those that are free again */
	struct hash_map tasks;     /* key -> the last that waits, how many do << 32 */
};

/* Starts as { 0 } with `place` and `context` set. */
void call_spans_deinit(struct call_spans *spans);

/*
 * A call of the task `key`, told after all that ended before: address, begin_ns, took_ns, counts. Returns how long it was
 * within calls that were told before.
 */
uint64_t call_spans_add(struct call_spans *spans, uint64_t key, const struct call_span *span);

/* Nothing comes any more. */
void call_spans_finish(struct call_spans *spans);
