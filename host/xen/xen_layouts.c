/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_layouts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HYPERCALL      0x20100du
#define SUBCALL        0x20200eu
#define ARGUMENTS      6
#define HYPERCALL_MASK 0xfffffu
#define INDEX_BITS     16

/* --- making one --- */

static struct xen_layout_field *find_field(
	struct xen_layout *layout, const char *source, enum xen_layout_part part)
{
	for (uint32_t i = 0; i < layout->nr_fields; i++)
		if (layout->fields[i].source == source && layout->fields[i].part == part)
			return &layout->fields[i];
	return NULL;
}

static bool is_taken(const struct xen_layout *layout, const char *name)
{
	for (uint32_t i = 0; i < layout->nr_fields; i++)
		if (!strcmp(layout->fields[i].name, name))
			return true;
	return false;
}

/* The field, made if there is none; as wide as it was, or `bytes`. */
static void add_field(struct xen_layout *layout, const char *source, enum xen_layout_part part,
	const char *name, enum event_field_kind kind, uint8_t bytes)
{
	struct xen_layout_field *field = find_field(layout, source, part);

	if (!field && layout->nr_fields < XEN_LAYOUT_FIELDS) {
		field = &layout->fields[layout->nr_fields];
		*field = (struct xen_layout_field){.source = source, .part = (uint8_t)part};
		snprintf(field->name, sizeof(field->name), is_taken(layout, name) ? "%.29s_%u" : "%.31s",
			name, layout->nr_fields);
		layout->nr_fields++;
	}
	if (!field)
		return;
	field->kind = (uint8_t)kind;
	if (field->bytes < bytes)
		field->bytes = bytes;
}

static uint8_t bytes_of(uint64_t value)
{
	return value > UINT32_MAX ? 8 : value > UINT16_MAX ? 4 : value > UINT8_MAX ? 2 : 1;
}

static void add_vcpu(struct xen_layout *layout, const char *source)
{
	const bool plain = !strcmp(source, "vcpu");
	char name[32];

	snprintf(name, sizeof(name), plain ? "domain" : "%.20s_domain", source);
	add_field(layout, source, XEN_LAYOUT_DOMAIN, name, EVENT_FIELD_UNSIGNED, 2);
	snprintf(name, sizeof(name), plain ? "vcpu" : "%.20s_vcpu", source);
	add_field(layout, source, XEN_LAYOUT_VCPU, name, EVENT_FIELD_UNSIGNED, 2);
}

static void add_value(struct xen_layout *layout, const struct xen_value *value)
{
	const bool negative =
		(int64_t)value->value < 0 && (value->kind == XEN_VALUE_SIGNED || value->kind == XEN_VALUE_NS);
	char name[32];

	switch ((enum xen_value_kind)value->kind) {
	case XEN_VALUE_NONE:
		break; /* the other pattern says what it is */
	case XEN_VALUE_VCPU:
		add_vcpu(layout, value->name);
		break;
	case XEN_VALUE_PERCENT:
		snprintf(name, sizeof(name), "%.20s_shift", value->name);
		add_field(layout, value->name, XEN_LAYOUT_VALUE, value->name, EVENT_FIELD_UNSIGNED, 8);
		add_field(layout, value->name, XEN_LAYOUT_SHIFT, name, EVENT_FIELD_UNSIGNED, 1);
		break;
	case XEN_VALUE_HEX:
		add_field(layout, value->name, XEN_LAYOUT_VALUE, value->name, EVENT_FIELD_HEX,
			bytes_of(value->value));
		break;
	default:
		add_field(layout, value->name, XEN_LAYOUT_VALUE, value->name,
			negative || value->kind == XEN_VALUE_SIGNED ? EVENT_FIELD_SIGNED
								    : EVENT_FIELD_UNSIGNED,
			negative ? 4 : bytes_of(value->value));
	}
}

/* As far as the words go. The widths of fields are seen in what becomes of words that are full, and of ones that are nothing special. */
static void add_type_fields(struct xen_layout *layout, unsigned words)
{
	static const uint32_t patterns[] = {0x55555555, UINT32_MAX};
	struct xen_value values[XEN_VALUES_MAX];

	for (size_t i = 0; i < 2; i++) {
		struct xen_event event = {.code = layout->type->code, .n_extra = (uint8_t)words};
		unsigned count;

		for (unsigned word = 0; word < event.n_extra; word++)
			event.extra[word] = patterns[i];
		count = xen_event_decode(layout->type, &event, values);
		for (unsigned value = 0; value < count; value++)
			add_value(layout, &values[value]);
	}
}

