/* SPDX-License-Identifier: MIT */
/*
 * A guest with nothing of ours in it, as a member of a recorder: its kernel is waited for and found, each of its
 * ftrace's ring buffers becomes a machine of the trace, and panic, reboot and end are noticed.
 */
#pragma once
#include "host/collect/ftrace_selection.h"
#include "host/collect/machine_output.h"
#include "host/collect/recorder.h"
#include "host/collect/recorder_member.h"

struct ftrace_guest {
	struct recorder_member member;
	struct error *refusal; /* where to put the first: a word of -e that names no event */
	/* the rest is ftrace_guest.c's */
};

/* Takes `memory` over, also on an error. -ENOMEM. */
int ftrace_guest_create(struct ftrace_guest **guest, struct recorder_common *common,
	const struct ftrace_selection *selection, struct guest_memory *memory, const struct recorder_stock *stock,
	const char *name, struct error *error);
