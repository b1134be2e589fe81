/* SPDX-License-Identifier: MIT */
/* What we write, babeltrace2 reads: every field of every kind of event, with not one warning. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"
#include "lib/writer/ctf_metadata.h"
#include "tests/unit/trace_maker.h"

static void babeltrace(const char *path, struct strbuf *out)
{
	char command[512], chunk[4096];
	size_t bytes;
	FILE *pipe;

	snprintf(command, sizeof(command),
		"LC_ALL=C babeltrace2 --no-delta --clock-gmt --clock-seconds '%s' 2>&1", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((bytes = fread(chunk, 1, sizeof(chunk), pipe)))
		strbuf_append(out, chunk, bytes);
	assert_int_equal(pclose(pipe), 0);
}

/* Takes the packet's context, which is printed with every event, out of the lines. */
static void drop_context(struct strbuf *text)
{
	static const char begin[] = "{ cpu_id = 3, current_pid = ", end[] = "reserved = 0 }, ";
	char *from = text->data, *to = text->data, *found;

	while ((found = strstr(from, begin))) {
		memmove(to, from, (size_t)(found - from));
		to += found - from;
		from = strstr(found, end);
		assert_non_null(from);
		from += strlen(end);
	}
	memmove(to, from, strlen(from) + 1);
}

/* TSC to what babeltrace2 prints: see the offset in maker_metadata(). */
static void expect_time(struct strbuf *out, uint64_t tsc)
{
	uint64_t ns = (uint64_t)((unsigned __int128)tsc * 1000000000 / TRACE_MAKER_HZ) + 500000000;

	strbuf_printf(out, "[%" PRIu64 ".%09" PRIu64 "] a \"host\"\\x0a\\x1b ", 1700000000 + ns / 1000000000,
		ns % 1000000000);
}

static void test_every_kind(void **state)
{
	static const struct {
		uint32_t parent, child, tgid;
		char comm[16];
	} fork_payload = {7, 4000000000u, 9, "sixteen_bytes_ab"};
	char *path = maker_directory();
	int dir_fd = open(path, O_DIRECTORY | O_RDONLY);
	cleanup_strbuf struct strbuf got = STRBUF_EMPTY, want = STRBUF_EMPTY;
	struct maker_stream cpu;
	uint64_t tsc = 1000, function = 0xffffffff81234567ull;
	uint8_t marker[4 + 2 + 5] = {42, 0, 0, 0, 5, 0, 'h', 'e', 'l', 'l', 'o'};
	uint8_t raw[9] = {3, 0, 0, 0, 3, 0, 0xff, 0, 0x80};
	uint8_t sys_exit[6], sys_exit_short = 0x80;
	uint16_t nr = 39;
	int32_t ret = -ENOENT;

	(void)state;
	maker_metadata(dir_fd, "vm");
	maker_stream_init(&cpu, dir_fd, 3);
	/* cut the packets at every record boundary in turn */
	for (unsigned cut = 0; cut < 10; cut++) {
		unsigned step = 0;

#define NEXT(delta)                        \
	do {                               \
		if (step++ == cut)         \
			maker_flush(&cpu); \
		tsc += (delta);            \
		expect_time(&want, tsc);   \
	} while (0)
		NEXT(10);
		maker_switch(&cpu, tsc, (1u << 22) - 1, 256, -1);
		strbuf_puts(
			&want, "sched_switch: { next_pid = 4194303, prev_state = 256, next_prio = -1 }\n");
		NEXT(1ull << 26);
		maker_switch(&cpu, tsc, 0, 1023, 120);
		strbuf_puts(&want, "sched_switch: { next_pid = 0, prev_state = 1023, next_prio = 120 }\n");
		NEXT((1ull << 27) - 1); /* the longest step of a short header */
		maker_event(&cpu, MAKER_SYS_ENTER, tsc, &nr, 2);
		strbuf_puts(&want, "sys_enter: { nr = 39 }\n");
		NEXT(1ull << 40);
		memcpy(sys_exit, &ret, 4);
		memcpy(sys_exit + 4, &nr, 2);
		maker_event(&cpu, MAKER_SYS_EXIT, tsc, sys_exit, 6);
		strbuf_puts(&want, "sys_exit: { ret = -2, nr = 39 }\n");
		NEXT(7);
		maker_event(&cpu, MAKER_SYS_EXIT_SHORT, tsc, &sys_exit_short, 1);
		strbuf_puts(&want, "sys_exit: { ret = -128 }\n");
		NEXT(0);
		maker_event(&cpu, MAKER_TIMER, tsc, &function, 8);
		strbuf_puts(&want, "hrtimer_expire_entry: { function = 0xFFFFFFFF81234567 }\n");
		NEXT(5);
		maker_event(&cpu, MAKER_TIMER_EXIT, tsc, NULL, 0);
		strbuf_puts(&want, "hrtimer_expire_exit: { }\n");
		NEXT(5);
		maker_event(&cpu, MAKER_MARKER, tsc, marker, sizeof(marker));
		strbuf_puts(&want, "marker: { pid = 42, text_length = 5, text = \"hello\" }\n");
		/* no empty text here: babeltrace2 2.0.4 shows the text before in its place */
		NEXT(5);
		maker_event(&cpu, MAKER_RAW, tsc, raw, sizeof(raw));
		strbuf_puts(&want,
			"tracepoint: { format = 3, raw_length = 3, raw = [ [0] = 255, [1] = 0, "
			"[2] = 128 ] }\n");
		NEXT(5);
		maker_event(&cpu, MAKER_TASK, tsc, &fork_payload, 28);
		strbuf_puts(&want,
			"sched_process_fork: { parent_pid = 7, child_pid = 4000000000, child_tgid = 9, "
			"child_comm = \"sixteen_bytes_ab\" }\n");
	}
	maker_stream_deinit(&cpu);
	close(dir_fd);
	babeltrace(path, &got);
	drop_context(&got);
	assert_string_equal(got.data, want.data);
	maker_remove(path);
}

