/* SPDX-License-Identifier: MIT */
/* The file that `xen summary` and `xen scatter` read, and the frequency of its TSC. */
#pragma once
#include "lib/model/xen_clock.h"
#include "lib/reader/xen_reader.h"

#define XEN_CPU_HZ_HELP "frequency of the TSC, as 2596.124M; else estimated from the trace"

struct xen_source {
	const char *path;
	struct xen_reader *reader;
	double hz;             /* 0: not known yet */
	const char *hz_source; /* "given", … */
	struct xen_clock_estimate estimate;
	bool estimating;
};

/* Takes the one operand and --cpu-hz (NULL: not given). -EINVAL. */
int xen_source_operand(
	struct xen_source *source, int argc, char **argv, const char *cpu_hz, struct error *error);

/* Opens the file. `hz_first`: reads as much of it as tells the frequency, and begins again. */
int xen_source_open(struct xen_source *source, bool hz_first, struct error *error);

/* Else the frequency is known behind the last event, if each has been given to this. */
void xen_source_estimate(struct xen_source *source, const struct xen_event *event);
void xen_source_settle_hz(struct xen_source *source);

/*
 * Closes; `result`: of what was done with it. Returns that, or says what was damaged: -EILSEQ where what is left is not
 * all that the file had.
 */
int xen_source_close(struct xen_source *source, int result, struct error *error);
