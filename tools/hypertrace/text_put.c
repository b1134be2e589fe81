/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/text_put.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/text.h"

#define FOREIGN_BYTES 160

void text_put_title(FILE *out, bool colour, const char *title, const char *format, ...)
{
	va_list arguments;

	fprintf(out, "\n%s%s%s", colour ? "\033[1m" : "", title, colour ? "\033[0m" : "");
	if (format) {
		fputs("  ", out);
		va_start(arguments, format);
		vfprintf(out, format, arguments);
		va_end(arguments);
	}
	fputc('\n', out);
}

void text_put_foreign(FILE *out, const char *text)
{
	char escaped[4 * FOREIGN_BYTES];

	fwrite(escaped, 1, text_escape(escaped, text, strnlen(text, FOREIGN_BYTES)), out);
}
