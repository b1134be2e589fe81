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

/* What libbpf puts round the verifier's own words. */
static bool is_frame(const char *line)
{
	return !strncmp(line, "libbpf: ", 8) || !strncmp(line, "-- ", 3) || !strncmp(line, "processed ", 10);
}

/*
 * The last lines, in one, with what a terminal could misread escaped: those of the verifier where it said something, else
 * libbpf's.
 */
static void last_lines(char *out, size_t size, bool verifier)
{
	const char *lines[SHOWN_LINES] = {0};
	char text[KEPT_BYTES], escaped[4 * KEPT_BYTES], *rest = text;
	unsigned count = 0;
	size_t used = 0;

	memcpy(text, kept, kept_bytes + 1);
	for (char *line = strtok_r(rest, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (is_frame(line) != verifier)
			lines[count++ % SHOWN_LINES] = line;
	out[0] = 0;
	for (unsigned i = count > SHOWN_LINES ? count - SHOWN_LINES : 0; i < count && used < size; i++) {
		const char *line = lines[i % SHOWN_LINES];
		const size_t length = text_escape(escaped, line, strlen(line));

		used += (size_t)snprintf(
			out + used, size - used, "%s%.*s", used ? "; " : "", (int)length, escaped);
	}
}

int libbpf_log_error(int code, const char *what, struct error *error)
{
	char said[ERROR_TEXT_BYTES / 2];

	last_lines(said, sizeof(said), true);
	if (!said[0])
		last_lines(said, sizeof(said), false);
	if (code == -EPERM) {
		error_set(error, code, "%s: %s", what, strerror(-code));
		return error_hint(error, "it needs CAP_BPF, CAP_PERFMON and tracefs: run as root");
	}
	error_set(error, code, "%s: %s%s%s", what, strerror(-code), said[0] ? ": " : "", said);
	return error_hint(error, "this kernel lacks what the programs look for: hypertrace doctor");
}
