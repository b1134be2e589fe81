/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/progress.h"

#include <stdio.h>
#include <unistd.h>

void show_progress(const char *text)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "hypertrace: %s\n", text);
}
