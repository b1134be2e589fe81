/* SPDX-License-Identifier: MIT */
/* Foreign text for terminals and JSON; numbers with units from people. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/strbuf.h"

/*
 * Length of a well-formed UTF-8 character at text[0..bytes), or 0: malformed, overlong, a surrogate, beyond
 * U+10FFFF.
 */
size_t text_utf8_length(const char *text, size_t bytes);

/*
 * Writes text for a terminal: control characters (also the C1 ones), DEL, backslashes and malformed UTF-8
 * become \xNN (\\, \n, \t). `out` needs room for 4 * bytes. Returns the length; no NUL is written.
 */
size_t text_escape(char *out, const char *text, size_t bytes);

/* Writes text as the inside of a JSON string; malformed bytes become \u00NN. `out` needs room for 6 * bytes. */
size_t text_escape_json(char *out, const char *text, size_t bytes);

/* The same of NUL-terminated text, appended with its quotes. */
void text_append_json(struct strbuf *out, const char *text);

/*
 * "1.5ms", "100us", "2s", "10ns", "1m"; a bare number is in `unit_ns`. Reads the whole of text[0..bytes).
 * -EINVAL: no such number; -ERANGE: too large.
 */
int text_parse_ns(const char *text, size_t bytes, uint64_t unit_ns, uint64_t *ns);

/* A whole decimal number, all of text[0..bytes). -EINVAL, -ERANGE: above max. */
int text_parse_unsigned(const char *text, size_t bytes, uint64_t max, uint64_t *value);
