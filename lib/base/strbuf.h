/* SPDX-License-Identifier: MIT */
/* Text that grows. Running out of memory is sticky: append freely, ask `failed` once at the end. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *data;    /* NUL-terminated once anything was appended; else NULL */
	size_t length; /* bytes, without the NUL */
	size_t capacity;
	bool failed; /* an append found no memory; data is whole up to `length` */
};

#define STRBUF_EMPTY ((struct strbuf){0})

void strbuf_deinit(struct strbuf *buffer);
#define cleanup_strbuf __attribute__((cleanup(strbuf_deinit)))

/* Makes room for `bytes` more and a NUL. Returns where they go (`length` is the caller's to raise), or NULL. */
char *strbuf_reserve(struct strbuf *buffer, size_t bytes);

void strbuf_append(struct strbuf *buffer, const void *data, size_t bytes);
void strbuf_puts(struct strbuf *buffer, const char *text);
void strbuf_putc(struct strbuf *buffer, char c);
void strbuf_printf(struct strbuf *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
