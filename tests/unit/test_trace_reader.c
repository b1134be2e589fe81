/* SPDX-License-Identifier: MIT */
/* Traces whole, merged, and damaged in every way there is a message for. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/model/ctf_layout.h"
#include "lib/reader/trace_reader.h"
#include "lib/writer/trace_dir.h"
#include "tests/unit/trace_maker.h"

struct fixture {
	char *path;
	int dir_fd;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->path = maker_directory();
	fixture->dir_fd = open(fixture->path, O_DIRECTORY | O_RDONLY);
	maker_metadata(fixture->dir_fd, "vm");
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->dir_fd);
	maker_remove(fixture->path);
	free(fixture);
	return 0;
}

static struct trace *open_trace(const char *path)
{
	struct trace *trace;
	struct error error = {0};

	if (trace_open(&path, 1, &trace, &error))
		fail_msg("%s", error.text);
	return trace;
}

static struct trace_reader *read_all(const struct trace *trace)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;

	assert_int_equal(trace_reader_create(trace, &options, &reader, NULL), 0);
	return reader;
}

static void test_fields_and_pids(void **state)
{
	struct fixture *fixture = *state;
	uint8_t marker[4 + 2 + 5] = {42, 0, 0, 0, 5, 0, 'h', 'e', 'l', 'l', 'o'}, empty[6] = {0};
	uint64_t function = 0xffffffff81234567ull;
	struct maker_stream cpu;
	struct trace_reader *reader;
	struct trace_event event;
	struct trace *trace;
	uint32_t bytes;

	maker_stream_init(&cpu, fixture->dir_fd, 0);
	cpu.pid = 5;
	maker_switch(&cpu, 1000, (1u << 22) - 1, 256, -3);
	maker_event(&cpu, MAKER_TIMER, 1000 + (1u << 27) - 1, &function, 8);
	maker_flush(&cpu);
	cpu.lost = 7;
	maker_event(&cpu, MAKER_MARKER, 1ull << 40, marker, sizeof(marker));
	maker_event(&cpu, MAKER_MARKER, 1ull << 40, empty, sizeof(empty));
	maker_stream_deinit(&cpu);

	trace = open_trace(fixture->path);
	reader = read_all(trace);
	assert_true(trace_reader_next(reader, &event));
	assert_string_equal(event.type->name, "sched_switch");
	assert_int_equal(event.tsc, 1000);
	assert_int_equal(event.pid, 5);
	assert_int_equal(event_field_value(&event.type->fields[0], event.payload), (1u << 22) - 1);
	assert_int_equal(event_field_value(&event.type->fields[1], event.payload), 256);
	assert_int_equal(event_field_signed(&event.type->fields[2], event.payload), -3);
	assert_true(trace_reader_next(reader, &event));
	assert_int_equal(event.pid, (1u << 22) - 1);
	assert_int_equal(event.tsc, 1000 + (1u << 27) - 1);
	assert_int_equal(event_field_value(&event.type->fields[0], event.payload), function);
	assert_true(trace_reader_next(reader, &event));
	assert_int_equal(event.type->id, TRACE_EVENT_LOST);
	assert_int_equal(event_field_value(&event.type->fields[0], event.payload), 7);
	assert_true(trace_reader_next(reader, &event));
	assert_int_equal(event.tsc, 1ull << 40);
	assert_memory_equal(trace_event_text(&event, &event.type->fields[1], &bytes), "hello", 5);
	assert_int_equal(bytes, 5);
	assert_true(trace_reader_next(reader, &event));
	trace_event_text(&event, &event.type->fields[1], &bytes);
	assert_int_equal(bytes, 0);
	for (int i = 0; i < 3; i++)
		assert_false(trace_reader_next(reader, &event));
	assert_int_equal(trace_reader_damage(reader, NULL), 0);
	trace_reader_destroy(reader);
	trace_close(trace);
}

/* A call's function is its address, whatever its layout. */
static void test_code(void **state)
{
	struct fixture *fixture = *state;
	const uint32_t half = 0xc0123456, words = 0xfffffe;
	struct maker_stream cpu;
	struct trace_reader *reader;
	struct trace_event event;
	struct trace *trace;

	maker_stream_init(&cpu, fixture->dir_fd, 0);
	maker_event(&cpu, MAKER_FUNC_ENTRY, 1000, &half, 4);
	maker_event(&cpu, MAKER_FUNC_ENTRY_TEXT, 1001, &words, 3);
	maker_stream_deinit(&cpu);

	trace = open_trace(fixture->path);
	reader = read_all(trace);
	assert_true(trace_reader_next(reader, &event));
	assert_int_equal(event_field_value(&event.type->fields[0], event.payload), 0xffffffffc0123456);
	assert_true(trace_reader_next(reader, &event));
	assert_string_equal(event.type->name, "func_entry");
	assert_int_equal(event_field_value(&event.type->fields[0], event.payload),
		TRACE_MAKER_TEXT + 4 * UINT64_C(0xfffffe));
	trace_reader_destroy(reader);
	trace_close(trace);
}

