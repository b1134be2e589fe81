/* SPDX-License-Identifier: MIT */
#include "host/vm/line_log.h"

static void end_line(struct line_log *log)
{
	char *line = log->lines[log->count % LINE_LOG_LINES];

	line[log->used] = '\0';
	log->used = 0;
	if (!*line)
		return;
	log->count++;
	if (log->line)
		log->line(log->context, line);
}

void line_log_add(struct line_log *log, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *line = log->lines[log->count % LINE_LOG_LINES];
		unsigned char byte = (unsigned char)bytes[i];

		if (byte == '\n')
			end_line(log);
		else if (log->used < LINE_LOG_LINE_BYTES - 1)
			line[log->used++] = byte == '\t'     ? ' '
				: byte < ' ' || byte >= 0x7f ? '?'
							     : (char)byte;
	}
}

const char *line_log_recent(const struct line_log *log, size_t back)
{
	if (back >= log->count || back >= LINE_LOG_LINES - 1) /* one line may be in the making */
		return "";
	return log->lines[(log->count - 1 - back) % LINE_LOG_LINES];
}
