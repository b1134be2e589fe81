/* SPDX-License-Identifier: MIT */
#include "lib/analysis/event_decoder.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMATS_MAX      4096
#define GENERIC_FIELDS   2
#define DATA_LOC         "__data_loc "
#define FIELD_NAME_BYTES 64

struct generic_field {
	uint32_t offset, bytes;
	bool is_signed, is_text; /* text: the field is 16 bits of offset in the record, 16 of length */
};

struct generic_layout {
	enum kernel_event_kind kind;
	struct generic_field fields[GENERIC_FIELDS];
};

static const struct {
	const char *name;
	enum kernel_event_kind kind;
	const char *fields[GENERIC_FIELDS];
} generic_events[] = {
	{"initcall_level", KERNEL_EVENT_INITCALL_LEVEL, {"level"}},
	{"initcall_start", KERNEL_EVENT_INITCALL_START, {"func"}},
	{"initcall_finish", KERNEL_EVENT_INITCALL_FINISH, {"func", "ret"}},
	{"module_load", KERNEL_EVENT_MODULE_LOAD, {"name"}},
	{"console", KERNEL_EVENT_CONSOLE, {"msg"}},
};

void event_decoder_init(struct event_decoder *decoder, const struct event_schema *schema,
	const struct event_type *lost_type, const struct names *names)
{
	*decoder = (struct event_decoder){.names = names};
	kernel_events_init(&decoder->kernel, schema, lost_type);
}

void event_decoder_deinit(struct event_decoder *decoder)
{
	uint64_t format, layout;

	for (size_t at = 0; hash_map_next(&decoder->generic, &at, &format, &layout);)
		free((void *)(uintptr_t)layout);
	hash_map_deinit(&decoder->generic);
}

