/* SPDX-License-Identifier: MIT */
/* The parts that following a ring is made of; for ftrace_ring*.c. */
#pragma once
#include <errno.h>
#include "host/collect/ftrace_ring.h"

#define FTRACE_COMMIT_MASK UINT64_C(0xfffff) /* above it RB_MISSED_EVENTS and RB_MISSED_STORED */

/* What became of a try to take something. */
enum ftrace_outcome {
	FTRACE_AGAIN, /* there may be more on this page */
	FTRACE_LEFT,  /* it is done, on to the next */
	FTRACE_WAIT,  /* nothing more at the moment */
	FTRACE_LOST,  /* this is not our place any more */
};

/* Takes what is new on our page. Errors of reading; ring->stop is set when the callback wants no more. */
int ftrace_ring_step(struct ftrace_ring *ring, enum ftrace_outcome *outcome, bool *was_reset);

/* Goes to the page of our position, or to the oldest after it. -EAGAIN and other passing errors: not now. */
int ftrace_ring_locate(struct ftrace_ring *ring);

/* The next `count` events are not to be had. */
void ftrace_ring_lose(struct ftrace_ring *ring, uint64_t count, bool damaged);

/* Goes to the beginning of a page; or to none. */
void ftrace_ring_enter(struct ftrace_ring *ring, uint64_t page, uint64_t start);
void ftrace_ring_forget(struct ftrace_ring *ring);

/* Waiting for the guest's reader has an end: it may hang, or the whole guest. */
bool ftrace_ring_is_impatient(struct ftrace_ring *ring);

/* Errors that say that the guest changed something under our eyes, not that it is gone. */
static inline bool ftrace_is_passing(int code)
{
	return code == -EAGAIN || code == -EINVAL || code == -EFAULT || code == -ELOOP;
}

/* Counters only rise, but when all of them begin anew. */
static inline bool ftrace_look_goes_back(const struct ftrace_look *before, const struct ftrace_look *after)
{
	return after->entries < before->entries || after->overrun < before->overrun ||
		after->read < before->read || after->commit_overrun < before->commit_overrun ||
		after->dropped_events < before->dropped_events || after->pages_read < before->pages_read;
}

/* Did anyone but the writer move pages? */
static inline bool ftrace_look_same_pages(const struct ftrace_look *one, const struct ftrace_look *other)
{
	return one->reader_page == other->reader_page && one->pages_read == other->pages_read &&
		one->last_overrun == other->last_overrun && one->nr_pages == other->nr_pages;
}
