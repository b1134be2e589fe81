/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_field_type.h"

#include <stdbool.h>
#include <string.h>

#define POINTER_BYTES  8
#define LOCATION_BYTES 4

static bool begins(const char **text, const char *word)
{
	const size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

/* "char[…", also const: text, for signed and unsigned ones are mostly not */
static bool is_chars(const char *type)
{
	begins(&type, "const ");
	if (!begins(&type, "char"))
		return false;
	type += strspn(type, " ");
	return *type == '[';
}

static bool is_pointer(const char *type)
{
	const char *star = strrchr(type, '*');

	return star && (!star[1 + strspn(star + 1, " ")] || strstr(type, "(*"));
}

enum ftrace_field_kind ftrace_field_type_kind(const char *type, uint32_t bytes)
{
	if (begins(&type, "__data_loc ") && bytes == LOCATION_BYTES)
		return is_chars(type) ? FTRACE_FIELD_DYNAMIC_TEXT : FTRACE_FIELD_DYNAMIC_BYTES;
	if (begins(&type, "__rel_loc ") && bytes == LOCATION_BYTES)
		return is_chars(type) ? FTRACE_FIELD_RELATIVE_TEXT : FTRACE_FIELD_RELATIVE_BYTES;
	if (!bytes)
		return is_chars(type) ? FTRACE_FIELD_TAIL_TEXT : FTRACE_FIELD_TAIL_BYTES;
	if (strchr(type, '['))
		return is_chars(type) ? FTRACE_FIELD_CHARS : FTRACE_FIELD_ARRAY;
	if (is_pointer(type))
		return bytes == POINTER_BYTES ? FTRACE_FIELD_POINTER : FTRACE_FIELD_ARRAY;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return FTRACE_FIELD_ARRAY;
	if (strncmp(type, "struct ", 7) == 0 || strncmp(type, "union ", 6) == 0)
		return FTRACE_FIELD_ARRAY;
	return FTRACE_FIELD_INTEGER;
}
