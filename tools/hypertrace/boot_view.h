/* SPDX-License-Identifier: MIT */
/* What `hypertrace boot` found out of one machine, for those that show it: boot_{text,json,svg,diff}.c. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "lib/analysis/boot.h"
#include "lib/analysis/initcall_name.h"
#include "lib/reader/trace.h"
#include "tools/hypertrace/trace_damage.h"

struct boot_view {
	const struct trace_machine *machine;
	const struct boot *boot;
	size_t top;  /* rows of a table; 0: all */
	bool ranged; /* --time: not the whole trace */
};

/* Since the boot's begin. */
static inline uint64_t boot_view_since_ns(const struct boot_view *view, uint64_t at_ns)
{
	uint64_t begin_ns = boot_begin_ns(view->boot);

	return at_ns > begin_ns ? at_ns - begin_ns : 0;
}

/* How many of `count` rows to show. */
static inline size_t boot_view_rows(const struct boot_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}

static inline struct initcall_name boot_view_function(
	const struct boot_view *view, const struct initcall *initcall)
{
	return initcall_function(&view->machine->names, view->machine->info->kaslr_offset, initcall);
}

static inline struct initcall_name boot_view_initcall(
	const struct boot_view *view, const struct initcall *initcall)
{
	return initcall_full_name(&view->machine->names, view->machine->info->kaslr_offset, initcall);
}

/* "core"; "-": none. Raw. */
const char *boot_view_level(const struct boot_view *view, uint16_t level);

/* The initcall that begins at `at_ns`, behind a gap; NULL: none. */
const struct initcall *boot_view_initcall_at(const struct boot_view *view, uint64_t at_ns);

/* Programs by life, the longest first; heap, *nr of them. NULL: none, or no memory. */
const struct boot_process **boot_view_processes(const struct boot_view *view, size_t *nr);

/* Its end, or the trace's. */
uint64_t boot_view_process_end_ns(const struct boot_view *view, const struct boot_process *process);

void boot_text(const struct boot_view *view, FILE *out, bool colour);

/* Of `nr` machines one document; -ENOMEM. */
int boot_json(const struct boot_view *views, size_t nr, const struct trace_damage *damage, FILE *out);

/* -ENOMEM, or the file's error. */
int boot_svg(const struct boot_view *view, const char *path, struct error *error);
