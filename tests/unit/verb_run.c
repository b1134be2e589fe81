/* SPDX-License-Identifier: MIT */
#include "tests/unit/verb_run.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int verb_run(const char *directory, const char *arguments, struct strbuf *out)
{
	const char *program = getenv("HYPERTRACE");
	char command[1024], chunk[4096];
	size_t bytes;
	FILE *pipe;
	int status;

	if (!program)
		skip();
	snprintf(command, sizeof(command), "cd %s && LC_ALL=C %s %s 2>&1", directory, program, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((bytes = fread(chunk, 1, sizeof(chunk), pipe)))
		strbuf_append(out, chunk, bytes);
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void verb_expect(const char *directory, const char *arguments, int status, const char *text)
{
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY;
	int result = verb_run(directory, arguments, &out);

	assert_string_equal(out.data ? out.data : "", text);
	assert_int_equal(result, status);
}

void verb_contains(const char *directory, const char *arguments, int status, const char *text)
{
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY;
	int result = verb_run(directory, arguments, &out);

	if (!out.data || !strstr(out.data, text))
		fail_msg("%s: '%s' is not in: %s", arguments, text, out.data);
	assert_int_equal(result, status);
}
