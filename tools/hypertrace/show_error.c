/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/options.h"

#include <jansson.h>
#include <string.h>

static void show_json(const struct error *error)
{
	json_t *object = json_pack("{s:{s:s, s:i}}", "error", "text", error->text, "code", error->code);

	if (!object) /* the text is not UTF-8: a file name, for example */
		object = json_pack(
			"{s:{s:s, s:i}}", "error", "text", strerror(-error->code), "code", error->code);
	if (object && error->hint[0])
		json_object_set_new(json_object_get(object, "error"), "hint", json_string(error->hint));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

int show_error(const struct error *error, bool json, int status)
{
	if (json) {
		show_json(error);
		return status;
	}
	fflush(stdout); /* what was printed so far stands before the error */
	fprintf(stderr, "hypertrace: %s\n", error->text);
	if (error->hint[0])
		fprintf(stderr, "hint: %s\n", error->hint);
	return status;
}
