/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/host_option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int host_option_parse(struct host_option *option, const char *text, struct error *error)
{
	static const char *const levels[] = {[COLLECTOR_HISTOGRAM] = "histogram",
		[COLLECTOR_AGGREGATED] = "aggregated",
		[COLLECTOR_FULL] = "full"};

	*option = (struct host_option){.given = text != NULL};
	if (!text)
		return 0;
	for (unsigned level = 0; level < sizeof(levels) / sizeof(levels[0]); level++)
		if (!strncmp(text, "exits=", 6) && !strcmp(text + 6, levels[level])) {
			option->level = (enum collector_level)level;
			return 0;
		}
	error_set(error, -EINVAL, "--host: '%.100s' is nothing to take of this host", text);
	return error_hint(error,
		"exits=histogram (counts and times only, the least cost), exits=aggregated (a record for each "
		"exit), or exits=full (and its details)");
}

int host_option_add(const struct host_option *option, struct recorder *recorder, unsigned flags,
	void (*notice)(void *context, const char *text), void *context, struct error *error)
{
	char text[ERROR_TEXT_BYTES + ERROR_HINT_BYTES + 32];
	struct error why = {0};
	int code;

	if (!option->given)
		return 0;
	code = recorder_add_host(recorder, option->level, flags & HOST_STARTS, &why);
	if (!code)
		return 0;
	if (flags & HOST_ALONE) {
		*error = why;
		return code;
	}
	snprintf(text, sizeof(text), "without this host: %s%s%s%s", why.text, why.hint[0] ? " (" : "",
		why.hint, why.hint[0] ? ")" : "");
	if (notice)
		notice(context, text);
	return 0;
}
