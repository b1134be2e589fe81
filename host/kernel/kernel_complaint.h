/* SPDX-License-Identifier: MIT */
/* What a kernel complains of in its log: panics, oopses, warnings, lockups, stalls, and the lines that belong to each. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/printk_ring.h"

enum complaint_kind {
	COMPLAINT_PANIC,
	COMPLAINT_OOPS,
	COMPLAINT_BUG,
	COMPLAINT_WARNING,
	COMPLAINT_LOCKUP, /* a CPU that does not schedule, or takes no interrupts */
	COMPLAINT_STALL,  /* RCU waits for a CPU or a task */
	COMPLAINT_HUNG_TASK,
	COMPLAINT_OUT_OF_MEMORY,
	COMPLAINT_CORRUPTION, /* of memory or lists, also what the sanitizers find */
	COMPLAINT_LOCKING,
	COMPLAINT_HARDWARE,
	COMPLAINT_KINDS,
};

enum complaint_severity {
	COMPLAINT_NOTE,
	COMPLAINT_WARN,
	COMPLAINT_ERROR, /* something in the kernel is broken */
	COMPLAINT_FATAL, /* it ended */
};

/* What the first line of a complaint looks like. */
struct complaint_rule {
	const char *text;
	bool anywhere; /* else the line begins with it */
	enum complaint_kind kind;
	enum complaint_severity severity;
};

const char *complaint_kind_name(enum complaint_kind kind); /* "panic", "soft lockup", … */
const char *complaint_severity_name(enum complaint_severity severity);

/* NULL: an ordinary line. `line` is raw text of any kind. */
const struct complaint_rule *complaint_rule_find(const char *line, size_t length);

#define COMPLAINT_CALLS_MAX  48
#define COMPLAINTS_MAX       256
#define COMPLAINT_TEXT_BYTES 512
#define COMPLAINT_CALL_BYTES 96

struct kernel_complaint {
	enum complaint_kind kind;
	enum complaint_severity severity;
	uint64_t seq, ts_ns; /* of the first line */
	uint32_t caller;     /* as in struct printk_record */
	int cpu;             /* -1: not said */
	int64_t pid;         /* -1: not said */
	char comm[32];
	char text[COMPLAINT_TEXT_BYTES]; /* the first line; all text here is raw */
	char rip[COMPLAINT_CALL_BYTES];  /* "sysrq_handle_crash+0x16/0x20", or "" */
	size_t nr_calls;
	char calls[COMPLAINT_CALLS_MAX]
		  [COMPLAINT_CALL_BYTES]; /* of the call trace, innermost first; "? …": a guess */
	bool is_open, in_calls; /* while it is read: further lines of the same caller belong to it */
	unsigned lines;
};

struct kernel_complaints {
	struct kernel_complaint *
		*items; /* in the order of the log; of more than COMPLAINTS_MAX the first, and panics */
	size_t count;
	uint64_t total[COMPLAINT_KINDS];
};

void kernel_complaints_deinit(struct kernel_complaints *complaints);
#define cleanup_kernel_complaints __attribute__((cleanup(kernel_complaints_deinit)))

/* One record of the log, of one or more lines, in the order of the log. *complaints starts as { 0 }. -ENOMEM. */
int kernel_complaints_feed(struct kernel_complaints *complaints, const struct printk_record *record);

/* All of the log that is there. Errors of printk_ring_init() and printk_ring_next(). */
int kernel_complaints_read(
	struct kernel_complaints *complaints, const struct guest_kernel *kernel, struct error *error);
