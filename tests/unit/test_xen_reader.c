/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/reader/xen_reader.h"
#include "tests/unit/xen_maker.h"

#define WAKE 0x28004u

static const uint32_t words[7] = {1, 2, 3, 4, 5, 6, 7};

static struct xen_reader *open_made(struct xen_maker *maker)
{
	struct xen_reader *reader;
	struct error error = {0};
	int fd = xen_maker_file(maker);

	assert_int_equal(xen_reader_open_fd(fd, "made", &reader, &error), 0);
	/* the descriptor stays ours, and must stay open: the process's end closes it */
	return reader;
}

static struct xen_event next(struct xen_reader *reader)
{
	struct xen_event event;
	struct error error = {0};

	assert_int_equal(xen_reader_next(reader, &event, &error), 1);
	return event;
}

static void assert_end(struct xen_reader *reader)
{
	struct xen_event event;
	struct error error = {0};

	assert_int_equal(xen_reader_next(reader, &event, &error), 0);
	assert_int_equal(xen_reader_next(reader, &event, &error), 0);
}

static void test_order(void **state)
{
	struct xen_maker maker = {0};
	struct xen_reader *reader;
	struct xen_event event;

	(void)state;
	xen_maker_window(&maker, 1);
	xen_maker_event(&maker, 0, XEN_WRAP_BUFFER, 3, words);
	xen_maker_event(&maker, 100, WAKE, 2, words);
	xen_maker_event(&maker, 0, 0x82013, 1, words); /* without a TSC: at 100 */
	xen_maker_event(&maker, 300, WAKE, 2, words);
	xen_maker_window(&maker, 7);
	xen_maker_event(&maker, 50, WAKE, 2, words);
	xen_maker_event(&maker, 200, WAKE, 7, words);
	xen_maker_window(&maker, 3); /* empty */
	xen_maker_window(&maker, 1);
	xen_maker_event(&maker, 301, WAKE, 2, words);
	reader = open_made(&maker);
	event = next(reader);
	assert_int_equal(event.code, XEN_WRAP_BUFFER);
	assert_int_equal(event.tsc, 0);
	assert_false(event.has_tsc);
	event = next(reader);
	assert_int_equal(event.tsc, 50);
	assert_int_equal(event.pcpu, 7);
	assert_int_equal(event.n_extra, 2);
	assert_int_equal(event.extra[1], 2);
	assert_int_equal(event.extra[2], 0); /* not the words of the next record */
	assert_int_equal(next(reader).tsc, 100);
	event = next(reader);
	assert_int_equal(event.code, 0x82013);
	assert_int_equal(event.tsc, 100);
	assert_int_equal(event.pcpu, 1);
	event = next(reader);
	assert_int_equal(event.tsc, 200);
	assert_int_equal(event.extra[6], 7);
	assert_int_equal(next(reader).tsc, 300);
	assert_int_equal(next(reader).tsc, 301);
	assert_end(reader);
	assert_int_equal(xen_reader_counts(reader)->events, 7);
	assert_int_equal(xen_reader_counts(reader)->wrapped, 1);
	assert_int_equal(xen_reader_counts(reader)->without_tsc, 2);
	assert_int_equal(xen_reader_counts(reader)->windows, 4);
	assert_int_equal(xen_counts_skipped(xen_reader_counts(reader)), 0);
	/* and all of it again */
	assert_int_equal(xen_reader_rewind(reader, NULL), 0);
	assert_int_equal(next(reader).code, XEN_WRAP_BUFFER);
	assert_int_equal(xen_reader_counts(reader)->events, 1);
	xen_reader_close(reader);
	xen_maker_deinit(&maker);
}

/* More pCPUs than any other reader takes, more windows than are kept track of at once, and a pCPU that comes late. */
static void test_many(void **state)
{
	enum { PCPUS = 600, ROUNDS = 50, EVENTS = 3 };
	struct xen_maker maker = {0};
	struct xen_reader *reader;
	uint64_t last = 0, count = 0;
	struct xen_event event;
	int result;

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++)
		for (uint32_t pcpu = 0; pcpu < PCPUS; pcpu++) {
			if (pcpu == PCPUS - 1 && round < ROUNDS / 2)
				continue;
			xen_maker_window(&maker, pcpu * 20);
			for (uint64_t i = 0; i < EVENTS; i++)
				xen_maker_event(&maker, 1 + round * 1000000 + i * 1000 + (pcpu * 7919) % 997,
					WAKE, 2, words);
		}
	reader = open_made(&maker);
	while ((result = xen_reader_next(reader, &event, NULL)) > 0) {
		assert_true(event.tsc >= last);
		last = event.tsc;
		count++;
	}
	assert_int_equal(result, 0);
	assert_int_equal(count, EVENTS * (PCPUS * ROUNDS - ROUNDS / 2));
	assert_int_equal(xen_reader_counts(reader)->pcpus, PCPUS);
	assert_int_equal(xen_reader_counts(reader)->late, 0);
	xen_reader_close(reader);
	xen_maker_deinit(&maker);
}

