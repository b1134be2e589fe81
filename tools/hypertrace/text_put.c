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

void text_put_foreign_bytes(FILE *out, const char *text, size_t bytes)
{
	struct strbuf escaped = STRBUF_EMPTY;
	char *place = strbuf_reserve(&escaped, 4 * bytes);

	if (place)
		fwrite(place, 1, text_escape(place, text, bytes), out);
	strbuf_deinit(&escaped);
}

void text_put_machine(FILE *out, bool colour, const struct trace_machine *machine)
{
	fputs(colour ? "\033[1m" : "", out);
	text_put_foreign_bytes(out, machine->name, strlen(machine->name));
	fputs(colour ? "\033[0m" : "", out);
	if (!machine->info->release[0])
		return;
	fputs("  Linux ", out);
	text_put_foreign_bytes(out, machine->info->release, strlen(machine->info->release));
}
