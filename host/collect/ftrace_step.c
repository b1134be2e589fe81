/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_step.h"

#include <string.h>

#include "host/collect/ftrace_plan.h"

#define COMM_SIZE   16
#define TAIL_LENGTH 2

struct ftrace_step ftrace_step_to(const struct event_field *field)
{
	return (struct ftrace_step){
		.byte = field->byte_offset,
		.shift = (uint8_t)(field->bit_offset % 8),
		.bits = (uint8_t)(field->bits > 64 ? 0 : field->bits),
		.to_signed = field->kind == EVENT_FIELD_SIGNED,
		.kind = field->kind == EVENT_FIELD_COMM                                       ? FTRACE_STEP_COMM
			: field->kind == EVENT_FIELD_TEXT || field->kind == EVENT_FIELD_BYTES ? FTRACE_STEP_TAIL
											      : FTRACE_STEP_INTEGER,
	};
}

static bool is_integer(const struct ftrace_field *source)
{
	return (source->kind == FTRACE_FIELD_INTEGER || source->kind == FTRACE_FIELD_POINTER) &&
		(source->bytes == 1 || source->bytes == 2 || source->bytes == 4 || source->bytes == 8);
}

bool ftrace_step_from(struct ftrace_step *step, const struct ftrace_field *source, enum ftrace_step_kind kind)
{
	if (source->offset > UINT16_MAX / 2 || source->bytes > UINT16_MAX / 2)
		return false;
	step->source = (uint8_t)source->kind;
	step->from = (uint16_t)source->offset;
	step->from_bytes = (uint16_t)source->bytes;
	step->is_signed = source->is_signed;
	if (kind == FTRACE_STEP_PATH) {
		step->kind = FTRACE_STEP_PATH;
		return source->kind == FTRACE_FIELD_DYNAMIC_TEXT;
	}
	switch ((enum ftrace_step_kind)step->kind) {
	case FTRACE_STEP_INTEGER:
		step->fits_all = source->bytes * 8 < step->bits ||
			(source->bytes * 8 == step->bits && source->is_signed == step->to_signed) || step->bits == 64;
		return is_integer(source);
	case FTRACE_STEP_COMM:
		return source->kind == FTRACE_FIELD_CHARS && source->bytes == COMM_SIZE;
	case FTRACE_STEP_TAIL:
		return !is_integer(source);
	default:
		return false;
	}
}

/* Addresses that tracepoints keep in plain integers, or in types whose names say nothing (initcall_t). */
static bool is_address(const struct ftrace_field *source)
{
	static const char *const names[] = {
		"func", "function", "ip", "parent_ip", "caller", "caller_ip", "call_site", "callsite", "retaddr", "addr",
		"address"};

	if (source->kind == FTRACE_FIELD_POINTER)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (source->bytes == 8 && !source->is_signed && !strcmp(source->name, names[i]))
			return true;
	return false;
}

enum event_field_kind ftrace_step_natural(const struct ftrace_field *source, unsigned *bits)
{
	*bits = source->bytes * 8;
	if (is_integer(source))
		return is_address(source)   ? EVENT_FIELD_HEX
			: source->is_signed ? EVENT_FIELD_SIGNED
					    : EVENT_FIELD_UNSIGNED;
	switch (source->kind) {
	case FTRACE_FIELD_CHARS:
		return source->bytes == COMM_SIZE ? EVENT_FIELD_COMM : EVENT_FIELD_TEXT;
	case FTRACE_FIELD_DYNAMIC_TEXT:
	case FTRACE_FIELD_RELATIVE_TEXT:
	case FTRACE_FIELD_TAIL_TEXT:
		return EVENT_FIELD_TEXT;
	default:
		return EVENT_FIELD_BYTES;
	}
}

static uint64_t load(const struct ftrace_step *step, const uint8_t *data)
{
	uint64_t value = 0;

	memcpy(&value, data + step->from, step->from_bytes);
	if (step->is_signed && step->from_bytes < 8 && value >> (8 * step->from_bytes - 1))
		value |= ~UINT64_C(0) << (8 * step->from_bytes);
	return value;
}

static bool fits(const struct ftrace_step *step, uint64_t value)
{
	if (step->to_signed)
		return (int64_t)value >= -(INT64_C(1) << (step->bits - 1)) &&
			(int64_t)value < INT64_C(1) << (step->bits - 1);
	return value >> step->bits == 0;
}

static void store(const struct ftrace_step *step, uint64_t value, uint8_t *out)
{
	uint64_t word;

	if (step->bits < 64)
		value &= (UINT64_C(1) << step->bits) - 1;
	memcpy(&word, out + step->byte, sizeof(word));
	word |= value << step->shift;
	memcpy(out + step->byte, &word, sizeof(word));
}

