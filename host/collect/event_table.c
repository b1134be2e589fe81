/* SPDX-License-Identifier: MIT */
#include "host/collect/event_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct field_definition {
	const char *name;
	enum event_field_kind kind;
	unsigned bits;
};

struct event_definition {
	uint32_t id;
	const char *name, *group;
	const struct field_definition *fields; /* ends with a NULL name */
};

#define U(field, bits) { #field, EVENT_FIELD_UNSIGNED, bits },
#define S(field, bits) { #field, EVENT_FIELD_SIGNED, bits },
#define X(field, bits) { #field, EVENT_FIELD_HEX, bits },
#define C(field)       { #field, EVENT_FIELD_COMM, 128 },
#define T(field)       { #field, EVENT_FIELD_TEXT, 16 },
#define B(field)       { #field, EVENT_FIELD_BYTES, 16 },
#define HT_EVENT(id, name, group, ...) \
	static const struct field_definition fields_of_##name[] = { __VA_ARGS__ { NULL } };
#include "abi/events.def"
#undef U
#undef S
#undef X
#undef C
#undef T
#undef B

static const struct event_definition definitions[] = {
#define HT_EVENT(id, name, group, ...) { id, #name, #group, fields_of_##name },
#include "abi/events.def"
};
#define NR_DEFINITIONS (sizeof(definitions) / sizeof(definitions[0]))

static int add_definition(struct event_schema *schema, const struct event_definition *definition,
	struct error *error)
{
	struct event_type *type;
	int code = event_schema_add_type(schema, definition->id, definition->name, &type, error);

	for (const struct field_definition *field = definition->fields; !code && field->name; field++)
		code = event_type_add_field(type, field->name, field->kind, field->bits, error);
	return code;
}

struct event_schema *event_table_schema(enum event_table_part part, struct error *error)
{
	struct event_schema *schema = event_schema_create();
	int code = 0;

	if (!schema) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; !code && i < NR_DEFINITIONS; i++)
		if ((strcmp(definitions[i].group, "names") == 0) == (part == EVENT_TABLE_NAMES))
			code = add_definition(schema, &definitions[i], error);
	if (!code)
		code = event_schema_check(schema, error);
	if (code) {
		event_schema_destroy(schema);
		return NULL;
	}
	return schema;
}

/* Groups a user can ask for; the others are on or off by themselves. */
static bool is_selectable(const struct event_definition *definition)
{
	return strcmp(definition->group, "names") != 0 && strcmp(definition->group, "state") != 0 &&
		strcmp(definition->group, "generic") != 0 && strcmp(definition->group, "span") != 0;
}

void event_table_groups(struct strbuf *out)
{
	const char *last = "";

	for (size_t i = 0; i < NR_DEFINITIONS; i++) {
		if (!is_selectable(&definitions[i]) || strcmp(definitions[i].group, last) == 0)
			continue;
		last = definitions[i].group;
		strbuf_printf(out, "%s ", last);
	}
	strbuf_puts(out, "all");
}

/* The word, without its ":args". Returns how many events it names. */
static size_t select_word(struct event_selection *selection, const char *word)
{
	size_t found = 0;

	for (size_t i = 0; i < NR_DEFINITIONS; i++) {
		const struct event_definition *definition = &definitions[i];

		if (!is_selectable(definition) || (strcmp(word, "all") != 0 && strcmp(word, definition->group) != 0 &&
			strcmp(word, definition->name) != 0))
			continue;
		selection->events |= 1ull << definition->id;
		found++;
	}
	return found;
}

/* Names of systems and events, as the kernel allows them: the word goes into the guest's kernel. */
static bool is_tracepoint(const char *word)
{
	const char *colon = strchr(word, ':');

	if (!colon || colon == word || !colon[1] || strchr(colon + 1, ':'))
		return false;
	for (; *word; word++)
		if (!isalnum((unsigned char)*word) && *word != '_' && *word != '-' && *word != ':' && *word != '*')
			return false;
	return true;
}

static int select_tracepoint(struct event_selection *selection, const char *word, struct error *error)
{
	size_t used = strlen(selection->tracepoints);

	if (used + strlen(word) + 2 > sizeof(selection->tracepoints))
		return error_set(error, -E2BIG, "more tracepoints than the guest's control page holds (%zu bytes)",
			sizeof(selection->tracepoints));
	sprintf(selection->tracepoints + used, "%s\n", word);
	return 0;
}

static int unknown_word(const char *word, struct error *error)
{
	struct strbuf groups __attribute__((cleanup(strbuf_deinit))) = STRBUF_EMPTY;

	event_table_groups(&groups);
	error_set(error, -EINVAL, "unknown event '%s'", word);
	return error_hint(error, "groups are %s; events are such as sched_switch; any other tracepoint is "
		"SYSTEM:EVENT, such as block:block_rq_issue", groups.data ? groups.data : "");
}

static int select_one(struct event_selection *selection, char *word, struct error *error)
{
	/* The kernel's own names of what has a compact event of ours work as well. */
	const char *colon = strchr(word, ':');

	if (strcmp(word, "syscalls:args") == 0) {
		selection->syscall_args = true;
		return select_word(selection, "syscalls") ? 0 : -EINVAL;
	}
	if (select_word(selection, word))
		return 0;
	if (is_tracepoint(word))
		return select_word(selection, colon + 1) ? 0 : select_tracepoint(selection, word, error);
	return unknown_word(word, error);
}

int event_selection_add(struct event_selection *selection, const char *list, struct error *error)
{
	char word[EVENT_NAME_BYTES * 2 + 2];
	size_t bytes;
	int code;

	selection->events |= 1ull << EVENT_ID_panic | 1ull << EVENT_ID_cpu_state;
	for (; *list; list += bytes + (list[bytes] == ',')) {
		bytes = strcspn(list, ",");
		if (bytes == 0)
			continue;
		if (bytes >= sizeof(word))
			return error_set(error, -EINVAL, "event name of %zu characters", bytes);
		memcpy(word, list, bytes);
		word[bytes] = '\0';
		code = select_one(selection, word, error);
		if (code)
			return code;
	}
	return 0;
}