/* The half of an address was a plain number once. */
static void test_old_code(void **state)
{
	static const char old[] = "integer { size = 32; align = 1; signed = false; base = 16; } _function;",
			  new[] = "code32_t _function;";
	struct fixture *fixture = *state;
	const uint32_t half = 0xc0123456;
	cleanup_free char *good = NULL, *text = NULL;
	struct maker_stream cpu;
	struct trace_reader *reader;
	struct trace_event event;
	struct trace *trace;
	const char *at;
	size_t bytes;
	int length;

	maker_stream_init(&cpu, fixture->dir_fd, 0);
	maker_event(&cpu, MAKER_FUNC_ENTRY, 1000, &half, 4);
	maker_stream_deinit(&cpu);
	assert_int_equal(file_read_small(fixture->dir_fd, "metadata", 1 << 20, &good, &bytes, NULL), 0);
	at = strstr(good, new);
	assert_non_null(at);
	length = asprintf(&text, "%.*s%s%s", (int)(at - good), good, old, at + strlen(new));
	assert_int_equal(file_replace(fixture->dir_fd, "metadata", text, (size_t)length, NULL), 0);

	trace = open_trace(fixture->path);
	reader = read_all(trace);
	assert_true(trace_reader_next(reader, &event));
	assert_int_equal(event_field_value(&event.type->fields[0], event.payload), 0xffffffffc0123456);
	trace_reader_destroy(reader);
	trace_close(trace);
}

static void test_streams_merge_in_order(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 5, 8, 17};
	struct fixture *fixture = *state;
	uint32_t cpus = 0;

	/* one trace that grows by CPUs with different rates, one of them empty */
	for (size_t round = 0; round < sizeof(counts) / sizeof(counts[0]); round++) {
		struct trace_reader *reader;
		struct trace_event event;
		struct trace *trace;
		uint64_t events = 0, last_tsc = 0, sum = 0, expected = 0;
		uint32_t last_cpu = 0;

		for (; cpus < counts[round]; cpus++) {
			struct maker_stream cpu;

			maker_stream_init(&cpu, fixture->dir_fd, cpus);
			for (uint16_t i = 0; i < (cpus == 2 ? 0 : 20000); i++)
				maker_event(
					&cpu, MAKER_SYS_ENTER, 1000 + (uint64_t)i * (cpus % 4 + 1), &i, 2);
			maker_stream_deinit(&cpu);
		}
		trace = open_trace(fixture->path);
		reader = read_all(trace);
		while (trace_reader_next(reader, &event)) {
			assert_true(event.tsc > last_tsc || (event.tsc == last_tsc && event.cpu >= last_cpu));
			last_tsc = event.tsc;
			last_cpu = event.cpu;
			sum += event_field_value(&event.type->fields[0], event.payload);
			events++;
		}
		expected = (uint64_t)(cpus - (cpus > 2)) * 20000;
		assert_int_equal(events, expected);
		assert_int_equal(sum, expected / 20000 * (20000ull * 19999 / 2));
		assert_int_equal(trace_reader_damage(reader, NULL), 0);
		trace_reader_destroy(reader);
		trace_close(trace);
	}
}

