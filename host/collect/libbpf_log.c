/* SPDX-License-Identifier: MIT */
#include "host/collect/libbpf_log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define KEPT_BYTES  4096
#define SHOWN_LINES 3

/* libbpf's callback has no argument of the caller's; what other threads do with libbpf stays apart. */
static _Thread_local char kept[KEPT_BYTES];
static _Thread_local size_t kept_bytes;
static _Thread_local libbpf_print_fn_t previous;

static void keep(const char *text, size_t bytes)
{
	if (bytes >= KEPT_BYTES) {
		text += bytes - (KEPT_BYTES - 1);
		bytes = KEPT_BYTES - 1;
	}
	if (kept_bytes + bytes >= KEPT_BYTES) { /* the end is what says why */
		const size_t drop = kept_bytes + bytes - (KEPT_BYTES - 1);

		memmove(kept, kept + drop, kept_bytes - drop);
		kept_bytes -= drop;
	}
	memcpy(kept + kept_bytes, text, bytes);
	kept_bytes += bytes;
	kept[kept_bytes] = 0;
}

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text;
	int bytes;

	if (level != LIBBPF_WARN)
		return 0;
	bytes = vasprintf(&text, format, arguments);
	if (bytes < 0)
		return 0;
	keep(text, (size_t)bytes);
	free(text);
	return bytes;
}

void libbpf_log_begin(void)
{
	kept_bytes = 0;
	kept[0] = 0;
	previous = libbpf_set_print(print);
}

void libbpf_log_end(void)
{
	libbpf_set_print(previous);
}

/* The last lines, in one, with what a terminal could misread escaped. */
static void last_lines(char *out, size_t size)
{
	char escaped[4 * KEPT_BYTES];
	size_t begin, end = kept_bytes, length;
	int lines = 0;

	while (end && (kept[end - 1] == '\n' || kept[end - 1] == ' '))
		end--;
	for (begin = end; begin && lines < SHOWN_LINES; begin--)
		if (kept[begin - 1] == '\n' && ++lines == SHOWN_LINES)
			break;
	for (size_t i = begin; i < end; i++)
		if (kept[i] == '\n' || kept[i] == '\t')
			kept[i] = ' ';
	length = text_escape(escaped, kept + begin, end - begin);
	snprintf(out, size, "%.*s", (int)length, escaped);
}

int libbpf_log_error(int code, const char *what, struct error *error)
{
	char said[ERROR_TEXT_BYTES / 2];

	last_lines(said, sizeof(said));
	if (code == -EPERM || code == -EACCES) {
		error_set(error, code, "%s: %s", what, strerror(-code));
		if (said[0] && code == -EACCES) /* the verifier's own refusal is EACCES, too */
			error_set(error, code, "%s: %s: %s", what, strerror(-code), said);
		error_hint(error, "it needs CAP_BPF, CAP_PERFMON and tracefs: run as root");
		return code;
	}
	error_set(error, code, "%s: %s%s%s", what, strerror(-code), said[0] ? ": " : "", said);
	if (code == -ENOENT || code == -ESRCH)
		error_hint(error, "this kernel has not what the programs look for: hypertrace doctor");
	return code;
}
