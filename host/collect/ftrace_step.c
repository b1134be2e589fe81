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
		.kind = field->kind == EVENT_FIELD_COMM ? FTRACE_STEP_COPY
			: field->kind == EVENT_FIELD_TEXT || field->kind == EVENT_FIELD_BYTES
			? FTRACE_STEP_TAIL
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
	if (source->offset > FTRACE_PLACE_MAX || source->bytes > FTRACE_PLACE_MAX)
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
			(source->bytes * 8 == step->bits && source->is_signed == step->to_signed) ||
			step->bits == 64;
		if (step->fits_all && source->bytes * 8 == step->bits && !step->shift)
			step->kind = FTRACE_STEP_COPY;
		return is_integer(source);
	case FTRACE_STEP_COPY: /* a comm */
		return source->kind == FTRACE_FIELD_CHARS && source->bytes == COMM_SIZE;
	case FTRACE_STEP_TAIL:
		return !is_integer(source);
	default:
		return false;
	}
}

bool ftrace_step_join(struct ftrace_step *before, struct ftrace_step *step)
{
	const unsigned apart = step->byte - before->byte;

	if (before->kind == FTRACE_STEP_COPY && step->kind == FTRACE_STEP_COPY &&
		step->from == before->from + before->from_bytes && apart == before->from_bytes) {
		before->from_bytes += step->from_bytes;
		return true;
	}
	if (before->kind == FTRACE_STEP_INTEGER && step->kind == FTRACE_STEP_INTEGER &&
		step->byte >= before->byte && 8 * apart + step->shift + step->bits <= 64) {
		before->is_open = true;
		step->byte = before->byte;
		step->shift = (uint8_t)(8 * apart + step->shift);
	}
	return false;
}

/* Addresses that tracepoints keep in plain integers, or in types whose names say nothing (initcall_t). */
static bool is_address(const struct ftrace_field *source)
{
	static const char *const names[] = {"func", "function", "ip", "parent_ip", "caller", "caller_ip",
		"call_site", "callsite", "retaddr", "addr", "address"};

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

/* Each size by itself: a copy of a size that is not known would be a call. */
static uint64_t load(const struct ftrace_step *step, const uint8_t *data)
{
	const uint8_t *at = data + step->from;
	uint64_t word;
	uint32_t half;
	uint16_t quarter;

	switch (step->from_bytes) {
	case 8:
		memcpy(&word, at, sizeof(word));
		return word;
	case 4:
		memcpy(&half, at, sizeof(half));
		return step->is_signed ? (uint64_t)(int64_t)(int32_t)half : half;
	case 2:
		memcpy(&quarter, at, sizeof(quarter));
		return step->is_signed ? (uint64_t)(int64_t)(int16_t)quarter : quarter;
	default:
		return step->is_signed ? (uint64_t)(int64_t)(int8_t)*at : *at;
	}
}

static bool fits(const struct ftrace_step *step, uint64_t value)
{
	if (step->to_signed)
		return (int64_t)value >= -(INT64_C(1) << (step->bits - 1)) &&
			(int64_t)value < INT64_C(1) << (step->bits - 1);
	return value >> step->bits == 0;
}

/* Its place in the 8 bytes at step->byte. */
static uint64_t place(const struct ftrace_step *step, uint64_t value)
{
	if (step->bits < 64)
		value &= (UINT64_C(1) << step->bits) - 1;
	return value << step->shift;
}

static void store(const struct ftrace_step *step, uint64_t values, uint8_t *out)
{
	uint64_t word;

	memcpy(&word, out + step->byte, sizeof(word));
	word |= values;
	memcpy(out + step->byte, &word, sizeof(word));
}

/* Mostly one or several words: no call for so little. */
static void copy(const struct ftrace_step *step, const uint8_t *data, uint8_t *out)
{
	const uint8_t *from = data + step->from;
	uint8_t *to = out + step->byte;
	uint32_t bytes = step->from_bytes;

	for (; bytes >= 8; bytes -= 8, from += 8, to += 8)
		memcpy(to, from, 8);
	if (bytes & 4) {
		memcpy(to, from, 4);
		from += 4;
		to += 4;
	}
	if (bytes & 2) {
		memcpy(to, from, 2);
		from += 2;
		to += 2;
	}
	if (bytes & 1)
		*to = *from;
}

static void clear(const struct ftrace_plan *plan, uint8_t *out)
{
	if (plan->clear_bytes <= 2 * sizeof(uint64_t))
		memset(out, 0, 2 * sizeof(uint64_t));
	else
		memset(out, 0, plan->clear_bytes);
}

/* Bytes of a field with a length of its own; clipped to the record. */
static const uint8_t *find_tail(
	const struct ftrace_step *step, const struct ftrace_record *record, uint32_t *bytes)
{
	uint32_t location = 0, at = step->from, length = step->from_bytes;

	switch ((enum ftrace_field_kind)step->source) {
	case FTRACE_FIELD_DYNAMIC_TEXT:
	case FTRACE_FIELD_DYNAMIC_BYTES:
	case FTRACE_FIELD_RELATIVE_TEXT:
	case FTRACE_FIELD_RELATIVE_BYTES:
		memcpy(&location, record->data + step->from, sizeof(location));
		at = (location & 0xffff) +
			(step->source == FTRACE_FIELD_RELATIVE_TEXT ||
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
	return kind == FTRACE_FIELD_CHARS || kind == FTRACE_FIELD_DYNAMIC_TEXT ||
		kind == FTRACE_FIELD_RELATIVE_TEXT || kind == FTRACE_FIELD_TAIL_TEXT;
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
static void copy_tail(const struct ftrace_step *step, const struct ftrace_record *record, uint8_t *out,
	uint32_t *used, uint32_t *room)
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
static bool encode(
	const struct ftrace_plan *plan, const struct ftrace_record *record, uint8_t *out, uint32_t *used)
{
	uint32_t room = record->bytes < UINT16_MAX ? record->bytes : UINT16_MAX;
	uint64_t word = 0;
	bool has_tail = false;

	clear(plan, out);
	*used = plan->fixed_bytes;
	for (unsigned i = 0; i < plan->nr_steps; i++) {
		const struct ftrace_step *step = &plan->steps[i];
		uint64_t value;

		switch ((enum ftrace_step_kind)step->kind) {
		case FTRACE_STEP_INTEGER:
			value = load(step, record->data);
			if (plan->wider && !step->fits_all && !fits(step, value))
				return false;
			word |= place(step, value);
			if (step->is_open)
				break;
			store(step, word, out);
			word = 0;
			break;
		case FTRACE_STEP_COPY:
			copy(step, record->data, out);
			break;
		case FTRACE_STEP_PATH:
			copy_path(step, record, out);
			break;
		case FTRACE_STEP_ZERO:
			break;
		case FTRACE_STEP_TAIL:
			if (!has_tail) /* the first one's length is the last of the fixed bytes */
				*used = step->byte;
			has_tail = true;
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
