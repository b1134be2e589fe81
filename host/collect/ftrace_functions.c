/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_functions.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "host/kernel/traceable_functions.h"

struct stranger {
	const char *pattern; /* NULL: none so far */
	size_t length;
};

static int refuse(const struct traceable_functions *functions, const struct stranger *stranger,
	bool traces_all, struct error *error)
{
	const char *nearest = traceable_functions_nearest(functions, stranger->pattern, stranger->length);

	error_set(error, -EINVAL, "-F %.*s: no function that the guest's kernel can trace%s",
		(int)stranger->length, stranger->pattern, traces_all ? ", so it traces all of them" : "");
	if (nearest)
		return error_hint(error, "is %s meant?", nearest);
	return error_hint(error, "see /sys/kernel/tracing/available_filter_functions in the guest");
}

int ftrace_functions_check(const char *patterns, const struct guest_kernel *kernel, struct error *error)
{
	struct traceable_functions functions;
	struct stranger stranger = {0};
	size_t length, asked = 0, named = 0;
	int code;

	if (traceable_functions_init(&functions, kernel, NULL))
		return 0;
	for (const char *at = patterns; *at; at += length + (at[length] == ',')) {
		const bool taken_out = *at == '!';
		size_t count;

		at += taken_out;
		length = strcspn(at, ",");
		count = traceable_functions_count(&functions, at, length);
		asked += !taken_out;
		named += taken_out ? 0 : count;
		if (!count && !stranger.pattern)
			stranger = (struct stranger){at, length};
	}
	code = stranger.pattern ? refuse(&functions, &stranger, asked && !named, error) : 0;
	traceable_functions_deinit(&functions);
	return code;
}
