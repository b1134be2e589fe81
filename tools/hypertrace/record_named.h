/* SPDX-License-Identifier: MIT */
/* The guests that `record -g` names. */
#pragma once
#include <stdbool.h>
#include "host/collect/guest_survey.h"
#include "host/collect/recorder.h"
#include "host/vmm/vmm_list.h"
#include "tools/hypertrace/options.h"

struct record_named {
	struct vmm_list list;
	const struct vmm *vmms[TRACE_MACHINES_MAX]; /* in the list, each once */
	struct guest_survey *surveys;               /* of each */
	size_t count;
};

/* Finds what the words (names, uuids, pids, patterns over names) mean. Errors of vmm_list_find(); -E2BIG; -ENOMEM. */
int record_named_find(struct record_named *named, const struct string_list *words, struct error *error);
void record_named_deinit(struct record_named *named);

/*
 * The channel that reaches all of them: shm where each has a region, ftrace where none has. -EINVAL: some have one, the
 * hint says what to do.
 */
int record_named_channel(
	const struct record_named *named, enum recorder_channel *channel, struct error *error);

/* The name of its machine in the trace, in `name`; NULL: it has none that could be one. */
const char *record_named_machine(const struct record_named *named, size_t i, char name[RECORDER_NAME_BYTES]);
