/* SPDX-License-Identifier: MIT */
/*
 * Generic tracepoints carry the kernel's own record; the guest has sent the format beside it, and
 * libtraceevent knows how to print it. Format and record are a guest's: a record is only shown if each of its
 * fields lies within it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <traceevent/event-parse.h>
#include <traceevent/trace-seq.h>

#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/dump_put.h"

#define RAW_BYTES_MAX 8192 /* no kernel record is larger than its page */
#define SHOWN_MAX     (DUMP_LINE_BYTES / 8)

/* Each has a handle of its own: one hostile format cannot change how another's records are read. */
struct tracepoint {
	char name[2 * EVENT_NAME_BYTES]; /* "system:event" */
	struct tep_handle *tep;
	struct tep_event *event; /* of tep; NULL: its format could not be read */
};

struct dump_tracepoints {
	struct hash_map by_format; /* -> struct tracepoint * */
	char symbol[128];          /* what the resolver found last */
};

void dump_tracepoints_destroy(struct dump_tracepoints *tracepoints)
{
	uint64_t key, value;
	size_t position = 0;

	if (!tracepoints)
		return;
	while (hash_map_next(&tracepoints->by_format, &position, &key, &value)) {
		struct tracepoint *tracepoint = (void *)(uintptr_t)value;

		tep_free(tracepoint->tep);
		free(tracepoint);
	}
	hash_map_deinit(&tracepoints->by_format);
	free(tracepoints);
}

static char *resolve(void *context, unsigned long long *address, char **module)
{
	struct dump_machine *machine = context;
	uint64_t offset;
	const char *name = names_symbol(&machine->machine->names, *address, &offset);

	*module = NULL;
	if (!name)
		return NULL;
	snprintf(machine->tracepoints->symbol, sizeof(machine->tracepoints->symbol), "%s", name);
	*address -= offset;
	return machine->tracepoints->symbol;
}

static struct tep_handle *make_handle(struct dump_machine *machine)
{
	struct tep_handle *tep = tep_alloc();

	if (!tep)
		return NULL;
	tep_set_loglevel(TEP_LOG_NONE);
	tep_set_long_size(tep, 8);
	tep_set_page_size(tep, 4096);
	tep_set_file_bigendian(tep, TEP_LITTLE_ENDIAN);
	tep_set_local_bigendian(tep, TEP_LITTLE_ENDIAN);
	tep_set_function_resolver(tep, resolve, machine);
	return tep;
}

/* The value of a line "key: value". */
static size_t line_value(const char *text, const char *key, char *out, size_t room)
{
	size_t length = strlen(key), used = 0;

	if (strncmp(text, key, length))
		return 0;
	for (text += length; *text == ' '; text++)
		;
	for (; text[used] && text[used] != '\n' && used + 1 < room; used++)
		out[used] = text[used];
	out[used] = '\0';
	return used;
}

/*
 * Does its print format only use what libtraceevent keeps within the fields? Lengths and counts from the
 * record it believes; such an event is shown field by field instead.
 */
static bool print_is_safe(const char *text)
{
	static const char *const good[] = {"__print_symbolic", "__print_flags", "__get_str", "__entry"};
	const char *at = strstr(text, "print fmt:");

	if (!at || strchr(at, '*'))
		return false;
	while ((at = strstr(at, "__"))) {
		size_t length = 0;

		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			if (!strncmp(at, good[i], strlen(good[i])))
				length = strlen(good[i]);
		if (!length)
			return false;
		at += length;
	}
	return true;
}

/* Every record begins with its number, which is how libtraceevent finds the event. */
static bool begins_with_type(const struct tep_event *event)
{
	const struct tep_format_field *field = event->format.common_fields;

	return field && !strcmp(field->name, "common_type") && !field->offset && field->size == 2;
}

/* The text begins with "system: …\n", which is ours; the rest is as tracefs has it. */
static void parse_format(
	struct dump_machine *machine, struct tracepoint *tracepoint, const char *text, uint32_t format)
{
	const char *rest = strchr(text, '\n');
	char system[EVENT_NAME_BYTES], name[EVENT_NAME_BYTES];
	struct tep_event *event;

