/* SPDX-License-Identifier: MIT */
/* A Xen trace as a verb reads it: opened, its clock known or estimated, and at the end an account of what was unusable. */
#pragma once
#include "lib/reader/xen_reader_clock.h"

enum xen_hz_source {
	XEN_HZ_GIVEN,     /* --cpu-hz */
	XEN_HZ_ESTIMATED, /* from the trace */
	XEN_HZ_ASSUMED,   /* the trace does not tell */
};

struct xen_input {
	struct xen_reader *reader; /* before its first event */
	const char *name;          /* for messages */
	struct xen_clock clock;    /* its base is the first event that has a TSC */
	enum xen_hz_source hz_source;
	uint32_t hz_samples; /* of XEN_HZ_ESTIMATED */
};

#define XEN_CPU_HZ_HELP                                                                                       \
	"how fast the TSC runs, as 2.4G or 2596.124M; default: estimated from the trace, and if it does not " \
	"tell, 2.4G"

#define XEN_SVM_HELP "exits of HVM guests are AMD's: of Xen before 4.19, whose trace does not say"

/* The operands of a verb that reads one trace: none or "-" is standard input. -EINVAL: more than one, or none on a terminal. */
int xen_input_operand(int argc, char **argv, const char **path, struct error *error);

/* `cpu_hz`: as the user gave it; NULL: not. Errors of xen_reader_open() and xen_clock_parse_hz(). */
int xen_input_open(struct xen_input *input, const char *path, const char *cpu_hz, struct error *error);

/*
 * As xen_input_open(), but reads nothing ahead: where the user gave no frequency, clock.hz is 0 until
 * xen_input_settle_clock() is called behind the last event, with what was fed to the estimate on the way.
 */
int xen_input_open_unread(struct xen_input *input, const char *path, const char *cpu_hz, struct error *error);
void xen_input_settle_clock(struct xen_input *input, struct xen_clock_estimate *estimate, uint64_t first_tsc);

void xen_input_close(struct xen_input *input);

/* "2,596.9 MHz, estimated from 4,096 runs of vCPUs": into `text`. */
void xen_input_describe_clock(const struct xen_input *input, char *text, size_t bytes);

/* On stderr, unless the user gave the frequency. */
void xen_input_say_clock(const struct xen_input *input);

/*
 * When all is read: what was lost, odd or cut is said on stderr. If bytes had to be skipped, that is an error: -EBADMSG with
 * where and why; the verb then ends with 1. Else 0.
 */
int xen_input_account(const struct xen_input *input, struct error *error);

/* The same of counts from elsewhere. */
int xen_account(const struct xen_counts *counts, const char *name, struct error *error);