/* Two machines whose TSCs have nothing in common, in a trace with a description. */
static void test_machines_merge_by_host_time(void **state)
{
	struct fixture *fixture = *state;
	struct trace_info info = {.realtime_offset_ns = 1000000000000000000, .state = "complete"};
	struct trace_machine_info *machine;
	struct trace_dir dir;
	struct trace_reader *reader;
	struct trace_event event;
	struct trace *trace;
	struct error error;
	char path[256];
	int64_t last_ns = 0;
	unsigned events = 0, changes = 0, last_machine = 2;

	snprintf(path, sizeof(path), "%s/two", fixture->path);
	assert_int_equal(trace_dir_init(&dir, path, &error), 0);
	for (int i = 0; i < 2; i++) {
		int fd = trace_dir_add_machine(&dir, i ? "b" : "a", &error);
		/* b's TSC runs at half the rate of a's, and was set to 5e9 when a's was 0 */
		uint64_t begin = i ? 5000000000ull : 0, step = i ? 1 : 2;
		struct maker_stream cpu;

		assert_true(fd >= 0);
		assert_int_equal(trace_info_add_machine(&info, i ? "b" : "a", &machine, &error), 0);
		for (unsigned p = 0; p < 10; p++)
			trace_machine_info_add_point(machine,
				(struct clock_point){
					begin + p * step * 1000000000, (int64_t)p * 1000000000 + 77, 10});
		maker_metadata(fd, i ? "b" : "a");
		maker_stream_init(&cpu, fd, 0);
		for (uint16_t e = 0; e < 1000; e++)
			maker_event(
				&cpu, MAKER_SYS_ENTER, begin + e * step * 1000 + (unsigned)i * 300, &e, 2);
		maker_stream_deinit(&cpu);
		close(fd);
	}
	assert_int_equal(trace_dir_write_info(&dir, &info, &error), 0);
	trace_dir_deinit(&dir);
	assert_int_equal(trace_dir_init(&dir, path, &error), -EEXIST);
	trace_info_deinit(&info);
	trace_dir_deinit(&dir);

	trace = open_trace(path);
	assert_int_equal(trace->nr_machines, 2);
	assert_int_equal(trace_find_machine(trace, "b", &error), 1);
	assert_int_equal(trace_find_machine(trace, "c", &error), -ENOENT);
	assert_string_equal(error.hint, "it has a, b");
	reader = read_all(trace);
	assert_false(reader->one_clock);
	while (trace_reader_next(reader, &event)) {
		int64_t ns = trace_reader_unix_ns(reader, &event);

		assert_true(ns >= last_ns);
		changes += event.machine != last_machine;
		last_machine = event.machine;
		last_ns = ns;
		events++;
	}
	assert_int_equal(events, 2000);
	assert_int_equal(changes, 2000); /* they alternate */
	assert_in_range(trace_reader_start_ns(reader), 1000000000000000075, 1000000000000000079);
	trace_reader_destroy(reader);
	trace_close(trace);
}

static void test_time_range_skips_packets(void **state)
{
	struct fixture *fixture = *state;
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace_event event;
	struct maker_stream cpu;
	struct trace *trace;
	uint64_t first = 0, last = 0;

	maker_stream_init(&cpu, fixture->dir_fd, 0);
	for (uint16_t i = 0; i < 100; i++) {
		maker_event(&cpu, MAKER_SYS_ENTER, 2500000000ull * (i + 1), &i, 2); /* one a second */
		maker_flush(&cpu);
	}
	maker_stream_deinit(&cpu);
	trace = open_trace(fixture->path);
	options.from_ns = 1700000000500000000 + 20ll * 1000000000 - 10;
	options.to_ns = 1700000000500000000 + 30ll * 1000000000 + 10;
	assert_int_equal(trace_reader_create(trace, &options, &reader, NULL), 0);
	while (trace_reader_next(reader, &event)) {
		last = event_field_value(&event.type->fields[0], event.payload);
		first = first ? first : last;
	}
	assert_int_equal(first, 19);
	assert_int_equal(last, 29);
	trace_reader_destroy(reader);
	trace_close(trace);
}

/* --- damage --- */

/* Three packets of ten events each; `offsets` of the packets in the file. */
static void write_three(struct fixture *fixture, size_t offsets[3])
{
	struct maker_stream cpu;

	maker_stream_init(&cpu, fixture->dir_fd, 0);
	for (int packet = 0; packet < 3; packet++) {
		offsets[packet] = cpu.stream.bytes;
		for (uint16_t i = 0; i < 10; i++)
			maker_event(&cpu, MAKER_SYS_ENTER, 1000u * (unsigned)(packet + 1) + i, &i, 2);
		maker_flush(&cpu);
	}
	maker_stream_deinit(&cpu);
}

static void check_damage(struct fixture *fixture, unsigned events, unsigned damaged, const char *text)
{
	struct trace *trace = open_trace(fixture->path);
	struct trace_reader *reader = read_all(trace);
	struct error error = {0};
	struct trace_event event;
	char expected[512];
	unsigned count = 0;

	while (trace_reader_next(reader, &event))
		count++;
	assert_int_equal(trace_reader_damage(reader, &error), damaged);
	snprintf(expected, sizeof(expected), "%s/cpu0: %s", fixture->path, text);
	assert_string_equal(error.text, expected);
	assert_int_equal(count, events);
	trace_reader_destroy(reader);
	trace_close(trace);
}

