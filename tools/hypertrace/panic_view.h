/* SPDX-License-Identifier: MIT */
/* What `hypertrace panic` shows of one machine of a trace: its end, and what its kernel said. */
#pragma once
#include <stdio.h>
#include "host/kernel/kernel_complaint.h"
#include "lib/reader/trace.h"

struct panic_line {
	uint64_t ts_ns;
	unsigned level;
	const char *text; /* escaped */
};

struct panic_view {
	const struct trace_machine *machine;
	char *log; /* the file, with NULs for newlines */
	struct panic_line *lines;
	size_t nr_lines;
	struct kernel_complaints complaints;
	const struct kernel_complaint *panic; /* NULL: the log has none */
	const struct kernel_complaint *oops;  /* the first one; NULL */
};

/* A trace without a log (of another channel) is no error. -ENOMEM; errors of reading. */
int panic_view_init(struct panic_view *view, const struct trace_machine *machine, struct error *error);
void panic_view_deinit(struct panic_view *view);

/* Did the kernel end by a panic, as far as the trace knows? */
bool panic_view_panicked(const struct panic_view *view);

/* `tail`: lines of the log. */
void panic_view_text(const struct panic_view *view, uint64_t tail, bool colour, FILE *out);

/* One object, without a line's end. -ENOMEM. */
int panic_view_json(const struct panic_view *view, uint64_t tail, FILE *out);