/* A line of a tracefs format file: "field:unsigned long func; offset:8; size:8; signed:0;". */
static bool parse_field(const char *line, const char *name, struct generic_field *field)
{
	const char *at = line + strspn(line, " \t"), *end;
	char found[FIELD_NAME_BYTES];
	unsigned offset, bytes, is_signed;
	size_t length;

	if (strncmp(at, "field:", 6) || !(end = strchr(at, ';')))
		return false;
	at += 6;
	if (sscanf(end, "; offset:%u; size:%u; signed:%u;", &offset, &bytes, &is_signed) != 3)
		return false;
	for (length = 0; end - length > at && end[-1 - (long)length] != ' '; length++)
		;
	if (length >= sizeof(found))
		return false;
	memcpy(found, end - length, length);
	found[length] = 0;
	found[strcspn(found, "[")] = 0;
	if (strcmp(found, name))
		return false;
	*field = (struct generic_field){
		.offset = offset,
		.bytes = bytes,
		.is_signed = is_signed,
		.is_text = !strncmp(at, DATA_LOC, strlen(DATA_LOC)),
	};
	return field->is_text ? bytes == 4 : bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

static bool find_field(const char *format, const char *name, struct generic_field *field)
{
	for (const char *line = format; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (parse_field(line, name, field))
			return true;
	}
	return false;
}

static bool is_named(const char *format, const char *name)
{
	const char *line = strncmp(format, "name: ", 6) ? strstr(format, "\nname: ") : format;
	size_t length = strlen(name);

	if (!line)
		return false;
	line = strchr(line, ' ') + 1;
	return !strncmp(line, name, length) && line[length] == '\n';
}

/* Kind OTHER unless all its fields are there. */
static void parse_format(const char *format, struct generic_layout *layout)
{
	*layout = (struct generic_layout){.kind = KERNEL_EVENT_OTHER};
	for (size_t i = 0; format && i < sizeof(generic_events) / sizeof(generic_events[0]); i++) {
		bool found = is_named(format, generic_events[i].name);

		for (int n = 0; found && n < GENERIC_FIELDS && generic_events[i].fields[n]; n++)
			found = find_field(format, generic_events[i].fields[n], &layout->fields[n]);
		if (found)
			layout->kind = generic_events[i].kind;
	}
}

static const struct generic_layout *layout_of(struct event_decoder *decoder, uint32_t format)
{
	uint64_t *place = hash_map_get(&decoder->generic, format);
	struct generic_layout *layout;

	if (place)
		return (const struct generic_layout *)(uintptr_t)*place;
	if (decoder->generic.count >= FORMATS_MAX)
		return NULL;
	layout = malloc(sizeof(*layout));
	place = layout ? hash_map_put(&decoder->generic, format) : NULL;
	if (!place) {
		free(layout);
		return NULL;
	}
	parse_format(decoder->names ? names_format(decoder->names, format) : NULL, layout);
	*place = (uintptr_t)layout;
	return layout;
}

static uint64_t read_integer(const struct generic_field *field, const uint8_t *raw)
{
	unsigned shift = 64 - 8 * field->bytes;
	uint64_t word = 0;

	memcpy(&word, raw + field->offset, field->bytes);
	word <<= shift;
	return field->is_signed ? (uint64_t)((int64_t)word >> shift) : word >> shift;
}

static void read_generic(struct event_decoder *decoder, const struct event_type *type, const uint8_t *payload,
	struct decoded_event *event)
{
	const struct generic_layout *layout = layout_of(decoder, (uint32_t)event->values[0]);
	const struct event_field *field = event_type_find_field(type, "raw");
	uint32_t bytes, number = 0;
	const uint8_t *raw;

	event->kind = KERNEL_EVENT_OTHER;
	if (!layout || layout->kind == KERNEL_EVENT_OTHER || !field || field->kind != EVENT_FIELD_BYTES)
		return;
	raw = event_field_tail(field, payload, &bytes);
	memset(event->values, 0, sizeof(event->values));
	for (int i = 0; i < GENERIC_FIELDS && layout->fields[i].bytes; i++) {
		const struct generic_field *part = &layout->fields[i];
		uint64_t value;

		if (part->offset > bytes || part->bytes > bytes - part->offset)
			return;
		value = read_integer(part, raw);
		if (!part->is_text) {
			event->values[number++] = value;
			continue;
		}
		value &= UINT32_MAX;
		if ((value & 0xffff) > bytes || value >> 16 > bytes - (value & 0xffff))
			return;
		event->text = raw + (value & 0xffff);
		event->text_bytes = (uint32_t)(value >> 16);
		if (event->text_bytes && !event->text[event->text_bytes - 1])
			event->text_bytes--; /* the kernel counts the NUL */
	}
	event->kind = layout->kind;
}

static bool has_comm(enum kernel_event_kind kind)
{
	return kind == KERNEL_EVENT_FORK || kind == KERNEL_EVENT_EXEC || kind == KERNEL_EVENT_RENAME;
}

static bool has_text(enum kernel_event_kind kind)
{
	return kind == KERNEL_EVENT_MARKER || kind == KERNEL_EVENT_GUEST_END ||
		kind == KERNEL_EVENT_INITCALL_LEVEL || kind == KERNEL_EVENT_MODULE_LOAD ||
		kind == KERNEL_EVENT_CONSOLE;
}

void event_decoder_read(struct event_decoder *decoder, const struct event_type *type, const uint8_t *payload,
	struct decoded_event *event)
{
	const struct kernel_event_layout *layout = &decoder->kernel.layouts[type->id];

	*event = (struct decoded_event){.kind = layout->kind};
	if (event->kind == KERNEL_EVENT_OTHER)
		return;
	for (unsigned i = 0; i < KERNEL_EVENT_VALUES; i++)
		if (kernel_event_has(layout, (unsigned)i))
			event->values[i] = kernel_event_value(layout, i, payload);
	if (event->kind == KERNEL_EVENT_TRACEPOINT) {
		read_generic(decoder, type, payload, event);
	} else if (has_comm(event->kind)) {
		event->text = kernel_event_comm(layout, payload);
		event->text_bytes = 16;
	} else if (has_text(event->kind)) {
		event->text = kernel_event_text(layout, payload, &event->text_bytes);
	}
}
