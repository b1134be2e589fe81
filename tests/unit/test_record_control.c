/* SPDX-License-Identifier: MIT */
/* Lines of wishes, as they come by the FIFO, and what the guest's control page says after them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "host/collect/event_table.h"
#include "tests/unit/trace_maker.h"
#include "tools/hypertrace/record_control.h"

#define REGION_BYTES (1u << 20)

struct fixture {
	char *directory, fifo[256], said[4096];
	struct recorder_options options;
	struct recorder *recorder;
	struct record_control control;
	const struct ht_control *page; /* what a guest would see */
	int writer;
};

static void note(void *context, const char *text)
{
	struct fixture *f = context;

	snprintf(f->said, sizeof(f->said), "%s", text);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	static char trace[256];
	char region[256];
	int fd;

	f->directory = maker_directory();
	snprintf(trace, sizeof(trace), "%s/trace", f->directory);
	snprintf(region, sizeof(region), "%s/region", f->directory);
	snprintf(f->fifo, sizeof(f->fifo), "%s/wishes", f->directory);
	fd = open(region, O_RDWR | O_CREAT, 0600);
	assert_return_code(ftruncate(fd, REGION_BYTES), errno);
	f->page = &(
		(const struct ht_host *)mmap(NULL, HT_HOST_BYTES, PROT_READ, MAP_SHARED, fd, HT_HOST_OFFSET))
			   ->control;
	close(fd);
	f->options =
		(struct recorder_options){.output = trace, .events = "sched", .notice = note, .context = f};
	assert_int_equal(recorder_create(&f->recorder, &f->options, NULL), 0);
	assert_int_equal(recorder_add_guest(f->recorder, region, NULL, 0, NULL), 0);
	assert_int_equal(record_control_open(&f->control, f->fifo, &f->options, NULL), 0);
	f->writer = open(f->fifo, O_WRONLY | O_NONBLOCK);
	assert_return_code(f->writer, errno);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	record_control_close(&f->control);
	assert_int_equal(access(f->fifo, F_OK), -1);
	close(f->writer);
	recorder_destroy(f->recorder);
	munmap((void *)((uintptr_t)f->page & ~UINT64_C(4095)), HT_HOST_BYTES);
	maker_remove(f->directory);
	free(f);
	return 0;
}

/* Sends a text, and has it read. */
static bool tell(struct fixture *f, const char *text)
{
	f->said[0] = '\0';
	assert_int_equal(write(f->writer, text, strlen(text)), (ssize_t)strlen(text));
	return record_control_poll(&f->control, f->recorder);
}

static bool asks_for(const struct fixture *f, uint32_t event)
{
	return f->page->events >> event & 1;
}

static void lines_are_wishes(void **state)
{
	struct fixture *f = *state;
	uint32_t seq = f->page->seq;

	assert_true(asks_for(f, EVENT_ID_sched_waking));
	assert_false(tell(f, "-e irq -f comm==nginx -F 'vfs_*' --probe entry\n"));
	assert_string_equal(f->said, "");
	assert_int_equal(f->page->seq, seq + 1);
	assert_false(asks_for(f, EVENT_ID_sched_waking));
	assert_true(asks_for(f, EVENT_ID_irq_handler_entry));
	assert_string_equal(f->page->comms[0], "nginx");
	assert_memory_equal(f->page->functions, "vfs_*\n", 6);
	assert_int_equal(f->page->function_probe, HT_FUNCTION_ENTRY);
	/* whole: what a line does not say is not wanted */
	assert_false(tell(f, "-e sched\n"));
	assert_int_equal(f->page->nr_comms, 0);
	assert_string_equal(f->page->functions, "");
	/* in pieces; two at once; none at all */
	seq = f->page->seq;
	assert_false(tell(f, "-e ir"));
	assert_int_equal(f->page->seq, seq);
	assert_false(tell(f, "q\n\n   \n-e timers\n"));
	assert_int_equal(f->page->seq, seq + 2);
	assert_true(asks_for(f, EVENT_ID_timer_expire_entry));
	assert_true(tell(f, "stop\n"));
}

static void mistakes_change_nothing(void **state)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
		{"-e nothing\n", "unknown event 'nothing'"},
		{"-e sched -o elsewhere\n", "unknown option -o"},
		{"-F 'vfs_*\n", "a quote that does not end"},
		{"-F vfs_read --depth x\n", "--depth"},
		{"now\n", "'now' is one word too many"},
		{"--help\n", "unknown option --help"},
		{"-e \033[2J\n", "\\x1b[2J"},
	};
	struct fixture *f = *state;
	const struct ht_control before = *f->page;
	char *line = calloc(1, RECORD_CONTROL_LINE_MAX + 64);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(tell(f, cases[i].line));
		assert_memory_equal(f->said, f->fifo, strlen(f->fifo));
		if (!strstr(f->said, cases[i].said))
			fail_msg("%s where %s was expected", f->said, cases[i].said);
	}
	assert_memory_equal(f->page, &before, sizeof(before));
	memset(line, 'x', RECORD_CONTROL_LINE_MAX + 8);
	strcat(line, "\n-e irq\n");
	tell(f, line);
	while (asks_for(f, EVENT_ID_sched_waking))
		assert_false(record_control_poll(&f->control, f->recorder));
	assert_non_null(strstr(f->said, "a line is too long"));
	free(line);
}

static void words_are_a_shells(void **state)
{
	char line[] = "  -F 'a b'\"c\\\"d\" \\'e '' f\t", many[] = "a b c", open_quote[] = "a 'b c";
	char *words[8];

	(void)state;
	assert_int_equal(record_control_split(line, words, 8), 5);
	assert_string_equal(words[0], "-F");
	assert_string_equal(words[1], "a bc\"d");
	assert_string_equal(words[2], "'e");
	assert_string_equal(words[3], "");
	assert_string_equal(words[4], "f");
	assert_int_equal(record_control_split(many, words, 2), -E2BIG);
	assert_int_equal(record_control_split(open_quote, words, 8), -EINVAL);
}

static void only_a_fifo(void **state)
{
	struct fixture *f = *state;
	struct record_control control;
	struct error error = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/region", f->directory);
	assert_int_equal(record_control_open(&control, path, &f->options, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no FIFO"));
	record_control_close(&control);
	assert_int_equal(access(path, F_OK), 0);
	/* one that was there stays */
	assert_int_equal(record_control_open(&control, f->fifo, &f->options, &error), 0);
	record_control_close(&control);
	assert_int_equal(access(f->fifo, F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lines_are_wishes),
		TEST(mistakes_change_nothing),
		cmocka_unit_test(words_are_a_shells),
		TEST(only_a_fifo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