static void test_lost_events_are_reported(void **state)
{
	char *path = maker_directory();
	int dir_fd = open(path, O_DIRECTORY | O_RDONLY);
	cleanup_strbuf struct strbuf got = STRBUF_EMPTY;
	struct maker_stream cpu;

	(void)state;
	maker_metadata(dir_fd, "vm");
	maker_stream_init(&cpu, dir_fd, 0);
	maker_switch(&cpu, 100, 1, 0, 0);
	maker_flush(&cpu);
	cpu.lost = 123;
	maker_switch(&cpu, 200, 2, 0, 0);
	maker_stream_deinit(&cpu);
	close(dir_fd);
	babeltrace(path, &got);
	assert_non_null(strstr(got.data, "discarded 123 events"));
	maker_remove(path);
}

static void test_packets_stay_in_order(void **state)
{
	char *path = maker_directory();
	int dir_fd = open(path, O_DIRECTORY | O_RDONLY);
	uint8_t buffer[sizeof(struct ctf_packet_header) + 4 + 16] = {0};
	struct ctf_stream stream;
	struct error error;

	(void)state;
	assert_int_equal(ctf_stream_init(&stream, dir_fd, 7, maker_uuid, &error), 0);
	assert_int_equal(ctf_stream_write(&stream, buffer, 4, 1, 10, 20, 0, 0, &error), 0);
	assert_int_equal(ctf_stream_write(&stream, buffer, 4, 1, 19, 30, 0, 0, &error), -EINVAL);
	assert_string_equal(error.text, "cpu7: a packet goes back in time");
	assert_int_equal(stream.packets, 1);
	assert_int_equal(stream.bytes, 104);
	assert_int_equal(lseek(stream.fd, 0, SEEK_END), 104);
	ctf_stream_deinit(&stream);
	assert_int_equal(ctf_stream_init(&stream, dir_fd, 7, maker_uuid, &error), -EEXIST);
	close(dir_fd);
	maker_remove(path);
}

static void test_full_disk_leaves_whole_packets(void **state)
{
	uint8_t buffer[sizeof(struct ctf_packet_header) + 4 + 16] = {0};
	struct ctf_stream stream = {.fd = open("/dev/full", O_WRONLY)};
	struct error error;

	(void)state;
	assert_int_equal(ctf_stream_write(&stream, buffer, 4, 1, 10, 20, 0, 0, &error), -ENOSPC);
	assert_string_equal(error.text, "cpu0: write: No space left on device");
	assert_int_equal(stream.bytes, 0);
	ctf_stream_deinit(&stream);
}

static void test_schema_refuses(void **state)
{
	struct event_schema *schema = event_schema_create();
	struct event_type *type;
	struct error error;

	(void)state;
	assert_int_equal(event_schema_add_type(schema, 0, "a", &type, &error), -EINVAL);
	assert_int_equal(event_schema_add_type(schema, 1, "a b", &type, &error), -EINVAL);
	assert_int_equal(event_schema_add_type(schema, 1, "a", &type, &error), 0);
	assert_int_equal(event_schema_add_type(schema, 1, "b", NULL, &error), -EEXIST);
	assert_int_equal(event_schema_add_type(schema, 2, "a", NULL, &error), 0); /* another layout */
	assert_int_equal(event_schema_find(schema, "a")->id, 1);
	assert_int_equal(event_type_add_field(type, "x", EVENT_FIELD_UNSIGNED, 0, &error), -EINVAL);
	assert_int_equal(event_type_add_field(type, "x", EVENT_FIELD_UNSIGNED, 3, &error), 0);
	assert_int_equal(event_type_add_field(type, "y", EVENT_FIELD_UNSIGNED, 62, &error), -EINVAL);
	assert_int_equal(event_type_add_field(type, "y", EVENT_FIELD_COMM, 0, &error), -EINVAL);
	assert_int_equal(event_schema_check(schema, &error), -EINVAL);
	assert_int_equal(event_type_add_field(type, "y", EVENT_FIELD_SIGNED, 61, &error), 0);
	assert_int_equal(event_schema_check(schema, &error), 0);
	assert_int_equal(event_type_add_field(type, "t", EVENT_FIELD_TEXT, 0, &error), 0);
	assert_int_equal(event_type_add_field(type, "z", EVENT_FIELD_UNSIGNED, 8, &error), -EINVAL);
	assert_int_equal(type->fixed_bytes, 10);
	event_schema_destroy(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_lost_events_are_reported),
		cmocka_unit_test(test_packets_stay_in_order),
		cmocka_unit_test(test_full_disk_leaves_whole_packets),
		cmocka_unit_test(test_schema_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
