/* SPDX-License-Identifier: MIT */
#include "lib/base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list args;

	if (!error)
		return code;
	error->code = code;
	error->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

int error_add(struct error *error, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list args;
	size_t used;

	if (!error)
		return -EIO;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, ": %s", error->text);
	memcpy(error->text, text, sizeof(text));
	return error->code;
}

int error_hint(struct error *error, const char *format, ...)
{
	va_list args;

	if (!error)
		return -EIO;
	if (!error->hint[0]) {
		va_start(args, format);
		vsnprintf(error->hint, sizeof(error->hint), format, args);
		va_end(args);
	}
	return error->code;
}
