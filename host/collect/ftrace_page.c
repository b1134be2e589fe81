/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_page.h"

#include <errno.h>
#include <string.h>

#define WORD       4u
#define TYPE_BITS  5
#define TIME_BITS  27
#define STAMP_BITS 59

enum {
	TYPE_LONG = 0,
	TYPE_PADDING = 29,
	TYPE_EXTEND = 30,
	TYPE_STAMP = 31,
};

static uint32_t word_at(const uint8_t *data, uint32_t offset)
{
	uint32_t word;

	memcpy(&word, data + offset, sizeof(word));
	return word;
}

/* The upper bits of an absolute time are those of the time before; one lower than that has run over since. */
static uint64_t whole_stamp(uint64_t stamp, uint64_t before)
{
	const uint64_t upper = before >> STAMP_BITS << STAMP_BITS;

	if (!upper)
		return stamp;
	stamp |= upper;
	return stamp < before ? stamp + (UINT64_C(1) << STAMP_BITS) : stamp;
}

int ftrace_page_next(const uint8_t *data, uint32_t bytes, struct ftrace_page_cursor *cursor,
	struct ftrace_page_event *event)
{
	uint32_t at = cursor->offset;
	uint64_t time = cursor->time;

	while (at <= bytes && bytes - at >= WORD) {
		const uint32_t head = word_at(data, at), type = head & ((1u << TYPE_BITS) - 1);
		const uint64_t delta = head >> TYPE_BITS;
		const uint32_t left = bytes - at - WORD; /* behind the header */
		uint32_t length;

		if (type == TYPE_PADDING && !delta) {
			at = bytes;
			break;
		}
		if (type != TYPE_LONG && type < TYPE_PADDING) {
			length = type * WORD;
			if (length > left)
				return -EINVAL;
			event->data = data + at + WORD;
			event->bytes = length;
			event->time = time + delta;
			*cursor = (struct ftrace_page_cursor){at + WORD + length, event->time};
			return 1;
		}
		if (left < WORD)
			return -EINVAL;
		length = word_at(data, at + WORD);
		if (type == TYPE_EXTEND || type == TYPE_STAMP) {
			const uint64_t far = delta + ((uint64_t)length << TIME_BITS);

			time = type == TYPE_EXTEND ? time + far : whole_stamp(far, time);
			at += 2 * WORD;
			continue;
		}
		/* discarded ones keep the length they had, which may have been a short one's */
		if (length > left || length < WORD || length % WORD)
			return -EINVAL;
		at += WORD + length;
		time += delta;
		if (type == TYPE_PADDING)
			continue;
		event->data = data + at - length + WORD;
		event->bytes = length - WORD;
		event->time = time;
		*cursor = (struct ftrace_page_cursor){at, time};
		return 1;
	}
	if (at != bytes)
		return -EINVAL;
	*cursor = (struct ftrace_page_cursor){at, time};
	return 0;
}

uint32_t ftrace_page_count(const uint8_t *data, uint32_t bytes)
{
	struct ftrace_page_cursor cursor = {0};
	struct ftrace_page_event event;
	uint32_t count = 0;

	while (ftrace_page_next(data, bytes, &cursor, &event) == 1)
		count++;
	return count;
}