/* Bytes of a field with a length of its own; clipped to the record. */
static const uint8_t *find_tail(const struct ftrace_step *step, const struct ftrace_record *record, uint32_t *bytes)
{
	uint32_t location = 0, at = step->from, length = step->from_bytes;

	switch ((enum ftrace_field_kind)step->source) {
	case FTRACE_FIELD_DYNAMIC_TEXT:
	case FTRACE_FIELD_DYNAMIC_BYTES:
	case FTRACE_FIELD_RELATIVE_TEXT:
	case FTRACE_FIELD_RELATIVE_BYTES:
		memcpy(&location, record->data + step->from, sizeof(location));
		at = (location & 0xffff) + (step->source == FTRACE_FIELD_RELATIVE_TEXT ||
				step->source == FTRACE_FIELD_RELATIVE_BYTES
				? step->from + 4u
				: 0);
		length = location >> 16;
		break;
	case FTRACE_FIELD_TAIL_TEXT:
	case FTRACE_FIELD_TAIL_BYTES:
		length = record->bytes;
		break;
	default:
		break;
	}
	if (at > record->bytes)
		at = record->bytes;
	*bytes = length < record->bytes - at ? length : record->bytes - at;
	return record->data + at;
}

static bool is_text(enum ftrace_field_kind kind)
{
	return kind == FTRACE_FIELD_CHARS || kind == FTRACE_FIELD_DYNAMIC_TEXT || kind == FTRACE_FIELD_RELATIVE_TEXT ||
		kind == FTRACE_FIELD_TAIL_TEXT;
}

static void copy_path(const struct ftrace_step *step, const struct ftrace_record *record, uint8_t *out)
{
	uint32_t bytes, from = 0;
	const uint8_t *path = find_tail(step, record, &bytes);

	bytes = (uint32_t)strnlen((const char *)path, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		if (path[i] == '/')
			from = i + 1;
	bytes -= from;
	memcpy(out + step->byte, path + from, bytes < COMM_SIZE ? bytes : COMM_SIZE - 1);
}

/* Appends at out[*used] a length and so many bytes. Together they are never more than the record and 2 for each. */
static void copy_tail(const struct ftrace_step *step, const struct ftrace_record *record, uint8_t *out, uint32_t *used,
	uint32_t *room)
{
	uint32_t bytes;
	const uint8_t *from = find_tail(step, record, &bytes);
	uint16_t length;

	if (is_text((enum ftrace_field_kind)step->source))
		bytes = (uint32_t)strnlen((const char *)from, bytes);
	bytes = bytes < *room ? bytes : *room;
	*room -= bytes;
	length = (uint16_t)bytes;
	memcpy(out + *used, &length, sizeof(length));
	memcpy(out + *used + TAIL_LENGTH, from, bytes);
	*used += TAIL_LENGTH + bytes;
}

/* False: a value is too large for this layout, and there is a wider one. */
static bool encode(const struct ftrace_plan *plan, const struct ftrace_record *record, uint8_t *out, uint32_t *used)
{
	uint32_t room = record->bytes < UINT16_MAX ? record->bytes : UINT16_MAX;

	memset(out, 0, plan->fixed_bytes + sizeof(uint64_t));
	*used = plan->fixed_bytes;
	for (unsigned i = 0; i < plan->nr_steps; i++) {
		const struct ftrace_step *step = &plan->steps[i];
		uint64_t value;

		switch ((enum ftrace_step_kind)step->kind) {
		case FTRACE_STEP_INTEGER:
			value = load(step, record->data);
			if (plan->wider && !step->fits_all && !fits(step, value))
				return false;
			store(step, value, out);
			break;
		case FTRACE_STEP_COMM:
			memcpy(out + step->byte, record->data + step->from, COMM_SIZE);
			break;
		case FTRACE_STEP_PATH:
			copy_path(step, record, out);
			break;
		case FTRACE_STEP_ZERO:
			break;
		case FTRACE_STEP_TAIL:
			/* the first one's length is the last of the fixed bytes */
			if (*used == plan->fixed_bytes && *used == (uint32_t)step->byte + TAIL_LENGTH)
				*used -= TAIL_LENGTH;
			copy_tail(step, record, out, used, &room);
			break;
		}
	}
	return true;
}

uint32_t ftrace_plan_encode(const struct ftrace_plan **plan, const struct ftrace_record *record, uint8_t *out)
{
	uint32_t used;

	while (!encode(*plan, record, out, &used))
		*plan = (*plan)->wider;
	return used;
}
