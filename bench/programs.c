/* SPDX-License-Identifier: MIT */
#include "bench/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

int bench_program(const char *name, char **path, struct error *error)
{
	static const char *const places[] = {BENCH_BUILT, BENCH_SOURCE, BENCH_INSTALLED};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(path, "%s/%s", places[i], name) < 0) {
			*path = NULL;
			return error_set(error, -ENOMEM, "out of memory");
		}
		if (access(*path, X_OK) == 0)
			return 0;
		free(*path);
		*path = NULL;
	}
	return error_set(error, -ENOENT, "the benchmark's program %s is neither built nor installed", name);
}

bool bench_has_program(const char *name)
{
	const char *places = getenv("PATH");
	cleanup_free char *copy = strdup(places ? places : "/usr/bin:/bin");
	char *state = NULL;

	for (char *place = copy ? strtok_r(copy, ":", &state) : NULL; place;
		place = strtok_r(NULL, ":", &state)) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s/%s", place, name) > 0 && access(path, X_OK) == 0)
			return true;
	}
	return false;
}

int bench_scratch(char **path, struct error *error)
{
	const char *parent = getenv("TMPDIR");
	int result;

	if (asprintf(path, "%s/hypertrace-bench-XXXXXX", parent && *parent ? parent : "/tmp") < 0) {
		*path = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	if (mkdtemp(*path))
		return 0;
	result = error_set(error, -errno, "cannot make the directory %s: %s", *path, strerror(errno));
	free(*path);
	*path = NULL;
	return result;
}
