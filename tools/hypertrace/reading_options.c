/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/reading_options.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"
#include "tools/hypertrace/output_directory.h"

/* The next word of the list, without its '!'. False: none is left. */
static bool next_word(const char **at, char word[EVENT_NAME_BYTES * 2], bool *in)
{
	size_t length = strcspn(*at, ",");

	if (!**at)
		return false;
	*in = **at != '!';
	snprintf(word, EVENT_NAME_BYTES * 2, "%.*s", (int)length - !*in, *at + !*in);
	*at += length + ((*at)[length] == ',');
	return true;
}

static bool is_ours(const char *word)
{
	struct event_selection selection;

	return event_selection_parse(&selection, word, event_table_read_choices, NULL) == 0;
}

/* Of the list what event_selection knows; all of it where it has a mistake that is no unknown name. */
static int parse_events(struct trace_part *part, const char *list, struct error *error)
{
	cleanup_strbuf struct strbuf ours = STRBUF_EMPTY;
	char word[EVENT_NAME_BYTES * 2];
	const char *at = list;
	bool in;

	if (strlen(list) >= sizeof(part->events))
		return error_set(error, -E2BIG, "-e: more than %zu bytes", sizeof(part->events) - 1);
	strcpy(part->events, list); /* its length was checked */
	while (next_word(&at, word, &in)) {
		if (word[0] && !is_ours(word))
			continue;
		strbuf_printf(&ours, "%s%s%s", ours.length ? "," : "", in ? "" : "!", word);
	}
	if (ours.failed)
		return error_set(error, -ENOMEM, "out of memory");
	if (list[0] && list[strlen(list) - 1] == ',')
		strbuf_putc(&ours, ',');
	if (!ours.length && list[0])
		return 0;
	return event_selection_parse(
		&part->selection, list[0] ? ours.data : list, event_table_read_choices, error);
}

static bool word_names(const char *word, const char *name)
{
	const char *colon = strchr(word, ':');

	/* a trace does not know the systems of its events: only a whole name behind the colon says which */
	if (!strcmp(word, "all") || !fnmatch(word, name, 0) || (colon && !strcmp(colon + 1, name)))
		return true;
	for (const struct event_choice *choice = event_table_read_choices; choice->name; choice++)
		if (!strcmp(choice->name, name) && !strcmp(choice->group, word))
			return true;
	/* what sys_enter is called where it has its arguments */
	return !strcmp(name, "sys_enter_args") && (!strcmp(word, "sys_enter") || !strcmp(word, "syscalls"));
}

bool trace_part_selects(const struct trace_part *part, const char *name)
{
	char word[EVENT_NAME_BYTES * 2];
	const char *at = part->events;
	bool in, selects = part->all_events || part->events[0] == '!';

	if (!strcmp(name, EVENT_TASK_COMM)) /* a help for readers, not what happened */
		return false;

	while (next_word(&at, word, &in))
		if (word_names(word, name))
			selects = in;
	return selects;
}

static bool trace_has(const struct trace *trace, const char *word)
{
	for (uint32_t i = 0; i < trace->nr_machines; i++)
		for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
			const struct event_type *type = trace->machines[i].schema->types[id];

			if (type && word_names(word, type->name))
				return true;
		}
	return false;
}

int trace_part_check(const struct trace_part *part, const struct trace *trace, struct error *error)
{
	char word[EVENT_NAME_BYTES * 2];
	const char *at = part->events;
	struct event_selection selection;
	bool in;

	while (next_word(&at, word, &in)) {
		if (is_ours(word) || trace_has(trace, word))
			continue;
		return event_selection_parse(&selection, word, event_table_read_choices, error);
	}
	return 0;
}

int trace_part_parse(struct trace_part *part, const struct reading_options *options, struct error *error)
{
	cleanup_free char *events = NULL;
	int code = 0;

	*part = (struct trace_part){.all_events = !options->events.count};
	if (!part->all_events) {
		events = string_list_join(&options->events);
		code = events ? parse_events(part, events, error)
			      : error_set(error, -ENOMEM, "out of memory");
	}
	if (!code)
		code = filter_parse(&part->filter, options->filter, error);
	if (!code)
		code = time_range_parse(&part->range, options->time, error);
	for (uint32_t cpu = 0; !code && cpu < TRACE_CPUS_MAX; cpu++)
		if (filter_ranges_match(&part->filter.cpus, cpu))
			part->cpus[cpu / 64] |= 1ull << cpu % 64;
	return code;
}

int filter_parse_plain(struct filter *filter, const char *text, struct error *error)
{
	int result = filter_parse(filter, text, error);

	if (result || !filter_has_durations(filter))
		return result;
	error_set(error, -EINVAL, "-f: a condition on durations is of no use here");
	return error_hint(error, "hypertrace dump and report take one");
}

int reading_options_machine(
	const struct reading_options *options, const struct trace *trace, int *machine, struct error *error)
{
	*machine = options->machine ? trace_find_machine(trace, options->machine, error) : -1;
	return options->machine && *machine < 0 ? *machine : 0;
}

int open_traces(int count, char **paths, struct trace **trace, struct error *error)
{
	static const char *const usual = OUTPUT_DEFAULT;

	if (count)
		return trace_open((const char *const *)paths, (size_t)count, trace, error);
	return trace_open(&usual, 1, trace, error);
}
