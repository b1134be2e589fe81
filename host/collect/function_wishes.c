/* SPDX-License-Identifier: MIT */
#include "host/collect/function_wishes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/collect/recorder.h"

static const char *const noise[] = {
#define HT_NOISE(pattern) pattern,
#include "abi/function_noise.def"
};
#define NR_NOISE (sizeof(noise) / sizeof(noise[0]))

static int add(struct function_wishes *wishes, const char *sign, const char *pattern, size_t length)
{
	const size_t used = strlen(wishes->patterns);

	if (used + strlen(sign) + length + 2 > sizeof(wishes->patterns))
		return -E2BIG;
	snprintf(wishes->patterns + used, sizeof(wishes->patterns) - used, "%s%.*s\n", sign, (int)length,
		pattern);
	return 0;
}

static bool is_named(const char *list, const char *name)
{
	const size_t length = strlen(name);

	for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
		if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

static int add_list(struct function_wishes *wishes, const char *list, size_t *taken_in, struct error *error)
{
	for (const char *at = list; *at; at += strcspn(at, ",")) {
		const char *sign = "";
		size_t length;

		at += *at == ',';
		if (*at == '!') {
			sign = "!";
			at++;
		}
		length = strcspn(at, ",");
		if (!length)
			continue;
		if (strspn(at, HT_PATTERN_CHARACTERS) < length) {
			error_set(error, -EINVAL, "-F: '%.*s' is no pattern of function names", (int)length,
				at);
			return error_hint(error,
				"names as kallsyms has them, with *, ? and [...]: -F 'vfs_*,!vfs_fsync*'");
		}
		if (add(wishes, sign, at, length)) {
			error_set(error, -E2BIG, "-F: a guest takes %d bytes of patterns",
				HT_CONTROL_FUNCTION_BYTES);
			return error_hint(error, "use patterns in place of names");
		}
		*taken_in += !*sign;
	}
	return 0;
}

int function_wishes_parse(
	struct function_wishes *wishes, const struct recorder_functions *functions, struct error *error)
{
	const char *list = functions->patterns;
	size_t taken_in = 0;
	int code;

	*wishes = (struct function_wishes){0};
	if (!list || !*list) {
		if (functions->depth || functions->min_ns || functions->probe) {
			error_set(error, -EINVAL,
				"--probe, --depth and --min-duration are of functions: none is named");
			return error_hint(error, "-F '*' for all");
		}
		return 0;
	}
	code = add_list(wishes, list, &taken_in, error);
	if (code)
		return code;
	if (!taken_in) {
		error_set(error, -EINVAL, "-F: nothing but what is taken out");
		return error_hint(error, "-F '*,!%s' for all the others", *list == '!' ? list + 1 : list);
	}
	if (functions->probe == HT_FUNCTION_ENTRY && (functions->depth || functions->min_ns)) {
		error_set(error, -EINVAL, "--depth and --min-duration need to know of returns");
		return error_hint(error, "--probe return, or --probe fgraph");
	}
	for (size_t i = 0; i < NR_NOISE; i++)
		if (!is_named(list, noise[i]))
			add(wishes, "!", noise[i],
				strlen(noise[i])); /* where there is room: it is only cheaper */
	wishes->probe = functions->probe ? functions->probe : HT_FUNCTION_RETURN;
	wishes->depth = functions->depth;
	wishes->min_ns = functions->min_ns;
	return 0;
}

int function_wishes_drop(struct function_wishes *wishes, uint32_t function)
{
	if (wishes->nr_dropped == HT_CONTROL_DROPPED)
		return -ENOSPC;
	wishes->dropped[wishes->nr_dropped++] = function;
	return 0;
}

void function_wishes_take_none(struct function_wishes *wishes)
{
	memset(wishes->patterns, 0, sizeof(wishes->patterns));
}

void function_wishes_fill(const struct function_wishes *wishes, struct ht_control *control)
{
	if (!wishes->probe)
		return;
	memcpy(control->functions, wishes->patterns, sizeof(control->functions));
	control->function_probe = wishes->probe;
	control->function_depth = wishes->depth;
	control->min_duration_ns[HT_PAIR_FUNCTION] = wishes->min_ns;
	control->nr_dropped = wishes->nr_dropped;
	memcpy(control->dropped, wishes->dropped, sizeof(control->dropped));
}
