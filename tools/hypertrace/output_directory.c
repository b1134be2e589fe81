/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/output_directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/vm/cache_directory.h"
#include "lib/model/trace_info.h"

#define OLD OUTPUT_DEFAULT ".old"

static int not_a_trace(const char *path, struct error *error)
{
	error_set(error, -EEXIST, "./%s is in the way: it holds no trace", path);
	return error_hint(error, "move it away, or name another directory with -o");
}

const char *output_directory(const char *given, struct error *error)
{
	if (given)
		return given;
	if (access(OUTPUT_DEFAULT, F_OK) < 0)
		return OUTPUT_DEFAULT;
	if (access(OUTPUT_DEFAULT "/" TRACE_INFO_FILE, F_OK) < 0) {
		not_a_trace(OUTPUT_DEFAULT, error);
		return NULL;
	}
	if (access(OLD, F_OK) == 0 && access(OLD "/" TRACE_INFO_FILE, F_OK) < 0) {
		not_a_trace(OLD, error);
		return NULL;
	}
	remove_tree(OLD);
	if (rename(OUTPUT_DEFAULT, OLD) < 0) {
		error_set(error, -errno, "cannot move %s to %s: %s", OUTPUT_DEFAULT, OLD, strerror(errno));
		return NULL;
	}
	return OUTPUT_DEFAULT;
}