static void patch(struct fixture *fixture, size_t offset, const void *data, size_t bytes)
{
	int fd = openat(fixture->dir_fd, "cpu0", O_WRONLY);

	assert_int_equal(pwrite(fd, data, bytes, (off_t)offset), bytes);
	close(fd);
}

static void cut(struct fixture *fixture, off_t bytes)
{
	cleanup_close int fd = openat(fixture->dir_fd, "cpu0", O_WRONLY);

	assert_int_equal(ftruncate(fd, bytes), 0);
}

#define HEADER(field) offsetof(struct ctf_packet_header, field)

static void test_truncated(void **state)
{
	struct fixture *fixture = *state;
	size_t offsets[3];

	write_three(fixture, offsets);
	assert_int_equal(offsets[1], 168);
	cut(fixture, 500);
	check_damage(fixture, 20, 1, "packet at byte 336: the file ends 4 bytes before it does");
	cut(fixture, 340);
	check_damage(fixture, 20, 1, "packet at byte 336: the file ends within its header, after 4 bytes");
}

static void test_bad_headers(void **state)
{
	static const struct {
		size_t offset;
		uint64_t value;
		size_t bytes;
		unsigned events;
		const char *text;
	} cases[] = {
		/* the chain is broken: what follows is not found */
		{HEADER(magic), 0x11223344, 4, 10, "no packet begins here (11223344 in place of c1fc1fc1)"},
		{HEADER(packet_size), 1ull << 60, 8, 10,
			"impossible sizes: 1248 bits of 1152921504606846976"},
		{HEADER(content_size), 168 * 8, 8, 10, "impossible sizes: 1344 bits of 1344"},
		{HEADER(content_size), 0, 8, 10, "impossible sizes: 0 bits of 1344"},
		/* it is not: only this packet is missing */
		{HEADER(uuid), 0, 1, 20, "it belongs to another trace"},
		{HEADER(cpu_id), 3, 4, 20, "it belongs to CPU 3"},
		{HEADER(timestamp_begin), 5000, 8, 20, "impossible times: 5000 to 2009"},
		{HEADER(timestamp_begin), 5, 8, 20, "it begins before the packet before it ends"},
		{HEADER(events), 11, 4, 30, "it holds 1 events fewer than its header says"},
		{HEADER(events), 7, 4, 30, "it holds 3 events more than its header says"},
		{HEADER(timestamp_end), 2005, 8, 30, "an event is later than its end"},
		/* records */
		{88, 31 | 200u << 5, 4, 20, "event id 200 is not in the metadata"},
		{88 + 4, 1, 8, 20, "an event's time is outside its packet's"},
		{88 + 14, 5, 1, 21, "event id 5 is not in the metadata"},
		{88 + 14, 0, 1, 21, "event id 0 is not in the metadata"},
		{HEADER(content_size), (156 - 1) * 8, 8, 29, "it ends within an event"},
		{HEADER(content_size), (88 + 3) * 8, 8, 20, "it ends within an event"},
	};
	struct fixture *fixture = *state;
	size_t offsets[3];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		unlinkat(fixture->dir_fd, "cpu0", 0);
		write_three(fixture, offsets);
		patch(fixture, offsets[1] + cases[i].offset, &cases[i].value, cases[i].bytes);
		snprintf(text, sizeof(text), "packet at byte 168: %s", cases[i].text);
		check_damage(fixture, cases[i].events, 1, text);
	}
}

static void expect_open(const char *path, int code, const char *text)
{
	struct trace *trace;
	struct error error = {0};
	char expected[512];
	int result;

	result = trace_open(&path, 1, &trace, &error);
	snprintf(expected, sizeof(expected), text, path);
	assert_string_equal(error.text, expected);
	assert_int_equal(result, code);
}

