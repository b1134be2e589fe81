/* SPDX-License-Identifier: MIT */
/* A sub-buffer of a guest's ring: whatever its bytes, the events lie in it, one after the other, and it ends. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_field_type.h"
#include "host/collect/ftrace_page.h"

const char fuzz_name[] = "ftrace_page";

static const uint32_t seed[] = {
	2 | 10 << 5, 1, 2,                /* an event */
	30 | 7 << 5, 2, 1 | 1 << 5, 3,    /* a long time before the next */
	29 | 3 << 5, 8, 0,                /* discarded */
	31 | 9 << 5, 3, 0 | 4 << 5, 8, 9, /* a time of its own, a long event */
	29,                               /* nothing more */
};

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char type[] = "__data_loc char[] and const char * (*)";

	*data = index ? (const uint8_t *)type : (const uint8_t *)seed;
	return index > 1 ? 0 : index ? sizeof(type) : sizeof(seed);
}

static void check(const uint8_t *data, uint32_t bytes)
{
	struct ftrace_page_cursor cursor = {.time = 12345}, before = cursor;
	struct ftrace_page_event event;
	uint32_t count = 0;
	int code;

	while ((code = ftrace_page_next(data, bytes, &cursor, &event)) == 1) {
		if (event.data < data + before.offset + 4 || event.data > data + bytes ||
			event.bytes > (size_t)(data + bytes - event.data) || !(event.bytes % 4 == 0) ||
			cursor.offset != (uint32_t)(event.data - data) + event.bytes ||
			cursor.time != event.time)
			abort();
		before = cursor;
		count++;
	}
	if (count > bytes / FTRACE_PAGE_EVENT_BYTES_MIN || count != ftrace_page_count(data, bytes))
		abort();
	if (code ? cursor.offset != before.offset : cursor.offset != bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1); /* aligned to nothing but its end: a byte too far is found */

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (uint32_t bytes = 4; bytes <= 32; bytes *= 2)
		ftrace_field_type_kind((const char *)copy, bytes);
	free(copy);
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (size <= UINT32_MAX)
		check(copy, (uint32_t)size);
	free(copy);
	return 0;
}
