/* SPDX-License-Identifier: MIT */
/* The QMP client against a server that answers, refuses, babbles, floods, is silent, and goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vmm/qmp.h"
#include "tests/unit/fake_qmp.h"

static void talks(void **state)
{
	struct fake_qmp fake;
	struct error error = {0};
	json_t *answer = NULL;
	struct qmp qmp;

	(void)state;
	/* an event before an answer is skipped; one behind it waits for who asks for it */
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE,
		"{\"event\": \"RESUME\"}\n{\"return\": 7}\n"
		"{\"event\": \"GONE\", \"data\": {\"device\": \"other\"}}\n{\"event\": \"GONE\", \"data\": {\"device\": \"mine\"}}\n");
	assert_int_equal(qmp_init(&qmp, fake.path, &error), 0);
	assert_int_equal(qmp_command(&qmp, "ask", json_pack("{s:i}", "a", 1), &answer, &error), 0);
	assert_int_equal(json_integer_value(answer), 7);
	json_decref(answer);
	assert_int_equal(qmp_wait_event(&qmp, "GONE", "mine", 1000, &error), 0);
	assert_int_equal(qmp_wait_event(&qmp, "GONE", "mine", 10, &error), -ETIMEDOUT);
	qmp_deinit(&qmp);
	fake_qmp_stop(&fake);
	assert_int_equal(fake.nr_requests, 2);
	assert_string_equal(fake.requests[0], "{\"execute\":\"qmp_capabilities\"}");
	assert_string_equal(fake.requests[1], "{\"execute\":\"ask\",\"arguments\":{\"a\":1}}");
}

static void is_refused(void **state)
{
	struct fake_qmp fake;
	struct error error = {0};
	struct qmp qmp;

	(void)state;
	FAKE_QMP_START(
		&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE, FAKE_QMP_REFUSED, "{\"error\": 5}\n", FAKE_QMP_DONE);
	assert_int_equal(qmp_init(&qmp, fake.path, &error), 0);
	assert_int_equal(qmp_command(&qmp, "ask", NULL, NULL, &error), -EREMOTEIO);
	assert_string_equal(error.text, "QEMU refuses ask: because");
	assert_int_equal(qmp_command(&qmp, "ask", NULL, NULL, &error), -EREMOTEIO);
	assert_string_equal(error.text, "QEMU refuses ask: no reason given");
	assert_int_equal(qmp_command(&qmp, "ask", NULL, NULL, NULL), 0); /* and goes on */
	qmp_deinit(&qmp);
	fake_qmp_stop(&fake);
}

/* What qmp_init() makes of a server that says only this. */
static int greeted_by(const char *greeting, struct error *error)
{
	struct fake_qmp fake;
	struct qmp qmp;
	int code;

	*error = (struct error){0};
	FAKE_QMP_START(&fake, greeting);
	code = qmp_init(&qmp, fake.path, error);
	fake_qmp_stop(&fake);
	return code;
}

static void hears_nonsense(void **state)
{
	static const char *const nonsense[] = {"220 mail.example.org ESMTP\r\n", "\n", "{}\n", "[1, 2]\n",
		"{\"QMP\"\n", "{\"QMP\": \"\xff\"}\n", "null\n"};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		assert_int_equal(greeted_by(nonsense[i], &error), -EPROTO);
		assert_non_null(strstr(error.text, "it does not speak QMP"));
		assert_non_null(strstr(error.hint, "-qmp unix:"));
	}
}

static void is_flooded(void **state)
{
	const size_t bytes = QMP_LINE_BYTES_MAX + 1000;
	char *line = malloc(bytes + 1);
	struct error error;

	(void)state;
	memset(line, '{', bytes);
	line[bytes] = '\0';
	assert_int_equal(greeted_by(line, &error), -EPROTO);
	assert_non_null(strstr(error.text, "a line of more than"));
	memset(line, '[', 100000); /* deep, not long */
	strcpy(line + 100000, "\n");
	assert_int_equal(greeted_by(line, &error), -EPROTO);
	free(line);
}

static void is_left(void **state)
{
	struct fake_qmp fake;
	struct error error = {0};
	struct qmp qmp;

	(void)state;
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING); /* closes instead of an answer */
	assert_int_equal(qmp_init(&qmp, fake.path, &error), -EPIPE);
	assert_non_null(strstr(error.text, "closed by the VMM"));
	fake_qmp_stop(&fake);

	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE, "{\"ret"); /* stops in the middle of one */
	assert_int_equal(qmp_init(&qmp, fake.path, &error), 0);
	assert_int_equal(qmp_command(&qmp, "a", NULL, NULL, &error), -ETIMEDOUT);
	qmp_deinit(&qmp);
	fake_qmp_stop(&fake);
}

static void hears_nothing(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(greeted_by(FAKE_QMP_SILENCE, &error), -ETIMEDOUT);
	assert_non_null(strstr(error.hint, "one client at a time"));
}

static void finds_nobody(void **state)
{
	char path[200];
	struct error error = {0};
	struct qmp qmp;

	(void)state;
	assert_int_equal(qmp_init(&qmp, "/nonexistent/socket", &error), -ENOENT);
	assert_string_equal(error.hint, "start QEMU with -qmp unix:/nonexistent/socket,server=on,wait=off");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(qmp_init(&qmp, path, &error), -ENAMETOOLONG);
	qmp_deinit(&qmp); /* good for it after an error, too */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(is_refused),
		cmocka_unit_test(hears_nonsense),
		cmocka_unit_test(is_flooded),
		cmocka_unit_test(is_left),
		cmocka_unit_test(hears_nothing),
		cmocka_unit_test(finds_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