static void test_lost(void **state)
{
	const uint32_t lost[4] = {12, 3u << 16 | 2, 150, 0}; /* count, vcpu and domain, first TSC */
	struct xen_maker maker = {0};
	struct xen_reader *reader;
	struct xen_event event;

	(void)state;
	xen_maker_window(&maker, 0);
	xen_maker_event(&maker, 100, WAKE, 2, words);
	xen_maker_event(&maker, 300, XEN_LOST_RECORDS, 4, lost);
	xen_maker_window(&maker, 1);
	xen_maker_event(&maker, 200, WAKE, 2, words);
	reader = open_made(&maker);
	assert_int_equal(next(reader).tsc, 100);
	event = next(reader);
	assert_int_equal(event.code, XEN_LOST_RECORDS);
	assert_int_equal(event.tsc, 300);
	assert_int_equal(event.order_tsc, 150);
	assert_int_equal(next(reader).tsc, 200);
	assert_end(reader);
	assert_int_equal(xen_reader_counts(reader)->lost, 12);
	assert_int_equal(xen_reader_counts(reader)->lost_records, 1);
	xen_reader_close(reader);
	xen_maker_deinit(&maker);
}

/* One TSC out of row changes nothing for the others; a clock that was set back is followed. */
static void test_tsc(void **state)
{
	const uint64_t base = 1ull << 40;
	struct xen_maker maker = {0};
	struct xen_reader *reader;
	struct xen_event event;

	(void)state;
	xen_maker_window(&maker, 0);
	xen_maker_event(&maker, base + 10, WAKE, 2, words);
	xen_maker_event(&maker, UINT64_MAX, WAKE, 2, words);
	xen_maker_event(&maker, base + 30, WAKE, 2, words);
	xen_maker_event(&maker, 5, WAKE, 2, words);
	xen_maker_event(&maker, base + 50, WAKE, 2, words);
	xen_maker_window(&maker, 1);
	xen_maker_event(&maker, base + 20, WAKE, 2, words);
	xen_maker_event(&maker, base + 40, WAKE, 2, words);
	xen_maker_event(&maker, 70, WAKE, 2, words);
	xen_maker_event(&maker, 80, WAKE, 2, words);
	reader = open_made(&maker);
	assert_int_equal(next(reader).tsc, base + 10);
	event = next(reader);
	assert_true(event.tsc == UINT64_MAX);
	assert_int_equal(event.order_tsc, base + 10);
	assert_int_equal(next(reader).tsc, base + 20);
	assert_int_equal(next(reader).tsc, base + 30);
	assert_int_equal(next(reader).tsc, 5);
	assert_int_equal(next(reader).tsc, base + 40);
	assert_int_equal(next(reader).tsc, 70);
	assert_int_equal(next(reader).tsc, 80);
	assert_int_equal(next(reader).tsc, base + 50);
	assert_end(reader);
	assert_int_equal(xen_reader_counts(reader)->odd_tsc, 2);
	assert_int_equal(xen_reader_counts(reader)->set_back, 1);
	xen_reader_close(reader);
	xen_maker_deinit(&maker);
}

static void *write_pipe(void *context)
{
	struct xen_maker *maker = context;

	file_write_all((int)maker->window, maker->data, maker->bytes, NULL);
	close((int)maker->window);
	return NULL;
}

static void test_pipe(void **state)
{
	struct xen_maker maker = {0};
	struct xen_reader *reader;
	struct error error = {0};
	pthread_t writer;
	int ends[2];

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		xen_maker_window(&maker, i % 4);
		xen_maker_event(&maker, i + 1, WAKE, 2, words);
	}
	close(xen_maker_file(&maker));
	assert_int_equal(pipe(ends), 0);
	maker.window = (size_t)ends[1];
	assert_int_equal(pthread_create(&writer, NULL, write_pipe, &maker), 0);
	assert_int_equal(xen_reader_open_fd(ends[0], "pipe", &reader, &error), 0);
	pthread_join(writer, NULL);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(next(reader).tsc, i + 1);
	assert_end(reader);
	xen_reader_close(reader);
	close(ends[0]);
	xen_maker_deinit(&maker);
}

static void test_errors(void **state)
{
	struct xen_maker maker = {0};
	struct xen_reader *reader;
	struct xen_event event;
	struct error error = {0};
	int fd, result;

	(void)state;
	assert_int_equal(xen_reader_open("/nonexistent/xen", &reader, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/xen"));
	assert_null(reader);
	assert_int_equal(xen_reader_open("/", &reader, &error), -EISDIR);
	assert_int_equal(xen_reader_open("/dev/null", &reader, &error), -ENODATA);
	assert_int_equal(xen_reader_open("/nonexistent/xen", &reader, NULL), -ENOENT);
	xen_reader_close(NULL);
	/* a file that becomes shorter while it is read */
	for (uint32_t i = 0; i < 20000; i++) {
		if (i % 5000 == 0)
			xen_maker_window(&maker, i / 5000);
		xen_maker_event(&maker, i + 1, WAKE, 2, words);
	}
	fd = xen_maker_file(&maker);
	assert_int_equal(xen_reader_open_fd(fd, "short", &reader, &error), 0);
	assert_int_equal(ftruncate(fd, 100000), 0);
	while ((result = xen_reader_next(reader, &event, &error)) > 0)
		continue;
	assert_int_equal(result, -EIO);
	assert_non_null(strstr(error.text, "short: changed while it was read"));
	assert_true(xen_reader_next(reader, &event, &error) < 0);
	xen_reader_close(reader);
	close(fd);
	xen_maker_deinit(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_tsc),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
