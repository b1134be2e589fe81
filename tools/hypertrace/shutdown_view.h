/* SPDX-License-Identifier: MIT */
/* What `hypertrace shutdown` found out of one machine, for those that show it: shutdown_{text,json,svg}.c. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "lib/analysis/shutdown.h"
#include "lib/reader/trace.h"
#include "tools/hypertrace/trace_damage.h"

struct shutdown_view {
	const struct trace_machine *machine;
	const struct shutdown *shutdown;
	size_t top; /* rows of a table; 0: all */
};

struct shutdown_name {
	char text[160]; /* raw */
};

/* Since the shutdown's begin. */
static inline uint64_t shutdown_view_since_ns(const struct shutdown_view *view, uint64_t at_ns)
{
	uint64_t begin_ns = shutdown_begin_ns(view->shutdown);

	return at_ns > begin_ns ? at_ns - begin_ns : 0;
}

static inline uint64_t shutdown_view_total_ns(const struct shutdown_view *view)
{
	return shutdown_view_since_ns(view, view->shutdown->last_ns);
}

/* How many of `count` rows to show. */
static inline size_t shutdown_view_rows(const struct shutdown_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}

/* Its end, or the trace's: the machine stopped inside. */
static inline uint64_t shutdown_view_end_ns(const struct shutdown_view *view, uint64_t end_ns)
{
	return end_ns ? end_ns : view->shutdown->last_ns;
}

/* The symbol, or 0x…. */
struct shutdown_name shutdown_view_function(const struct shutdown_view *view, uint64_t func);

/* "md_notify_reboot", "devices: pci_device_shutdown": what an open function is in, "a > b > c"; "": none. */
struct shutdown_name shutdown_view_open(const struct shutdown_view *view);

/* "reboot notifiers", …; and what says where the kernel's part begins. */
const char *shutdown_view_section(enum shutdown_section section);
const char *shutdown_view_source(enum shutdown_source source);

/* "poweroff/123", raw: the task that shuts down. */
struct shutdown_name shutdown_view_task(const struct shutdown_view *view);

/*
 * The calls of a section, without its helpers; those of SHUTDOWN_SECTIONS: the helpers of all sections. The longest
 * first; heap, *nr of them. NULL: none, or no memory.
 */
const struct shutdown_call **shutdown_view_calls(
	const struct shutdown_view *view, enum shutdown_section section, size_t *nr);

/* "serio_shutdown", "serio_shutdown (i8042 kbd)"; raw. */
struct shutdown_name shutdown_view_call(const struct shutdown_view *view, const struct shutdown_call *call);

/* Programs that ended in the user-space part, the last first; likewise. */
const struct boot_process **shutdown_view_ended(const struct shutdown_view *view, size_t *nr);

void shutdown_text(const struct shutdown_view *view, FILE *out, bool colour);

/* Of `nr` machines one document; -ENOMEM. */
int shutdown_json(const struct shutdown_view *views, size_t nr, const struct trace_damage *damage, FILE *out);

/* -ENOMEM, or the file's error. */
int shutdown_svg(const struct shutdown_view *view, const char *path, struct error *error);
