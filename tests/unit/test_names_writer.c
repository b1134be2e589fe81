/* SPDX-License-Identifier: MIT */
/* Names as a guest sends them, also one that means harm: what then stands in the files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"
#include "host/collect/names_writer.h"
#include "lib/base/file.h"
#include "lib/model/names.h"
#include "tests/unit/trace_maker.h"

static char *directory;
static int machine_fd;
static struct event_schema *schema;
static struct names_writer writer;

static int set_up(void **state)
{
	(void)state;
	directory = maker_directory();
	machine_fd = open(directory, O_RDONLY | O_DIRECTORY);
	mkdirat(machine_fd, "names", 0777);
	mkdirat(machine_fd, "names/formats", 0777);
	schema = event_table_schema(EVENT_TABLE_NAMES, NULL);
	return names_writer_init(&writer, machine_fd, schema, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	names_writer_deinit(&writer);
	event_schema_destroy(schema);
	close(machine_fd);
	maker_remove(directory);
	return 0;
}

/* One record, as ring_walk() lets it pass. */
static void take(uint32_t id, const void *payload, uint32_t bytes)
{
	uint8_t *buffer = calloc(1, RING_HEADROOM_BYTES + HT_LONG_HEADER_BYTES + bytes + RING_TAIL_BYTES);
	const uint32_t head = HT_ID_LONG | id << HT_ID_BITS;
	const struct ring_packet packet = {
		.buffer = buffer, .bytes = HT_LONG_HEADER_BYTES + bytes, .events = 1};

	memcpy(buffer + RING_HEADROOM_BYTES, &head, sizeof(head));
	memcpy(buffer + RING_HEADROOM_BYTES + HT_LONG_HEADER_BYTES, payload, bytes);
	assert_int_equal(names_writer_packet(&writer, &packet), 0);
	free(buffer);
}

static void take_task(uint32_t pid, uint32_t tgid, const char comm[16])
{
	uint8_t payload[24] = {0};

	memcpy(payload, &pid, 4);
	memcpy(payload + 4, &tgid, 4);
	memcpy(payload + 8, comm, 16);
	take(EVENT_ID_task_name, payload, sizeof(payload));
}

static void take_text(uint32_t id, uint64_t number, const char *text, size_t length)
{
	const size_t number_bytes = id == EVENT_ID_symbol ? 8 : 4;
	uint8_t *payload = malloc(number_bytes + 2 + length);
	const uint16_t bytes = (uint16_t)length;

	memcpy(payload, &number, number_bytes);
	memcpy(payload + number_bytes, &bytes, 2);
	memcpy(payload + number_bytes + 2, text, length);
	take(id, payload, (uint32_t)(number_bytes + 2 + length));
	free(payload);
}

static void expect(const char *name, const char *want)
{
	char text[8192] = "";
	int fd;
	ssize_t bytes;

	names_writer_flush(&writer);
	fd = openat(machine_fd, name, O_RDONLY);
	assert_true(fd >= 0);
	bytes = read(fd, text, sizeof(text) - 1);
	assert_true(bytes >= 0);
	close(fd);
	assert_string_equal(text, want);
}

static void writes(void **state)
{
	struct names names = {0};
	struct error error = {0};

	(void)state;
	take_task(7, 5, "bash\0\0\0\0\0\0\0\0\0\0\0");
	take_text(EVENT_ID_irq_name, 4, "ttyS0", 5);
	take_text(EVENT_ID_symbol, 0xffffffff81000000, "_stext", 6);
	take_text(EVENT_ID_event_format, 300, "name: x\n\tfield\n", 15);
	expect("names/tasks", "7 5 bash\n");
	expect("names/irqs", "4 ttyS0\n");
	expect("names/symbols", "ffffffff81000000 t _stext\n");
	expect("names/formats/300", "name: x\n\tfield\n");
	assert_int_equal(writer.dropped, 0);
	/* and the reader takes it */
	assert_int_equal(names_load(&names, machine_fd, NAMES_ALL, &error), 0);
	assert_string_equal(names_task(&names, 7)->comm, "bash");
	names_deinit(&names);
}

static void is_not_fooled(void **state)
{
	char longest[65535];

	(void)state;
	take_task(1, 1, "a\n2 2 root\033[2J!!"); /* 16 bytes, no NUL */
	take_task(UINT32_MAX, 0, "\0hidden\0\0\0\0\0\0\0\0");
	expect("names/tasks", "1 1 a\\n2 2 root\\x1b[2J!!\n4294967295 0 \n");
	take_text(EVENT_ID_irq_name, 1, "../../etc/passwd\0\xff", 18);
	expect("names/irqs", "1 ../../etc/passwd\\x00\\xff\n");
	memset(longest, '\n', sizeof(longest));
	take_text(EVENT_ID_symbol, 0, longest, sizeof(longest)); /* cut */
	names_writer_flush(&writer);
	assert_true(writer.symbols_bytes < 4096);
	take_text(EVENT_ID_event_format, 1, "\033[2J\r\n\x7f", 7);
	expect("names/formats/1", "?[2J?\n?");
}

static void is_bounded(void **state)
{
	struct stat status;

	(void)state;
	writer.irqs_bytes = NAMES_BYTES_MAX - 8;
	take_text(EVENT_ID_irq_name, 1, "short", 5);
	take_text(EVENT_ID_irq_name, 2, "more", 4);
	assert_int_equal(writer.dropped, 1);
	expect("names/irqs", "1 short\n");
	for (uint32_t i = 0; i < NAMES_FORMATS_MAX + 3; i++)
		take_text(EVENT_ID_event_format, i, "", 0);
	assert_int_equal(writer.formats, NAMES_FORMATS_MAX);
	assert_int_equal(writer.dropped, 4);
	assert_int_equal(fstatat(machine_fd, "names/formats/4095", &status, 0), 0);
	assert_int_equal(fstatat(machine_fd, "names/formats/4096", &status, 0), -1);
}

static void needs_its_directory(void **state)
{
	struct names_writer other;
	struct error error = {0};

	(void)state;
	unlinkat(machine_fd, "names/formats", AT_REMOVEDIR);
	assert_int_equal(names_writer_init(&other, machine_fd, schema, &error), -ENOENT);
	assert_non_null(strstr(error.text, "names/formats"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_not_fooled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(needs_its_directory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