static void add_hypercall(struct xen_layout *layout)
{
	char name[32];

	add_field(layout, "op", XEN_LAYOUT_WORD, "op", EVENT_FIELD_UNSIGNED, 4);
	for (uint8_t i = 0; i < ARGUMENTS; i++) {
		snprintf(name, sizeof(name), "arg%u", i);
		layout->fields[layout->nr_fields] = (struct xen_layout_field){
			.part = XEN_LAYOUT_ARGUMENT, .number = i, .kind = EVENT_FIELD_HEX, .bytes = 8};
		snprintf(layout->fields[layout->nr_fields++].name, sizeof(name), "%s", name);
	}
}

static void add_words(struct xen_layout *layout, unsigned words)
{
	for (uint8_t i = 0; i < words && i < XEN_EXTRAS_MAX; i++) {
		struct xen_layout_field *field = &layout->fields[layout->nr_fields++];

		*field = (struct xen_layout_field){
			.part = XEN_LAYOUT_WORD, .number = i, .kind = EVENT_FIELD_HEX, .bytes = 4};
		snprintf(field->name, sizeof(field->name), "word%u", i + 1u);
	}
}

static bool is_hypercall(uint32_t code)
{
	return code == HYPERCALL || code == SUBCALL;
}

/* --- all of them --- */

static uint32_t id_of(size_t index)
{
	return (uint32_t)index +
		(index < XEN_LAYOUT_SHORT ? XEN_LAYOUT_FIRST : XEN_LAYOUT_LONG - XEN_LAYOUT_SHORT);
}

/* `words`: that such events have at most. The index + 1, or 0: all ids are taken. */
static size_t add_layout(
	struct xen_layouts *layouts, uint32_t code, const struct xen_event_type *type, unsigned words)
{
	struct xen_layout *layout;

	if (id_of(layouts->count) >= EVENT_TYPES_MAX)
		return 0;
	layout = &layouts->layouts[layouts->count];
	*layout = (struct xen_layout){.type = type, .id = id_of(layouts->count), .code = code};
	if (!type)
		add_words(layout, words);
	else if (is_hypercall(code))
		add_hypercall(layout);
	else
		add_type_fields(layout, words < type->extras_max ? words : type->extras_max);
	return ++layouts->count;
}

struct seen_code {
	uint32_t code;
	uint64_t seen;
};

static int by_frequency(const void *a, const void *b)
{
	const struct seen_code *one = a, *other = b;
	const uint64_t count = one->seen >> XEN_SURVEY_COUNT, other_count = other->seen >> XEN_SURVEY_COUNT;

	if (count != other_count)
		return count > other_count ? -1 : 1;
	return one->code < other->code ? -1 : one->code > other->code;
}

/* Heap; NULL: no memory. */
static struct seen_code *sort_codes(const struct xen_survey *survey)
{
	struct seen_code *codes = calloc(survey->codes.count + 1, sizeof(*codes));
	size_t position = 0, count = 0;
	uint64_t code, seen;

	if (!codes)
		return NULL;
	while (hash_map_next(&survey->codes, &position, &code, &seen))
		codes[count++] = (struct seen_code){(uint32_t)code, seen};
	qsort(codes, count, sizeof(*codes), by_frequency);
	return codes;
}

static int add_code(struct xen_layouts *layouts, uint32_t code, uint64_t seen)
{
	const unsigned words = seen & XEN_SURVEY_EXTRAS;
	const size_t fits =
		seen & XEN_SURVEY_FITS ? add_layout(layouts, code, xen_event_type(code), words) : 0;
	const size_t odd = seen & XEN_SURVEY_ODD ? add_layout(layouts, code, NULL, words) : 0;
	uint64_t *place = hash_map_put(&layouts->by_code, code);

	if (!place)
		return -ENOMEM;
	*place = fits << INDEX_BITS | odd;
	return 0;
}

int xen_layouts_init(struct xen_layouts *layouts, const struct xen_survey *survey)
{
	struct seen_code *codes = sort_codes(survey);
	int result = 0;

	*layouts = (struct xen_layouts){0};
	layouts->layouts = calloc(2 * survey->codes.count + 1, sizeof(*layouts->layouts));
	if (!codes || !layouts->layouts)
		result = -ENOMEM;
	for (size_t i = 0; i < survey->codes.count && !result; i++)
		result = add_code(layouts, codes[i].code, codes[i].seen);
	free(codes);
	return result;
}

