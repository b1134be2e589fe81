/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/time_range.h"

#include <errno.h>
#include <string.h>

#include "lib/base/text.h"

#define SECOND_NS 1000000000

int time_range_parse(struct time_range *range, const char *text, struct error *error)
{
	const char *end, *rest;
	int result = 0;

	*range = TIME_RANGE_ALL;
	if (!text)
		return 0;
	end = strstr(text, "..");
	rest = end ? end + 2 : NULL;
	if (!end && (end = strchr(text, '-')))
		rest = end + 1;
	if (!end)
		result = -EINVAL;
	if (!result && end != text)
		result = text_parse_ns(text, (size_t)(end - text), SECOND_NS, &range->from_ns);
	if (!result && *rest)
		result = text_parse_ns(rest, strlen(rest), SECOND_NS, &range->to_ns);
	if (!result && range->from_ns < range->to_ns)
		return 0;
	error_set(error, -EINVAL, "--time: '%s' is not FROM-TO", text);
	return error_hint(error, "for example 1.5-2, 200ms-300ms, 1m- or -10s, from the start of the trace");
}

int64_t time_range_unix_ns(int64_t start_unix_ns, uint64_t since_ns)
{
	int64_t sum;

	if (since_ns > INT64_MAX || __builtin_add_overflow(start_unix_ns, (int64_t)since_ns, &sum))
		return INT64_MAX;
	return sum;
}

void time_range_span(
	const struct time_range *range, int64_t start_unix_ns, int64_t *from_unix_ns, int64_t *to_unix_ns)
{
	*from_unix_ns = range->from_ns ? time_range_unix_ns(start_unix_ns, range->from_ns) : INT64_MIN;
	*to_unix_ns = range->to_ns == INT64_MAX ? INT64_MAX : time_range_unix_ns(start_unix_ns, range->to_ns);
}
