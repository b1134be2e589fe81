/* SPDX-License-Identifier: MIT */
/* The relay between a guest's ports and ours, and the log of lines that listens to it. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "host/vm/line_log.h"
#include "host/vm/relay.h"

/* Sends `bytes` through the relay; what arrives is left in `out`. Returns its length. */
static size_t pass(struct relay *relay, const char *bytes, size_t count, char *out, size_t size)
{
	int in[2], far[2];
	size_t used = 0;
	ssize_t got;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(far), 0);
	fcntl(far[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(write(in[1], bytes, count), (ssize_t)count);
	close(in[1]);
	relay->from = in[0];
	if (relay->to != -1)
		relay->to = far[1];
	while (relay_busy(relay)) {
		struct pollfd wait;

		relay_prepare(relay, &wait);
		assert_int_equal(poll(&wait, 1, 1000), 1);
		relay_serve(relay, &wait);
		while ((got = read(far[0], out + used, size - used)) > 0)
			used += (size_t)got;
	}
	close(in[0]);
	close(far[0]);
	close(far[1]);
	return used;
}

static void copies(void **state)
{
	static char bytes[30000], out[40000];
	struct relay relay = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 256);
	assert_int_equal(pass(&relay, bytes, sizeof(bytes), out, sizeof(out)), sizeof(bytes));
	assert_memory_equal(out, bytes, sizeof(bytes));
}

static void quotes(void **state)
{
	struct relay relay = {.quote = true, .line_start = true};
	char out[64];

	(void)state;
	assert_int_equal(pass(&relay, "a\004\n", 3, out, sizeof(out)), 5);
	assert_memory_equal(out, "a\026\004\n\004", 5);

	relay = (struct relay){.quote = true, .line_start = true};
	assert_int_equal(pass(&relay, "ab", 2, out, sizeof(out)), 4);
	assert_memory_equal(out, "ab\004\004", 4); /* the first ends the line, the second the input */

	relay = (struct relay){.quote = true, .line_start = true};
	assert_int_equal(pass(&relay, "", 0, out, sizeof(out)), 1);
	assert_memory_equal(out, "\004", 1);
}

static void add_lines(void *context, const char *bytes, size_t count)
{
	line_log_add(context, bytes, count);
}

static void taps(void **state)
{
	struct line_log log = {0};
	struct relay relay = {.to = -1, .strip_cr = true, .tap = add_lines, .context = &log};
	char out[64];

	(void)state;
	assert_int_equal(pass(&relay, "one\r\n\r\ntw\033o\r\n", 13, out, sizeof(out)), 0);
	assert_string_equal(line_log_recent(&log, 0), "tw?o");
	assert_string_equal(line_log_recent(&log, 1), "one");
	assert_string_equal(line_log_recent(&log, 2), "");
}

static void ends_with_its_reader(void **state)
{
	int in[2], out[2];
	struct relay relay = {0};
	struct pollfd wait;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(in) | pipe(out), 0);
	assert_int_equal(write(in[1], "x", 1), 1);
	close(out[0]);
	relay.from = in[0];
	relay.to = out[1];
	for (int i = 0; i < 2; i++) {
		relay_prepare(&relay, &wait);
		assert_int_equal(poll(&wait, 1, 1000), 1);
		relay_serve(&relay, &wait);
	}
	assert_true(relay.broken && !relay_busy(&relay));
	close(in[0]);
	close(in[1]);
	close(out[1]);
}

static void long_lines(void **state)
{
	struct line_log log = {0};
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	line_log_add(&log, text, sizeof(text));
	assert_string_equal(line_log_recent(&log, 0), "");
	line_log_add(&log, "\n", 1);
	assert_int_equal(strlen(line_log_recent(&log, 0)), LINE_LOG_LINE_BYTES - 1);
	for (int i = 0; i < 3 * LINE_LOG_LINES; i++)
		line_log_add(&log, "y\n", 2);
	for (size_t back = 0; back < LINE_LOG_LINES - 1; back++)
		assert_string_equal(line_log_recent(&log, back), "y");
	assert_string_equal(line_log_recent(&log, LINE_LOG_LINES - 1), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies),
		cmocka_unit_test(quotes),
		cmocka_unit_test(taps),
		cmocka_unit_test(ends_with_its_reader),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
