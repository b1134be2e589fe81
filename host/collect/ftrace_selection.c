/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_selection.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"

/* Our words for what the guest's tracefs calls otherwise; groups of events.def are found there. */
static const struct {
	const char *word, *system, *event;
} meanings[] = {
	{"syscalls", "raw_syscalls", "*"},
	{"syscalls", "syscalls", "*"},
	{"args", "raw_syscalls", "*"},
	{"timers", "timer", "*"},
	{"faults", "exceptions", "page_fault_*"},
	{"initcall", "module", "module_load"},
	{"function", "ftrace", "function"},
	{"function_graph", "ftrace", "funcgraph_*"},
	{"shutdown", "ftrace", "funcgraph_*"},
	{"shutdown", "printk", "console"},
};

static int refuse(struct error *error, const char *option, const char *hint)
{
	error_set(error, -ENOTSUP, "%s: the guest's own ftrace is only read, not told anything", option);
	return error_hint(error, "%s", hint);
}

int ftrace_selection_init(
	struct ftrace_selection *selection, const struct recorder_options *options, struct error *error)
{
	char *at;

	*selection = (struct ftrace_selection){.syscall_args = true};
	if (options->filter && options->filter[0])
		return refuse(error, "-f",
			"filter on reading (hypertrace dump -f), or use channel shm with hypertrace.ko");
	if (options->leave_on)
		return refuse(error, "--leave-on", "leave it out: the guest goes on tracing, whoever reads");
	if (!options->events || !options->events[0])
		return 0;
	selection->words = strdup(options->events);
	if (!selection->words)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	selection->syscall_args = false;
	at = selection->words;
	for (char *comma = at; comma; at = comma + 1) {
		comma = strchr(at, ',');
		if (comma)
			*comma = '\0';
		if (!at[at[0] == '!']) {
			ftrace_selection_deinit(selection);
			error_set(error, -EINVAL, "-e %s: an empty word", options->events);
			return error_hint(error, "for example -e sched,irq,raw_syscalls:sys_enter");
		}
		selection->syscall_args |= !strcmp(at, "args");
		selection->nr_words++;
		if (!comma)
			break;
	}
	return 0;
}

void ftrace_selection_deinit(struct ftrace_selection *selection)
{
	free(selection->words);
	*selection = (struct ftrace_selection){0};
}

static bool is_in_group(const char *group, const char *event)
{
	for (const struct event_choice *choice = event_table_choices; choice->name; choice++)
		if (!strcmp(choice->group, group) && !strcmp(choice->name, event))
			return true;
	return false;
}

static bool word_names(const char *word, const char *system, const char *event)
{
	char both[2 * EVENT_NAME_BYTES + 2];

	snprintf(both, sizeof(both), "%s:%s", system, event);
	if (!strcmp(word, "all") || !fnmatch(word, both, 0) || !fnmatch(word, event, 0) ||
		is_in_group(word, event))
		return true;
	/* ftrace's own events go by the tracers' names: the "function" of others must not be all of them */
	if (strcmp(system, "ftrace") && !fnmatch(word, system, 0))
		return true;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (!strcmp(word, meanings[i].word) && !strcmp(system, meanings[i].system) &&
			!fnmatch(meanings[i].event, event, 0))
			return true;
	return false;
}

bool ftrace_selection_has(const struct ftrace_selection *selection, const char *system, const char *event)
{
	const char *word = selection->words;
	bool has = !selection->nr_words || word[0] == '!';

	for (size_t i = 0; i < selection->nr_words; i++, word += strlen(word) + 1)
		if (word_names(word + (word[0] == '!'), system, event))
			has = word[0] != '!';
	return has;
}

const char *ftrace_selection_stranger(
	const struct ftrace_selection *selection, const struct ftrace_events *events)
{
	const char *word = selection->words;

	for (size_t i = 0; i < selection->nr_words; i++, word += strlen(word) + 1) {
		bool found = word[0] == '!';
		uint64_t type, value;
		size_t position = 0;

		while (!found && hash_map_next(&events->by_type, &position, &type, &value)) {
			const struct ftrace_event *event = (const void *)(uintptr_t)value;

			found = word_names(word, event->system, event->name);
		}
		if (!found)
			return word;
	}
	return NULL;
}
