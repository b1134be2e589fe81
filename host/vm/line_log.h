/* SPDX-License-Identifier: MIT */
/* Takes bytes in any pieces and shows them as lines; remembers the last ones. Control characters become '?'. */
#pragma once
#include <stddef.h>

#define LINE_LOG_LINE_BYTES 256
#define LINE_LOG_LINES      8

struct line_log {
	char lines[LINE_LOG_LINES]
		  [LINE_LOG_LINE_BYTES]; /* line n lies in n % LINE_LOG_LINES; longer ones are cut */
	size_t count;                    /* lines that are whole */
	size_t used;                     /* of the line being gathered */
	void (*line)(void *context, const char *text); /* told each line; may be NULL */
	void *context;
};

void line_log_add(struct line_log *log, const char *bytes, size_t count);

/* The line `back` before the last (0: the last), "" where there is none. */
const char *line_log_recent(const struct line_log *log, size_t back);