void xen_layouts_deinit(struct xen_layouts *layouts)
{
	free(layouts->layouts);
	hash_map_deinit(&layouts->by_code);
	*layouts = (struct xen_layouts){0};
}

/* xen_csched2_burn_credits: no colon, which stands for other things in -e */
static void name_event(const struct xen_layout *layout, char name[EVENT_NAME_BYTES])
{
	if (layout->type)
		snprintf(name, EVENT_NAME_BYTES, "xen_%.56s", layout->type->name);
	else
		snprintf(name, EVENT_NAME_BYTES, "xen_0x%05x", layout->code);
	for (char *at = name; *at; at++)
		if (*at == ':' || *at == '-' || *at == ' ' || *at == '/')
			*at = '_';
}

int xen_layouts_describe(const struct xen_layouts *layouts, struct event_schema *schema, struct error *error)
{
	char name[EVENT_NAME_BYTES];
	struct event_type *type;
	int result = 0;

	for (size_t i = 0; i < layouts->count && !result; i++) {
		const struct xen_layout *layout = &layouts->layouts[i];

		name_event(layout, name);
		result = event_schema_add_type(schema, layout->id, name, &type, error);
		for (uint32_t field = 0; field < layout->nr_fields && !result; field++)
			result = event_type_add_field(type, layout->fields[field].name,
				(enum event_field_kind)layout->fields[field].kind,
				layout->fields[field].bytes * 8, error);
	}
	return result;
}

/* --- payloads --- */

/* The argument's words follow each other; 2 bits of the first word say how many each has. */
static uint64_t argument(const struct xen_event *event, unsigned number)
{
	unsigned word = 1, words = 0;

	for (unsigned i = 0; i <= number; i++) {
		word += words;
		words = event->extra[0] >> (20 + 2 * i) & 3;
	}
	if (!words || word + words > event->n_extra)
		return 0;
	return event->extra[word] | (words > 1 ? (uint64_t)event->extra[word + 1] << 32 : 0);
}

static uint64_t part_of(const struct xen_layout_field *field, const struct xen_value *value)
{
	if (value->kind == XEN_VALUE_NONE)
		return UINT64_MAX;
	switch ((enum xen_layout_part)field->part) {
	case XEN_LAYOUT_DOMAIN:
		return value->value >> 32;
	case XEN_LAYOUT_SHIFT:
		return value->shift;
	default:
		return value->value;
	}
}

static uint64_t field_value(const struct xen_layout *layout, const struct xen_layout_field *field,
	const struct xen_event *event, const struct xen_value *values, unsigned count)
{
	if (field->part == XEN_LAYOUT_ARGUMENT)
		return argument(event, field->number);
	if (field->part == XEN_LAYOUT_WORD)
		return layout->type ? event->extra[field->number] & HYPERCALL_MASK
				    : event->extra[field->number];
	for (unsigned i = 0; i < count; i++)
		if (values[i].name == field->source)
			return part_of(field, &values[i]);
	return 0;
}

uint32_t xen_layouts_encode(
	const struct xen_layouts *layouts, const struct xen_event *event, uint8_t *at, uint32_t *bytes)
{
	const uint64_t *found = hash_map_get(&layouts->by_code, event->code);
	const bool fits = xen_event_fits(event->code, event->n_extra);
	const size_t index = !found ? 0 : fits ? *found >> INDEX_BITS : *found & ((1u << INDEX_BITS) - 1);
	const struct xen_layout *layout = index ? &layouts->layouts[index - 1] : NULL;
	struct xen_value values[XEN_VALUES_MAX];
	const uint8_t *const begin = at;
	unsigned count;

	if (!layout)
		return 0;
	count = layout->type && !is_hypercall(layout->code) ? xen_event_decode(layout->type, event, values)
							    : 0;
	for (uint32_t i = 0; i < layout->nr_fields; i++) {
		const uint64_t value = field_value(layout, &layout->fields[i], event, values, count);

		memcpy(at, &value, layout->fields[i].bytes); /* little-endian, as the trace */
		at += layout->fields[i].bytes;
	}
	*bytes = (uint32_t)(at - begin);
	return layout->id;
}
