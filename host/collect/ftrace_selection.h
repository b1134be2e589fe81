/* SPDX-License-Identifier: MIT */
/*
 * -e LIST for guests whose own ftrace is read: which of the events that they trace are recorded. A word is a group
 * of ours (sched, irq, syscalls, timers, faults, args), a system, an event or SYSTEM:EVENT of the guest's tracefs, each
 * with shell patterns; "all"; function and function_graph by the tracers' names. '!' in front takes out.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "host/collect/ftrace_events.h"
#include "host/collect/recorder.h"
#include "lib/base/error.h"

struct ftrace_selection {
	char *words;      /* NUL after each */
	size_t nr_words;  /* 0: everything */
	bool syscall_args; /* record the arguments of system calls */
};

/* -EINVAL: an empty word; -ENOTSUP: options that only a guest's module can follow. -ENOMEM. */
int ftrace_selection_init(
	struct ftrace_selection *selection, const struct recorder_options *options, struct error *error);
void ftrace_selection_deinit(struct ftrace_selection *selection);
#define cleanup_ftrace_selection __attribute__((cleanup(ftrace_selection_deinit)))

bool ftrace_selection_has(const struct ftrace_selection *selection, const char *system, const char *event);

/* The first word that puts something in and names none of a guest's events; NULL: all do. */
const char *ftrace_selection_stranger(
	const struct ftrace_selection *selection, const struct ftrace_events *events);
