/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/log_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "lib/base/suggest.h"
#include "lib/base/text.h"

#define NS_PER_S 1000000000
#define LEVELS   8u
#define PLAIN    "\033[0m"
#define DIM      "\033[2m"

/* --- --level --- */

static int find_level(const char *word, size_t length)
{
	for (unsigned level = 0; level < LEVELS; level++) {
		const char *name = printk_level_name(level);

		if (strlen(name) == length && memcmp(name, word, length) == 0)
			return (int)level;
	}
	return -EINVAL;
}

static int refuse_level(const char *word, size_t length, struct error *error)
{
	struct suggestion suggestion = suggestion_for(word, length);

	for (unsigned level = 0; level < LEVELS; level++)
		suggestion_consider(&suggestion, printk_level_name(level));
	error_set(error, -EINVAL, "--level: unknown level '%.*s'", (int)length, word);
	if (suggestion.best)
		error_hint(error, "did you mean %s?", suggestion.best);
	return error_hint(
		error, "levels: emerg, alert, crit, err, warn, notice, info, debug; 'err+': and more severe");
}

int log_lines_parse_levels(const char *list, uint32_t *levels, struct error *error)
{
	*levels = 0;
	for (;;) {
		size_t length = strcspn(list, ",");
		bool above = length && list[length - 1] == '+';
		int level = find_level(list, length - above);

		if (level < 0)
			return refuse_level(list, length - above, error);
		*levels |= above ? (2u << level) - 1 : 1u << level;
		if (!list[length])
			return 0;
		list += length + 1;
	}
}

/* --- text --- */

static const char *level_colour(unsigned level)
{
	static const char *const colours[] = {
		"\033[1;31m", "\033[1;31m", "\033[1;31m", "\033[31m", "\033[33m"};

	return level < sizeof(colours) / sizeof(colours[0]) ? colours[level] : level == 7 ? DIM : "";
}

static void append_day(struct strbuf *out, int64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / NS_PER_S);
	char text[64];
	struct tm calendar;

	if (unix_ns >= 0 && gmtime_r(&seconds, &calendar) && strftime(text, sizeof(text), "%F %T", &calendar))
		strbuf_printf(out, "[%s.%06" PRId64 "] ", text, unix_ns % NS_PER_S / 1000);
}

static void append_prefix(
	const struct log_lines *lines, const struct printk_record *record, struct strbuf *out)
{
	if (lines->decode) {
		const char *facility = printk_facility_name(record->facility);
		const char *level = printk_level_name(record->level);

		strbuf_printf(out, "%-6s:%-6s: ", facility ? facility : "?", level ? level : "?");
	}
	strbuf_puts(out, lines->colour ? DIM : "");
	if (lines->utc && lines->has_wall)
		append_day(out, (int64_t)(record->ts_ns + (uint64_t)lines->wall_offset_ns));
	else
		strbuf_printf(out, "[%5" PRIu64 ".%06" PRIu64 "] ", record->ts_ns / NS_PER_S,
			record->ts_ns % NS_PER_S / 1000);
	strbuf_puts(out, lines->colour ? PLAIN : "");
}

/* As dmesg(1): what could harm a terminal is escaped, backslashes and tabs stay as they are. */
static void append_text(struct strbuf *out, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		size_t part = 0;
		char *at;

		while (text + part < end && text[part] != '\\' && text[part] != '\t')
			part++;
		at = strbuf_reserve(out, 4 * part);
		if (!at)
			return;
		out->length += text_escape(at, text, part);
		out->data[out->length] = '\0';
		text += part;
		if (text < end)
			strbuf_putc(out, *text++);
	}
}

static void append_lines(
	const struct log_lines *lines, const struct printk_record *record, struct strbuf *out)
{
	const char *colour = lines->colour ? level_colour(record->level) : "";
	const char *at = record->text, *end = at + record->length;

	do {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);

		append_prefix(lines, record, out);
		strbuf_puts(out, colour);
		append_text(out, at, length);
		strbuf_puts(out, *colour ? PLAIN "\n" : "\n");
		at += length + (stop != NULL);
	} while (at < end);
}

/* --- JSON --- */

static void append_json_text(struct strbuf *out, const char *key, const char *text, size_t length)
{
	char *at;

	strbuf_printf(out, ",\"%s\":\"", key);
	at = strbuf_reserve(out, 6 * length);
	if (!at)
		return;
	out->length += text_escape_json(at, text, length);
	out->data[out->length] = '\0';
	strbuf_putc(out, '"');
}

static void append_object(
	const struct log_lines *lines, const struct printk_record *record, struct strbuf *out)
{
	const char *facility = printk_facility_name(record->facility),
		   *level = printk_level_name(record->level);

	strbuf_printf(out, "{\"seq\":%" PRIu64 ",\"ts_ns\":%" PRIu64, record->seq, record->ts_ns);
	if (lines->has_wall)
		strbuf_printf(out, ",\"unix_ns\":%" PRId64,
			(int64_t)(record->ts_ns + (uint64_t)lines->wall_offset_ns));
	strbuf_printf(out, ",\"level\":\"%s\"", level ? level : "?");
	if (facility)
		strbuf_printf(out, ",\"facility\":\"%s\"", facility);
	else
		strbuf_printf(out, ",\"facility\":%u", record->facility);
	strbuf_printf(out, ",\"%s\":%u", record->caller & PRINTK_CALLER_CPU ? "cpu" : "tid",
		record->caller & ~PRINTK_CALLER_CPU);
	if (record->subsystem[0])
		append_json_text(out, "subsystem", record->subsystem, strlen(record->subsystem));
	if (record->device[0])
		append_json_text(out, "device", record->device, strlen(record->device));
	append_json_text(out, "text", record->text, record->length);
	strbuf_putc(out, '}');
}

void log_lines_append(const struct log_lines *lines, const struct printk_record *record, struct strbuf *out)
{
	(lines->json ? append_object : append_lines)(lines, record, out);
}
