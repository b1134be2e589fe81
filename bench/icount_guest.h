/* SPDX-License-Identifier: MIT */
/*
 * A throw-away guest under QEMU's -icount, where the TSC counts instructions: they are its time. One vCPU, and everything that
 * could differ from boot to boot is fixed.
 */
#pragma once
#include <stdint.h>
#include "bench/attachment.h"
#include "bench/bench.h"
#include "bench/region_file.h"
#include "bench/series.h"
#include "host/vm/kernel_package.h"

#define ICOUNT_SERIES 4
#define ICOUNT_FILES  3
#define ICOUNT_MIB    (UINT64_C(1) << 20)

struct icount_guest {
	struct kernel_package kernel;
	const char *name; /* of the kernel, as asked for */
	char *module;     /* hypertrace.ko; NULL: no boot needs it */
	char *workload;   /* bench/workload.c */
};

/* Finds the kernel and, `with_module`, builds the module. `guest` is good for deinit in any case. */
int icount_guest_init(struct icount_guest *guest, const struct bench *bench, const char *name,
	bool with_module, struct error *error);
void icount_guest_deinit(struct icount_guest *guest);

/* One boot: what is asked for, then what came of it. */
struct icount_boot {
	const char *append;              /* further words for the kernel's command line; NULL: none */
	const char *files[ICOUNT_FILES]; /* "LOCAL:GUEST"; NULL: no more */
	uint64_t region_bytes;           /* 0: none */
	struct region_wish wish;         /* of a region that no recorder is attached to */
	/* attached from the start, to the region or, channel ftrace, to the guest's memory; output NULL: none is */
	struct recorder_options recorder;
	struct recorder_stock stock;
	/* of icount_boot_measure(): the workload's piece of work, under these tracers in turn; tracer NULL: no more */
	const char *work, *repetitions;
	struct series series[ICOUNT_SERIES];

	struct attachment_counts counts; /* by the recorder */
	uint64_t lost;                   /* by it, or by the module's own count */
	struct attachment attachment;    /* while it runs */
};

/* Runs a command; *output as guest_run() has it. Errors of that, of the recorder and of region_file_lost(). */
int icount_boot_run(const struct icount_guest *guest, struct icount_boot *boot, const char *const *command,
	char **output, struct error *error);

/* Runs the workload and fills the series. -EIO: it measured nothing under one of the tracers. */
int icount_boot_measure(const struct icount_guest *guest, struct icount_boot *boot, struct error *error);

/* Of boot->series. */
size_t icount_boot_nr_series(const struct icount_boot *boot);

/* Instructions an event of the work costs beyond the work itself, which is the first series; that one's: all of them. */
double icount_boot_cost(const struct icount_boot *boot, size_t series);
