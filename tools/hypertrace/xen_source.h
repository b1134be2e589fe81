/* SPDX-License-Identifier: MIT */
/* The file that `xen summary` and `xen scatter` read, and the frequency of its TSC. */
#pragma once
#include "lib/reader/xen_reader.h"

#define XEN_CPU_HZ_HELP "frequency of the TSC, as 2596.124M; else estimated from the trace"

struct xen_source {
	const char *path;
	struct xen_reader *reader;
	double hz;
	const char *hz_source; /* "given", … */
};

/* Takes the one operand and --cpu-hz (NULL: not given). -EINVAL. */
int xen_source_operand(
	struct xen_source *source, int argc, char **argv, const char *cpu_hz, struct error *error);

int xen_source_open(struct xen_source *source, struct error *error);

/*
 * Closes; `result`: of what was done with it. Returns that, or says what was damaged: -EILSEQ where what is left is not
 * all that the file had.
 */
int xen_source_close(struct xen_source *source, int result, struct error *error);
