/* SPDX-License-Identifier: MIT */
/* The text report's parts; report_text() of report.h puts them together. */
#pragma once
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/report.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/text_put.h"

struct report_view {
	const struct report *report;
	const struct report_machine *machine;
	const struct machine_report *analysis;
	FILE *out;
	bool colour;
};

#define view_title(view, ...)           text_put_title((view)->out, (view)->colour, __VA_ARGS__)
#define view_foreign(view, text, bytes) text_put_foreign_bytes((view)->out, text, bytes)

/* "0.123456" seconds since the machine's first event. */
struct human view_when(const struct report_view *view, uint64_t at_ns);

/* "comm/pid", escaped where it is printed. */
struct report_name view_task(const struct report_view *view, uint32_t pid);

/* How many of `count` rows to show. */
size_t view_rows(const struct report_view *view, size_t count);

void view_head(const struct report_view *view);  /* report_head.c */
void view_tasks(const struct report_view *view); /* report_tasks.c: CPUs, tasks, run queue, off the CPU */
void view_interrupts(const struct report_view *view); /* report_work.c */
void view_syscalls(const struct report_view *view);
void view_faults(const struct report_view *view);
