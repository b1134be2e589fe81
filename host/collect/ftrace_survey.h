/* SPDX-License-Identifier: MIT */
/*
 * Where in the count of all events the pages of one CPU's ring begin: its reader page (which is outside the ring, and
 * older) and its head page (the oldest in it).
 *
 *   reader page = last_overrun + read - what the guest's readers took of it
 *   head page   = overrun + what is before it and was not overwritten: all up to the end of the reader page
 *
 * Both only hold while no reader of the guest's is at work (it holds reader_lock then) and the writer is not going from
 * one page to the next, so they are read until they were the same before and after.
 */
#pragma once
#include "host/collect/ftrace_layout.h"
#include "host/collect/ftrace_memory.h"

struct ftrace_survey {
	struct ftrace_look look;
	struct ftrace_place reader, head;
	uint64_t reader_entries;
	uint64_t data_bytes; /* of a page */
	bool reader_is_commit; /* the writer is on the reader page still: there is nothing after it, and no `head` */
};

/*
 * -EAGAIN: not now, the guest is at it, or it is memory->deadline_ns; -EINVAL: no ring; errors of reading; -ENOMEM. `impatient`: do not wait for the
 * guest's readers (they hang, or the guest is dead): then it may be wrong by some events.
 */
int ftrace_survey_take(struct ftrace_survey *survey, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, uint64_t ring, bool impatient);

/*
 * From the head on over at least `skip` pages to that of event number `position`, or of the next one there is, or the
 * page that is written. -EAGAIN: the writer came after us, or memory->deadline_ns; -ELOOP: more than nr_pages; errors
 * of reading.
 */
int ftrace_survey_walk(const struct ftrace_survey *survey, const struct ftrace_layout *layout,
	const struct ftrace_memory *memory, uint64_t ring, uint64_t position, uint64_t skip,
	struct ftrace_place *place);
