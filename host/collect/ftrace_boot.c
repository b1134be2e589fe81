/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_boot.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/collect/recorder.h"
#include "lib/base/strbuf.h"

#define RING_BYTES (4u << 20)
/* So that tasks are known by name: as with hypertrace.ko. */
#define WHO_RUNS "sched_switch,sched_process_fork,sched_process_exec,task_rename"

static const struct meaning {
	const char *word, *events, *tracer, *further;
} meanings[] = {
	{"sched",
		"sched:sched_switch,sched:sched_waking,sched:sched_wakeup_new,sched:sched_migrate_task,"
		"sched:sched_process_fork,sched:sched_process_exec,sched:sched_process_exit,task:task_rename"},
	{"irq", "irq:*"},
	{"syscalls", "raw_syscalls:*"},
	{"args", "raw_syscalls:*"},
	{"timers",
		"timer:hrtimer_expire_entry,timer:hrtimer_expire_exit,timer:timer_expire_entry,"
		"timer:timer_expire_exit"},
	{"faults", "exceptions:page_fault_user,exceptions:page_fault_kernel"},
	{"initcall", "initcall:*,module:module_load"},
	/* no tracepoint is in a shutdown's callbacks: their functions are traced, and the devices named by messages */
	{"shutdown", "printk:console", "function_graph",
		"initcall_debug ftrace_graph_filter=kernel_restart,kernel_power_off,kernel_halt"},
	{"function", NULL, "function"},
	{"function_graph", NULL, "function_graph"},
	{"all", "*:*"},
	{"sched_switch", "sched:sched_switch"},
	{"sched_process_fork", "sched:sched_process_fork"},
	{"sched_process_exec", "sched:sched_process_exec"},
	{"task_rename", "task:task_rename"},
};

static const struct meaning *find_meaning(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strlen(meanings[i].word) == length && !memcmp(meanings[i].word, word, length))
			return &meanings[i];
	return NULL;
}

/* Is "!word" in the list? */
static bool is_taken_out(const char *list, const char *word, size_t length)
{
	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (at[0] == '!' && !strncmp(at + 1, word, length) && (at[1 + length] == ',' || !at[1 + length]))
			return true;
	}
	return false;
}

static void add_words(struct strbuf *events, const char **tracer, struct strbuf *further, const char *list,
	const char *whole)
{
	for (const char *at = list; *at;) {
		size_t length = strcspn(at, ",");
		const struct meaning *meaning = find_meaning(at, length);

		if (!length || at[0] == '!' || is_taken_out(whole, at, length)) {
			at += length + (at[length] == ',');
			continue;
		}
		if (meaning && meaning->tracer)
			*tracer = meaning->tracer;
		if (meaning && meaning->further)
			strbuf_printf(further, " %s", meaning->further);
		if (meaning && meaning->events)
			strbuf_printf(events, "%s%s", events->length ? "," : "", meaning->events);
		else if (!meaning)
			strbuf_printf(events, "%s%.*s", events->length ? "," : "", (int)length, at);
		at += length + (at[length] == ',');
	}
}

char *ftrace_boot_words(const char *events, uint64_t ring_bytes)
{
	const char *list = events && events[0] ? events : RECORDER_EVENTS, *tracer = NULL;
	struct strbuf traced = STRBUF_EMPTY, further = STRBUF_EMPTY, words = STRBUF_EMPTY;

	add_words(&traced, &tracer, &further, WHO_RUNS, list);
	add_words(&traced, &tracer, &further, list, list);
	/* the raw TSC: cheap under every clock source, and what the host can place in its own time */
	/* tsc=reliable: an emulated or virtual TSC often fails the kernel's test, and then its clocks are those of ticks */
	strbuf_printf(&words, "tsc=reliable trace_clock=x86-tsc trace_buf_size=%" PRIu64 "K",
		(ring_bytes ? ring_bytes : RING_BYTES) >> 10);
	if (traced.length)
		strbuf_printf(&words, " trace_event=%s", traced.data);
	if (tracer)
		strbuf_printf(&words, " ftrace=%s", tracer);
	strbuf_puts(&words, further.length ? further.data : "");
	words.failed |= traced.failed | further.failed;
	strbuf_deinit(&traced);
	strbuf_deinit(&further);
	if (words.failed)
		strbuf_deinit(&words);
	return words.data;
}

char *ftrace_boot_selection(const char *events)
{
	struct strbuf list = STRBUF_EMPTY;

	strbuf_printf(&list, WHO_RUNS ",%s", events && events[0] ? events : RECORDER_EVENTS);
	if (list.failed)
		strbuf_deinit(&list);
	return list.data;
}