static void test_no_trace(void **state)
{
	struct fixture *fixture = *state;
	char path[300];

	expect_open("/nonexistent", -ENOENT, "%s: No such file or directory");
	expect_open("/etc/passwd", -ENOTDIR, "%s: not a trace: a trace is a directory");
	expect_open("/proc/self/fdinfo", -EINVAL,
		"%s: not a trace: there is no hypertrace.json in it, and no metadata");
	snprintf(path, sizeof(path), "%s/sub", fixture->path);
	mkdir(path, 0777);
	file_replace(fixture->dir_fd, "sub/hypertrace.json", "{ \"format\": 99 }", 16, NULL);
	expect_open(path, -ENOTSUP, "%s: hypertrace.json: of format 99, this program reads 1");
	file_replace(fixture->dir_fd, "sub/hypertrace.json", "{ \"form", 7, NULL);
	expect_open(path, -EINVAL, "%s: hypertrace.json: line 1: premature end of input near '\"form'");
	file_replace(fixture->dir_fd, "sub/hypertrace.json", "{ \"format\": 1 }", 15, NULL);
	expect_open(path, -EINVAL, "%s: nothing has been recorded in it");
	file_replace(fixture->dir_fd, "sub/hypertrace.json",
		"{ \"format\": 1, \"machines\": [ { \"name\": \"../..\" } ] }", 52, NULL);
	expect_open(path, -EINVAL,
		"%s: hypertrace.json: machine name: not 1 to 63 characters without a dot in front");
}

/* The metadata with one text in place of another. */
static void test_bad_metadata(void **state)
{
	static const struct {
		const char *from, *to;
		int code;
		const char *text;
	} cases[] = {
		{"/* CTF 1.8 */", "/* CTF 1.9 */", -ENOTSUP, "not the metadata of a hypertrace trace"},
		{"/* CTF 1.8 */", "/* CTF 1.8 */ /*", -EINVAL,
			"line 335: a string or comment that does not end where \"typealias\" was expected"},
		{"major = 1", "major = 2", -EINVAL, "line 10: \"2\" where \"1\" was expected"},
		{"byte_order = le", "byte_order = be", -EINVAL, "line 13: \"be\" where \"le\" was expected"},
		{"text_address = \"0x", "text_address = \"x", -EINVAL, "line 30: not an address"},
		{"code24_t _function", "code25_t _function", -EINVAL,
			"line 332: \"code25_t\" where a field was expected"},
		{"size = 24; align = 1; signed = false; base = 16",
			"size = 24; align = 1; signed = true; base = 16", -EINVAL,
			"line 74: \"true\" where \"false\" was expected"},
		{"uuid = \"01020304", "uuid = \"0102zz04", -EINVAL, "line 12: not a UUID"},
		{"freq = 2500000000", "freq = 0", -EINVAL,
			"line 33: a clock with an impossible rate or offset"},
		{"freq = 2500000000", "freq = 99999999999999999999", -EINVAL,
			"line 36: \"9999999999999999\" where a number in its range was expected"},
		{"size = 22", "size = 65", -EINVAL,
			"line 82: \"65\" where a number in its range was expected"},
		{"size = 22", "size = 21", -EINVAL, "event sched_switch: its 39 bits do not end on a byte"},
		{"_next_pid", "next_pid", -EINVAL,
			"line 82: \"next_pid\" where the name of a field was expected"},
		{"_next_pid", "_prev_state", -EINVAL,
			"line 83: event sched_switch: field prev_state is there twice"},
		{"id = 1;", "id = 2;", -EINVAL, "line 88: event id 2 is taken by sched_switch"},
		{"_text_length;", "_tex_length;", -EINVAL,
			"line 150: the length of field text is called tex_length"},
		{"name = \"sched_switch\"", "name = \"\033[2J\"", -EINVAL, "line 77: event 1 has a bad name"},
		{"name = \"sched_switch\"", "name = \"sched_switch", -EINVAL,
			"line 78: a string or comment that does not end where a text in quotes was expected"},
	};
	struct fixture *fixture = *state;
	cleanup_free char *good = NULL;
	size_t bytes;

	assert_int_equal(file_read_small(fixture->dir_fd, "metadata", 1 << 20, &good, &bytes, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(good, cases[i].from);
		cleanup_free char *bad = NULL;
		char text[256];
		int length;

		assert_non_null(at);
		length = asprintf(
			&bad, "%.*s%s%s", (int)(at - good), good, cases[i].to, at + strlen(cases[i].from));
		file_replace(fixture->dir_fd, "metadata", bad, (size_t)length, NULL);
		snprintf(text, sizeof(text), "%%s: metadata: %s", cases[i].text);
		expect_open(fixture->path, cases[i].code, text);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_fields_and_pids),
		TEST(test_code),
		TEST(test_old_code),
		TEST(test_streams_merge_in_order),
		TEST(test_machines_merge_by_host_time),
		TEST(test_time_range_skips_packets),
		TEST(test_truncated),
		TEST(test_bad_headers),
		TEST(test_no_trace),
		TEST(test_bad_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
