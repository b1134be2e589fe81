/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/json_put.h"

#include <errno.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"

void json_set_count(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value)));
}

json_t *json_foreign(const char *text, size_t bytes)
{
	struct strbuf utf8 = STRBUF_EMPTY;
	json_t *string;

	for (size_t at = 0; at < bytes;) {
		size_t length = text_utf8_length(text + at, bytes - at);
		unsigned char byte = (unsigned char)text[at];

		if (length) {
			strbuf_append(&utf8, text + at, length);
		} else {
			strbuf_putc(&utf8, (char)(0xc0 | byte >> 6));
			strbuf_putc(&utf8, (char)(0x80 | (byte & 0x3f)));
			length = 1;
		}
		at += length;
	}
	string = utf8.failed ? NULL : json_stringn(utf8.data ? utf8.data : "", utf8.length);
	strbuf_deinit(&utf8);
	return string;
}

void json_set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_foreign(text, strlen(text)));
}

void json_set_damage(json_t *object, const struct trace_damage *damage)
{
	json_set_count(object, "damaged_packets", damage->packets);
	if (damage->packets)
		json_set_text(object, "damage", damage->first.text);
}

int json_write(json_t *document, size_t flags, FILE *out)
{
	int result = document ? json_dumpf(document, out, JSON_INDENT(1) | flags) : -1;

	json_decref(document);
	if (result < 0)
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}
