/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/record_named.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MACHINE "host" /* the name of the host's own */

static bool is_in(const struct record_named *named, const struct vmm *vmm)
{
	for (size_t i = 0; i < named->count; i++)
		if (named->vmms[i] == vmm)
			return true;
	return false;
}

static int find_word(struct record_named *named, const char *word, struct error *error)
{
	const struct vmm *found[TRACE_MACHINES_MAX];
	int count = vmm_list_find(&named->list, word, found, TRACE_MACHINES_MAX, error);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		if (is_in(named, found[i]))
			continue;
		if (named->count == TRACE_MACHINES_MAX)
			return error_set(error, -E2BIG, "-g: more than %d guests", TRACE_MACHINES_MAX);
		named->vmms[named->count++] = found[i];
	}
	return 0;
}

int record_named_find(struct record_named *named, const struct string_list *words, struct error *error)
{
	int code;

	*named = (struct record_named){0};
	if (!words->count)
		return 0;
	code = vmm_list_read(&named->list, "/proc", error);
	for (size_t i = 0; !code && i < words->count; i++)
		code = find_word(named, words->items[i], error);
	if (code)
		return code;
	named->surveys = calloc(named->count, sizeof(*named->surveys));
	if (!named->surveys)
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < named->count; i++)
		guest_survey_do(&named->surveys[i], named->vmms[i], "/proc");
	return 0;
}

void record_named_deinit(struct record_named *named)
{
	vmm_list_deinit(&named->list);
	free(named->surveys);
	*named = (struct record_named){0};
}

int record_named_channel(
	const struct record_named *named, enum recorder_channel *channel, struct error *error)
{
	size_t with_region = 0;

	for (size_t i = 0; i < named->count; i++)
		with_region += named->surveys[i].region[0] != '\0';
	if (with_region && with_region < named->count) {
		error_set(error, -EINVAL, "-g: %zu of %zu guests have a region: one trace has one channel",
			with_region, named->count);
		return error_hint(error,
			"--channel ftrace takes them all; or hypertrace attach -g NAME for each that has none");
	}
	*channel = with_region ? RECORDER_SHM : RECORDER_FTRACE;
	return 0;
}

static bool is_machine_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	/* no hidden directory, none above, and room for what the recorder adds */
	return length && length < RECORDER_NAME_BYTES && name[0] != '.' && strcmp(name, HOST_MACHINE) != 0;
}

const char *record_named_machine(const struct record_named *named, size_t i, char name[RECORDER_NAME_BYTES])
{
	if (!named->vmms[i]->is_named || !is_machine_name(named->vmms[i]->name))
		return NULL;
	snprintf(name, RECORDER_NAME_BYTES, "%s", named->vmms[i]->name);
	return name;
}
