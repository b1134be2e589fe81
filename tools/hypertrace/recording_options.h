/* SPDX-License-Identifier: MIT */
/* -e, -f, -o, --mode and --size: what `run` and `record` ask of the recorder. */
#pragma once
#include "host/collect/recorder.h"
#include "tools/hypertrace/options.h"
#include "tools/hypertrace/output_directory.h"

struct recording_options {
	struct string_list events, functions;
	const char *filter, *output;
	unsigned probe; /* 1: entry, 2: return, 3: fgraph; 0: not given */
	unsigned mode; /* enum ht_mode + 1; 0: not given */
	uint64_t ring_bytes;
	uint64_t depth;
	double min_duration_s;
	const char *budget;
};

/* clang-format off */
#define RECORDING_OPTION(type, member) offsetof(type, recording.member)
/* For the table of a verb whose struct of options has a `struct recording_options recording`: what may change meanwhile, … */
#define WISHES_OPTION_SPECS(type) \
	{'e', "events", "LIST", OPTION_LIST, RECORDING_OPTION(type, events), \
		"what to trace: groups (sched, irq, syscalls, ...), events, SYSTEM:EVENT; '!' takes out; default " \
		RECORDER_EVENTS}, \
	{'f', "filter", "EXPR", OPTION_STRING, RECORDING_OPTION(type, filter), \
		"record only what EXPR lets pass: 'pid==12', 'comm!=sh', 'syscall.duration>1ms'"}, \
	{'F', "functions", "PATTERN", OPTION_LIST, RECORDING_OPTION(type, functions), \
		"functions of the guest's kernel: their names or shell patterns, '*' for all; '!' takes out"}, \
	{0, "probe", "entry|return|fgraph", OPTION_CHOICE, RECORDING_OPTION(type, probe), \
		"of functions: that they are called; also that they return, by return probes or by the function graph"}, \
	{0, "depth", "N", OPTION_UNSIGNED, RECORDING_OPTION(type, depth), \
		"of functions: calls in N - 1 calls at most"}, \
	{0, "min-duration", "TIME", OPTION_SECONDS, RECORDING_OPTION(type, min_duration_s), \
		"of functions: only calls of that length, at their ends"}
/* … and all. */
#define RECORDING_OPTION_SPECS(type) \
	WISHES_OPTION_SPECS(type), \
	{0, "budget", "PERCENT", OPTION_STRING, RECORDING_OPTION(type, budget), \
		"of functions: leave out the hottest leaves while they take more of the vCPUs' time, and say which: 5%"}, \
	{'o', "output", "TRACE", OPTION_STRING, RECORDING_OPTION(type, output), \
		"directory of the trace; default " OUTPUT_DEFAULT ", the one before becomes " OUTPUT_DEFAULT ".old"}, \
	{0, "mode", "overwrite|discard", OPTION_CHOICE, RECORDING_OPTION(type, mode), \
		"what gives way in a full ring, the oldest packet or new events; default overwrite"}, \
	{0, "size", "BYTES", OPTION_BYTES, RECORDING_OPTION(type, ring_bytes), \
		"ring of each vCPU, a power of two; default what the region holds"}
/* clang-format on */

/*
 * Puts the options into *recorder, whose other members stay, and checks it: errors of recorder_options_check(), -ENOMEM.
 * *events and *functions are what it then points to: to be freed, whatever is returned.
 */
int recording_options_read(struct recorder_options *recorder, char **events, char **functions,
	const struct recording_options *options, struct error *error);