	if (!rest || !line_value(text, "system:", system, sizeof(system)) ||
		!line_value(rest + 1, "name:", name, sizeof(name)))
		return;
	snprintf(tracepoint->name, sizeof(tracepoint->name), "%s:%s", system, name);
	for (char *at = tracepoint->name; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			*at = '?';
	tracepoint->tep = make_handle(machine);
	if (!tracepoint->tep || tep_parse_event(tracepoint->tep, rest + 1, strlen(rest + 1), system))
		return;
	event = tep_find_event(tracepoint->tep, (int)format);
	if (!event || !begins_with_type(event))
		return;
	if (!print_is_safe(rest))
		event->flags |= TEP_EVENT_FL_PRINTRAW;
	tracepoint->event = event;
}

static struct tracepoint *find(struct dump_machine *machine, uint32_t format)
{
	struct tracepoint *tracepoint;
	const char *text;
	uint64_t *place;

	if (!machine->tracepoints)
		machine->tracepoints = calloc(1, sizeof(*machine->tracepoints));
	if (!machine->tracepoints)
		return NULL;
	place = hash_map_get(&machine->tracepoints->by_format, format);
	if (place)
		return (void *)(uintptr_t)*place;
	text = names_format(&machine->machine->names, format);
	tracepoint = text ? calloc(1, sizeof(*tracepoint)) : NULL;
	place = tracepoint ? hash_map_put(&machine->tracepoints->by_format, format) : NULL;
	if (!place) {
		free(tracepoint);
		return NULL;
	}
	*place = (uint64_t)(uintptr_t)tracepoint;
	parse_format(machine, tracepoint, text, format);
	return tracepoint;
}

const char *dump_tracepoint_name(struct dump_machine *machine, uint32_t format)
{
	struct tracepoint *tracepoint = find(machine, format);

	return tracepoint && tracepoint->name[0] ? tracepoint->name : NULL;
}

static bool field_fits(const struct tep_format_field *field, const uint8_t *raw, uint32_t bytes)
{
	uint32_t where, begin;

	if (field->offset < 0 || field->size < 0 || (uint64_t)field->offset + (uint64_t)field->size > bytes)
		return false;
	if (!(field->flags & (TEP_FIELD_IS_DYNAMIC | TEP_FIELD_IS_RELATIVE)))
		return true;
	if (field->size != sizeof(where))
		return false;
	memcpy(&where, raw + field->offset, sizeof(where));
	begin = where & 0xffff;
	if (field->flags & TEP_FIELD_IS_RELATIVE)
		begin += (uint32_t)field->offset + (uint32_t)field->size;
	return (uint64_t)begin + (where >> 16) <= bytes;
}

static bool fits(const struct tep_event *event, const uint8_t *raw, uint32_t bytes)
{
	uint16_t type;

	if (bytes < sizeof(type))
		return false;
	memcpy(&type, raw, sizeof(type));
	if (type != event->id)
		return false;
	for (const struct tep_format_field *field = event->format.common_fields; field; field = field->next)
		if (!field_fits(field, raw, bytes))
			return false;
	for (const struct tep_format_field *field = event->format.fields; field; field = field->next)
		if (!field_fits(field, raw, bytes))
			return false;
	return true;
}

static char *put_unknown(const uint8_t *raw, uint32_t bytes, char *at)
{
	at = put_unsigned(put_literal(at, "raw="), bytes);
	at = put_literal(at, ":");
	for (uint32_t i = 0; i < bytes && i < 256; i++) {
		*at++ = "0123456789abcdef"[raw[i] >> 4];
		*at++ = "0123456789abcdef"[raw[i] & 15];
	}
	return at;
}

char *dump_tracepoint_fields(struct dump_machine *machine, uint32_t format, const uint8_t *raw,
	uint32_t bytes, uint32_t cpu, uint64_t tsc, char *at, bool json)
{
	struct tracepoint *tracepoint = find(machine, format);
	uint8_t copy[RAW_BYTES_MAX + 64] = {0}; /* strings in it end */
	struct trace_seq shown;
	size_t length;

	if (!tracepoint || !tracepoint->event || bytes > RAW_BYTES_MAX ||
		!fits(tracepoint->event, raw, bytes))
		return put_unknown(raw, bytes, at);
	memcpy(copy, raw, bytes);
	trace_seq_init(&shown);
	tep_print_event(tracepoint->tep, &shown,
		&(struct tep_record){.ts = tsc, .data = copy, .size = (int)bytes, .cpu = (int)cpu}, "%s",
		TEP_PRINT_INFO);
	trace_seq_terminate(&shown);
	length = shown.state == TRACE_SEQ__GOOD ? shown.len : 0;
	if (length > SHOWN_MAX)
		length = SHOWN_MAX;
	if (json)
		at += text_escape_json(at, shown.buffer, length);
	else
		at = put_foreign(at, shown.buffer, length);
	trace_seq_destroy(&shown);
	return at;
}
