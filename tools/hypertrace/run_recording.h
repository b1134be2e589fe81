/* SPDX-License-Identifier: MIT */
/* What `hypertrace run` asks of the recorder, from before the guest boots until it has ended. */
#pragma once
#include "tools/hypertrace/options.h"

struct recording_options {
	struct string_list events; /* each a list with commas */
	const char *filter;        /* NULL: none */
	const char *output;        /* NULL: hypertrace.data */
	const char *mode;          /* NULL: overwrite */
	uint64_t ring_bytes;       /* 0: what the region holds */
	bool verbose;              /* also say what is as it should be: that the guest powered off */
};

struct recording;

/* What is wrong with the options themselves: unknown events, mode or filter. */
int recording_options_check(const struct recording_options *options, struct error *error);

/* Writes the wishes into the region, so that the module starts with them, and records in a thread of its own.
 */
int recording_start(struct recording **recording, const struct recording_options *options,
        const char *region_path, struct error *error);

/*
 * Takes what is left, completes the trace, says on stderr what was recorded and lost (after a failed run only if there
 * is anything to say). Frees `recording`. The errors are recorder_finish()'s and recorder_guest_error()'s.
 */
int recording_stop(struct recording *recording, bool ended_well, struct error *error);
