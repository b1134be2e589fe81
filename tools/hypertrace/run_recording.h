/* SPDX-License-Identifier: MIT */
/* What `hypertrace run` asks of the recorder, from before the guest boots until it has ended. */
#pragma once
#include <sys/types.h>
#include "host/collect/recorder.h"
#include "tools/hypertrace/host_option.h"

struct recording;

/*
 * Makes the trace's directory. Channel shm: writes the wishes into the region, so that the module starts with them.
 * `output`: NULL for the usual one; `options` has all else.
 */
int recording_create(struct recording **recording, const struct recorder_options *options,
	const struct host_option *host, const char *output, const char *region_path, struct error *error);

/* A stock guest was told to trace these: struct recorder_stock. Before recording_start(). */
void recording_set_functions(struct recording *recording, const char *patterns, bool graph);

/*
 * Records in a thread of its own. `vmm`: QEMU's process. `guest_time`: struct recorder_stock.
 */
int recording_start(struct recording *recording, pid_t vmm, bool guest_time, struct error *error);

/*
 * Takes what is left (of a recording that was never started: nothing), completes the trace, says on stderr what was recorded and lost (after a failed run only if there
 * is anything to say). Frees `recording`. The errors are recorder_finish()'s and recorder_guest_error()'s.
 */
int recording_stop(struct recording *recording, bool ended_well, struct error *error);
