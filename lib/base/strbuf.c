/* SPDX-License-Identifier: MIT */
#include "lib/base/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strbuf_deinit(struct strbuf *buffer)
{
	free(buffer->data);
	*buffer = STRBUF_EMPTY;
}

char *strbuf_reserve(struct strbuf *buffer, size_t bytes)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 64;
	char *data;

	if (buffer->failed || bytes > SIZE_MAX / 4 - buffer->length) {
		buffer->failed = true;
		return NULL;
	}
	if (buffer->length + bytes < buffer->capacity)
		return buffer->data + buffer->length;
	while (capacity <= buffer->length + bytes)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return NULL;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return data + buffer->length;
}

void strbuf_append(struct strbuf *buffer, const void *data, size_t bytes)
{
	char *at = strbuf_reserve(buffer, bytes);

	if (!at)
		return;
	if (bytes)
		memcpy(at, data, bytes);
	at[bytes] = '\0';
	buffer->length += bytes;
}

void strbuf_puts(struct strbuf *buffer, const char *text)
{
	strbuf_append(buffer, text, strlen(text));
}

void strbuf_putc(struct strbuf *buffer, char c)
{
	strbuf_append(buffer, &c, 1);
}

void strbuf_printf(struct strbuf *buffer, const char *format, ...)
{
	va_list args, again;
	int bytes;
	char *at;

	va_start(args, format);
	va_copy(again, args);
	bytes = vsnprintf(NULL, 0, format, args);
	va_end(args);
	at = bytes < 0 ? NULL : strbuf_reserve(buffer, (size_t)bytes);
	if (at) {
		vsnprintf(at, (size_t)bytes + 1, format, again);
		buffer->length += (size_t)bytes;
	}
	va_end(again);
}
