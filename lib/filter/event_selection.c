/* SPDX-License-Identifier: MIT */
#include "lib/filter/event_selection.h"

#include <errno.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/suggest.h"
#include "lib/base/text.h"

struct word {
	const char *at;
	size_t length;
};

static bool word_is(struct word word, const char *text)
{
	return strlen(text) == word.length && !memcmp(word.at, text, word.length);
}

static bool group_is_new(const struct event_choice *choices, const struct event_choice *choice)
{
	for (; choices < choice; choices++)
		if (!strcmp(choices->group, choice->group))
			return false;
	return true;
}

/* What the user typed, safe for a terminal. */
struct shown {
	char text[4 * 64 + 1];
};

static struct shown show(struct word word)
{
	struct shown shown;

	shown.text[text_escape(shown.text, word.at, word.length > 64 ? 64 : word.length)] = '\0';
	return shown;
}

static int unknown(struct word word, const struct event_choice *choices, struct error *error)
{
	struct suggestion near = suggestion_for(word.at, word.length);
	cleanup_strbuf struct strbuf groups = STRBUF_EMPTY;

	for (const struct event_choice *choice = choices; choice->name; choice++) {
		suggestion_consider(&near, choice->name);
		suggestion_consider(&near, choice->group);
		if (group_is_new(choices, choice))
			strbuf_printf(&groups, "%s%s", groups.length ? ", " : "", choice->group);
	}
	error_set(error, -EINVAL, "-e: unknown event '%s'", show(word).text);
	if (near.best)
		error_hint(error, "did you mean %s?", near.best);
	else
		error_hint(error,
			"groups: %s, all; an event's name; or system:event for any tracepoint of the kernel",
			groups.data ? groups.data : "");
	return -EINVAL;
}

/* Takes the events of that name or group in or out. False: there is none. */
static bool choose(
	struct event_selection *selection, struct word word, bool in, const struct event_choice *choices)
{
	bool all = word_is(word, "all"), found = all;

	for (; choices->name; choices++) {
		uint64_t bit = 1ull << (choices->id % 64);

		if (choices->id >= 4096 ||
			(!all && !word_is(word, choices->name) && !word_is(word, choices->group)))
			continue;
		found = true;
		if (in)
			selection->ids[choices->id / 64] |= bit;
		else
			selection->ids[choices->id / 64] &= ~bit;
	}
	return found;
}

static bool is_tracepoint(struct word word)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:";
	const char *colon = memchr(word.at, ':', word.length);

	if (!colon || colon == word.at || colon + 1 == word.at + word.length)
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (!memchr(good, word.at[i], sizeof(good) - 1) ||
			(word.at[i] == ':' && word.at + i != colon))
			return false;
	return true;
}

/* The line of a tracepoint in the list, or NULL. */
static char *find_tracepoint(const struct event_selection *selection, struct word word)
{
	const char *at = selection->tracepoints;

	while (*at) {
		const char *newline = strchr(at, '\n');

		if ((size_t)(newline - at) == word.length && !memcmp(at, word.at, word.length))
			return (char *)at;
		at = newline + 1;
	}
	return NULL;
}

static int choose_tracepoint(
	struct event_selection *selection, struct word word, bool in, struct error *error)
{
	char *line = find_tracepoint(selection, word);
	size_t used = strlen(selection->tracepoints);

	if (!in) {
		if (line) {
			memmove(line, line + word.length + 1, strlen(line + word.length + 1) + 1);
			selection->nr_tracepoints--;
		}
		return 0;
	}
	if (line)
		return 0;
	if (used + word.length + 2 > sizeof(selection->tracepoints))
		return error_set(error, -EINVAL, "-e: too many tracepoints, their names exceed %zu bytes",
			sizeof(selection->tracepoints));
	memcpy(selection->tracepoints + used, word.at, word.length);
	memcpy(selection->tracepoints + used + word.length, "\n", 2);
	selection->nr_tracepoints++;
	return 0;
}

int event_selection_parse(struct event_selection *selection, const char *list,
	const struct event_choice *choices, struct error *error)
{
	*selection = (struct event_selection){0};
	for (const char *at = list;; at++) {
		struct word word = {at, strcspn(at, ",")};
		bool in = *at != '!';
		int code = 0;

		at += word.length;
		if (!in)
			word = (struct word){word.at + 1, word.length - 1};
		if (!word.length) {
			error_set(error, -EINVAL, "-e: an empty word in '%s'",
				show((struct word){list, strlen(list)}).text);
			return error_hint(error, "one comma between two words: sched,irq,!sched_waking");
		}
		if (is_tracepoint(word))
			code = choose_tracepoint(selection, word, in, error);
		else if (!choose(selection, word, in, choices))
			code = unknown(word, choices, error);
		if (code)
			return code;
		if (!*at)
			return 0;
	}
}

bool event_selection_has_tracepoint(const struct event_selection *selection, const char *name)
{
	return find_tracepoint(selection, (struct word){name, strlen(name)});
}
