/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_boot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/collect/recorder.h"
#include "lib/base/strbuf.h"

#define RING_BYTES (4u << 20)
#define FUNCTIONS_RING_BYTES \
	(16u << 20) /* of a guest under KVM 0.1 s of all functions, an emulated one 0.5 s */
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
		if (at[0] == '!' && !strncmp(at + 1, word, length) &&
			(at[1 + length] == ',' || !at[1 + length]))
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

/* Globs of symbols' letters: a blank or a quote would end the word on the command line. */
#define PATTERN_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.*?[]-^"

int ftrace_boot_check(const struct ftrace_boot_wishes *wishes, struct error *error)
{
	const char *at = wishes->functions;

	if (!at)
		return 0;
	if (strlen(at) > FTRACE_BOOT_PATTERNS_MAX) {
		error_set(error, -E2BIG, "-F: more patterns than a kernel's command line takes");
		return error_hint(error, "at most %u bytes; use wider patterns, or channel shm",
			FTRACE_BOOT_PATTERNS_MAX);
	}
	do {
		size_t length;

		at += *at == ',';
		at += *at == '!';
		length = strcspn(at, ",");
		if (!length || strspn(at, PATTERN_LETTERS) != length) {
			error_set(error, -EINVAL, "-F %s: '%.*s' is no pattern of functions",
				wishes->functions, (int)length, at);
			return error_hint(
				error, "for example -F 'vfs_*,ksys_*,!vfs_fsync*', or -F '*' for all");
		}
		at += length;
	} while (*at);
	return 0;
}

/* Those with or without '!'; "*" puts in all, which is what no filter does. */
static void add_patterns(struct strbuf *words, const char *word, const char *list, bool taken_out)
{
	bool any = false;

	for (const char *at = list; at; at = strchr(at, ',')) {
		size_t length;

		at += *at == ',';
		length = strcspn(at, ",");
		if (length == 1 && *at == '*' && !taken_out)
			return;
	}
	for (const char *at = list; at; at = strchr(at, ',')) {
		size_t length;

		at += *at == ',';
		length = strcspn(at, ",");
		if ((*at == '!') == taken_out)
			strbuf_printf(
				words, "%s%.*s", any ? "," : word, (int)length - taken_out, at + taken_out);
		any |= (*at == '!') == taken_out;
	}
}

static const char *events_of(const struct ftrace_boot_wishes *wishes)
{
	if (wishes->events && wishes->events[0])
		return wishes->events;
	return wishes->functions ? "initcall" : RECORDER_EVENTS;
}

char *ftrace_boot_words(const struct ftrace_boot_wishes *wishes)
{
	const char *list = events_of(wishes), *tracer = NULL;
	const uint64_t ring_bytes = wishes->ring_bytes ? wishes->ring_bytes
		: wishes->functions                    ? FUNCTIONS_RING_BYTES
						       : RING_BYTES;
	struct strbuf traced = STRBUF_EMPTY, further = STRBUF_EMPTY, words = STRBUF_EMPTY;

	add_words(&traced, &tracer, &further, WHO_RUNS, list);
	add_words(&traced, &tracer, &further, list, list);
	if (wishes->functions) {
		tracer = wishes->graph ? "function_graph" : "function";
		add_patterns(&further, " ftrace_filter=", wishes->functions, false);
		add_patterns(&further, " ftrace_notrace=", wishes->functions, true);
	}
	/* the raw TSC: cheap under every clock source, and what the host can place in its own time */
	/* tsc=reliable: an emulated or virtual TSC often fails the kernel's test, and then its clocks are those of ticks */
	strbuf_printf(
		&words, "tsc=reliable trace_clock=x86-tsc trace_buf_size=%" PRIu64 "K", ring_bytes >> 10);
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

char *ftrace_boot_selection(const struct ftrace_boot_wishes *wishes)
{
	struct strbuf list = STRBUF_EMPTY;

	strbuf_printf(&list, WHO_RUNS ",%s", events_of(wishes));
	if (wishes->functions)
		strbuf_printf(&list, ",%s", wishes->graph ? "function_graph" : "function");
	if (list.failed)
		strbuf_deinit(&list);
	return list.data;
}
