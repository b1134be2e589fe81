/* SPDX-License-Identifier: MIT */
#include "lib/model/event_schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMM_BITS   128
#define LENGTH_BITS 16

#define CODE_HALF_BITS  32
#define CODE_WORD_SHIFT 2

struct event_schema *event_schema_create(void)
{
	return calloc(1, sizeof(struct event_schema));
}

void event_schema_destroy(struct event_schema *schema)
{
	if (!schema)
		return;
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++)
		free(schema->types[id]);
	free(schema);
}

/*
 * Names stand unquoted in the metadata (fields: no digit first) and on command lines (events, with a ':' for kernel
 * tracepoints).
 */
static bool name_is_good(const char *name, const char *also)
{
	size_t length = strlen(name);

	if (!length || length >= EVENT_NAME_BYTES || (!*also && isdigit((unsigned char)name[0])))
		return false;
	for (; *name; name++)
		if (!isascii(*name) ||
			(!isalnum((unsigned char)*name) && *name != '_' && !strchr(also, *name)))
			return false;
	return true;
}

int event_schema_add_type(struct event_schema *schema, uint32_t id, const char *name,
	struct event_type **type, struct error *error)
{
	struct event_type *added;

	if (!id || id >= EVENT_TYPES_MAX)
		return error_set(error, -EINVAL, "event id %u is not 1 to %u", id, EVENT_TYPES_MAX - 1);
	if (!name_is_good(name, ":.-"))
		return error_set(error, -EINVAL, "event %u has a bad name", id);
	if (schema->types[id])
		return error_set(error, -EEXIST, "event id %u is taken by %s", id, schema->types[id]->name);
	added = calloc(1, sizeof(*added));
	if (!added)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	added->id = id;
	strcpy(added->name, name); /* its length was checked */
	schema->types[id] = added;
	schema->nr_types++;
	if (type)
		*type = added;
	return 0;
}

static unsigned end_bit(const struct event_type *type)
{
	const struct event_field *last = type->nr_fields ? &type->fields[type->nr_fields - 1] : NULL;

	return last ? last->bit_offset + last->bits : 0;
}

/* Words of code, from the text's address on. */
static bool counts_words(enum event_field_kind kind, unsigned bits)
{
	return kind == EVENT_FIELD_CODE && bits == EVENT_CODE_WORD_BITS;
}

static void set_shifts(struct event_field *field, unsigned in_byte)
{
	field->left_shift = (uint8_t)(64 - field->bits - in_byte);
	field->right_shift = (uint8_t)(64 - field->bits);
	if (counts_words(field->kind, field->bits))
		field->right_shift -= CODE_WORD_SHIFT;
	else if (field->kind == EVENT_FIELD_SIGNED || field->kind == EVENT_FIELD_CODE)
		field->sign = 1ull << (field->bits - 1);
	field->base = -field->sign;
}

int event_type_add_field(struct event_type *type, const char *name, enum event_field_kind kind, unsigned bits,
	struct error *error)
{
	struct event_field *field = &type->fields[type->nr_fields];
	const bool is_tail = kind == EVENT_FIELD_TEXT || kind == EVENT_FIELD_BYTES;
	/* all tails share the offset of the first */
	unsigned offset = type->variable ? type->fixed_bytes * 8u - LENGTH_BITS : end_bit(type);
	unsigned in_byte = offset % 8;

	if (!name_is_good(name, ""))
		return error_set(error, -EINVAL, "event %s: a field has a bad name", type->name);
	if (type->nr_fields >= EVENT_FIELDS_MAX)
		return error_set(
			error, -EINVAL, "event %s: more than %d fields", type->name, EVENT_FIELDS_MAX);
	if (type->variable && !is_tail)
		return error_set(error, -EINVAL, "event %s: field %s follows one of variable length",
			type->name, name);
	if (event_type_find_field(type, name))
		return error_set(error, -EEXIST, "event %s: field %s is there twice", type->name, name);
	if (kind == EVENT_FIELD_COMM)
		bits = COMM_BITS;
	else if (is_tail)
		bits = LENGTH_BITS;
	if (!event_field_is_integer(kind) && in_byte)
		return error_set(
			error, -EINVAL, "event %s: field %s does not begin on a byte", type->name, name);
	if (kind == EVENT_FIELD_CODE && bits != CODE_HALF_BITS && bits != EVENT_CODE_WORD_BITS)
		return error_set(error, -EINVAL, "event %s: field %s: code has 24 or 32 bits, not %u",
			type->name, name, bits);
	if (event_field_is_integer(kind) && (!bits || in_byte + bits > 64))
		return error_set(error, -EINVAL,
			"event %s: field %s: %u bits at bit %u do not fit one 64-bit load", type->name, name,
			bits, offset);
	if (offset + bits > EVENT_FIXED_BYTES_MAX * 8)
		return error_set(error, -EINVAL, "event %s is larger than %d bytes", type->name,
			EVENT_FIXED_BYTES_MAX);

	strcpy(field->name, name); /* its length was checked */
	field->kind = kind;
	field->bit_offset = (uint16_t)offset;
	field->bits = (uint16_t)bits;
	field->byte_offset = (uint16_t)(offset / 8);
	if (kind != EVENT_FIELD_COMM)
		set_shifts(field, in_byte);
	field->tail = type->nr_tails;
	type->nr_tails += is_tail;
	type->variable = is_tail;
	type->nr_fields++;
	type->fixed_bytes = (uint16_t)((offset + bits + 7) / 8);
	return 0;
}

void event_schema_locate(struct event_schema *schema, uint64_t text_address)
{
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		struct event_type *type = schema->types[id];

		for (unsigned i = 0; type && i < type->nr_fields; i++)
			if (counts_words(type->fields[i].kind, type->fields[i].bits))
				type->fields[i].base = text_address;
	}
}

int event_schema_check(const struct event_schema *schema, struct error *error)
{
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		const struct event_type *type = schema->types[id];

		if (type && end_bit(type) % 8)
			return error_set(error, -EINVAL, "event %s: its %u bits do not end on a byte",
				type->name, end_bit(type));
	}
	return 0;
}

const struct event_type *event_schema_find(const struct event_schema *schema, const char *name)
{
	uint32_t left = schema->nr_types;

	for (uint32_t id = 0; id < EVENT_TYPES_MAX && left; id++) {
		if (!schema->types[id])
			continue;
		if (!strcmp(schema->types[id]->name, name))
			return schema->types[id];
		left--;
	}
	return NULL;
}

const struct event_field *event_type_find_field(const struct event_type *type, const char *name)
{
	for (unsigned i = 0; i < type->nr_fields; i++)
		if (!strcmp(type->fields[i].name, name))
			return &type->fields[i];
	return NULL;
}
