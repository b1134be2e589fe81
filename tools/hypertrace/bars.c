/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/bars.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/text.h"

#define LABEL_BYTES_MAX 256

#define COLUMNS_DEFAULT 100u
#define COLUMNS_MIN     60u
#define COLUMNS_MAX     240u

unsigned bars_columns(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return COLUMNS_DEFAULT;
	return size.ws_col < COLUMNS_MIN    ? COLUMNS_MIN
		: size.ws_col > COLUMNS_MAX ? COLUMNS_MAX
					    : size.ws_col;
}

static bool is_utf8(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

struct bars bars_of_terminal(uint64_t from_ns, uint64_t to_ns, unsigned other, FILE *out)
{
	unsigned columns = bars_columns(out);

	return (struct bars){
		.from_ns = from_ns,
		.to_ns = to_ns > from_ns ? to_ns : from_ns + 1,
		.width = columns > other + 20 ? columns - other : 20,
		.blocks = is_utf8(),
	};
}

static const char *shade(const struct bars *bars, double share)
{
	static const char *const blocks[] = {"\u2591", "\u2592", "\u2593", "\u2588"};
	static const char *const plain[] = {".", "-", "=", "#"};
	unsigned level = share < 0 || share >= 0.75 ? 3 : share >= 0.5 ? 2 : share >= 0.25 ? 1 : 0;

	return (bars->blocks ? blocks : plain)[level];
}

/* Where a column begins. */
static uint64_t column_ns(const struct bars *bars, unsigned column)
{
	double ns = (double)(bars->to_ns - bars->from_ns) * column / bars->width;

	return bars->from_ns + (uint64_t)ns;
}

void bars_print(const struct bars *bars, uint64_t from_ns, uint64_t to_ns, bars_share_fn *share,
	void *context, FILE *out)
{
	unsigned blanks = 0;

	for (unsigned column = 0; column < bars->width; column++) {
		uint64_t begin = column_ns(bars, column), end = column_ns(bars, column + 1);

		/* what is too short for a column has the one it begins in */
		if (end <= from_ns || (begin >= to_ns && begin > from_ns)) {
			blanks++;
			continue;
		}
		fprintf(out, "%*s%s", (int)blanks, "", shade(bars, share ? share(context, begin, end) : -1));
		blanks = 0;
	}
}

void bars_label(const char *text, unsigned indent, unsigned columns, FILE *out)
{
	char escaped[4 * LABEL_BYTES_MAX];
	size_t length = text_escape(escaped, text, strnlen(text, LABEL_BYTES_MAX)), at = 0;
	unsigned room = columns - indent, used = 0;

	while (at < length && used < room) {
		size_t step = text_utf8_length(escaped + at, length - at);

		at += step ? step : 1;
		used++;
	}
	fprintf(out, "%*s%.*s%*s", (int)indent, "", (int)at, escaped, (int)(room - used), "");
}
