/* SPDX-License-Identifier: MIT */
/* Regions that are no regions: each one clear error; and one that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/collect/control.h"
#include "host/collect/event_table.h"
#include "host/collect/region.h"

#define REGION_BYTES (1u << 20)

static char path[64];
static struct ht_region *guest; /* as the guest sees it: writable */

static int make_region(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_region.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0 && ftruncate(fd, REGION_BYTES) == 0);
	guest = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	*guest = (struct ht_region){.magic = HT_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.header_bytes = sizeof(*guest),
		.region_bytes = REGION_BYTES,
		.generation = 7,
		.nr_rings = 3,
		.nr_packets = 4,
		.packet_bytes = 4096,
		.rings_offset = HT_HOST_OFFSET + HT_HOST_BYTES,
		.data_offset = HT_HOST_OFFSET + HT_HOST_BYTES + 4096,
		.state = HT_STATE_RUNNING};
	return 0;
}

static int remove_region(void **state)
{
	(void)state;
	munmap(guest, REGION_BYTES);
	return unlink(path);
}

static int check(struct error *error)
{
	struct region_layout layout;
	struct region region;
	int code = region_init(&region, path, error);

	if (!code)
		code = region_check(&region, &layout, error);
	region_deinit(&region);
	return code;
}

static void test_good(void **state)
{
	struct error error = {0};

	(void)state;
	assert_int_equal(check(&error), 0);
	guest->magic = 0;
	assert_int_equal(check(&error), -EAGAIN);
}

static void test_headers_that_cannot_be_true(void **state)
{
	const struct ht_region good = *guest;
	struct error error;

	(void)state;
#define BAD(code, field, value, words)                      \
	do {                                                \
		*guest = good;                              \
		guest->field = (value);                     \
		error = (struct error){0};                  \
		assert_int_equal(check(&error), code);      \
		assert_non_null(strstr(error.text, words)); \
		assert_int_equal(check(NULL), code);        \
	} while (0)
	BAD(-EBADMSG, magic, 0x1234, "no hypertrace header");
	BAD(-EPROTO, abi_version, 99, "version 99");
	BAD(-EBADMSG, header_bytes, 5, "header: 5 bytes");
	BAD(-EBADMSG, nr_rings, 1, "number of rings");
	BAD(-EBADMSG, nr_rings, UINT32_MAX, "number of rings");
	BAD(-EBADMSG, nr_packets, 5, "number of packets");
	BAD(-EBADMSG, nr_packets, 1u << 31, "number of packets");
	BAD(-EBADMSG, packet_bytes, 0, "size of packets");
	BAD(-EBADMSG, packet_bytes, 1u << 20, "place of the packets");
	BAD(-EBADMSG, mode, 2, "mode");
	BAD(-EBADMSG, rings_offset, 0, "place of the rings");
	BAD(-EBADMSG, rings_offset, UINT64_MAX - 7, "place of the rings");
	BAD(-EBADMSG, data_offset, UINT64_MAX - 7, "place of the packets");
	BAD(-EBADMSG, data_offset, REGION_BYTES - 8, "place of the packets");
	BAD(-EBADMSG, data_offset, 0, "place of the packets");
#undef BAD
}

static void test_too_small_and_taken(void **state)
{
	struct region first;
	struct error error = {0};

	(void)state;
	assert_int_equal(region_init(&first, path, &error), 0);
	assert_int_equal(check(&error), -EBUSY);
	region_deinit(&first);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(check(&error), -ENODATA);
	assert_true(error.hint[0] != '\0');
	assert_int_equal(truncate(path, REGION_BYTES), 0);
}

static void test_control(void **state)
{
	struct event_selection events = {0};
	struct control_request request = {.events = &events, .mode = HT_MODE_DISCARD, .symbols = true};
	struct error error = {0};
	struct region region;
	uint32_t seq;

	(void)state;
	assert_int_equal(
		event_selection_parse(&events, "sched,block:block_rq_issue", event_table_choices, &error), 0);
	assert_int_equal(region_init(&region, path, &error), 0);
	seq = control_publish(&region, &request);
	assert_int_equal(region.host->control.seq, region.host->control.seq_end);
	assert_true(region.host->control.events & 1ull << EVENT_ID_sched_switch);
	assert_true(region.host->control.events & 1ull << EVENT_ID_guest_end);
	assert_false(region.host->control.events & 1ull << EVENT_ID_sys_enter);
	assert_string_equal(region.host->control.tracepoints, "block:block_rq_issue\n");
	assert_int_equal(control_done(&region, seq, &error), -EAGAIN);
	guest->control_done = seq;
	assert_int_equal(control_done(&region, seq, &error), 0);
	guest->control_error = -ENOENT;
	strcpy(guest->control_message, "no \033tracepoint");
	assert_int_equal(control_done(&region, seq, &error), -ENOENT);
	assert_null(strchr(error.text, '\033'));
	control_stop(&region);
	assert_true(region.host->control.events == 0 && region.host->control.seq == seq + 1);
	region_deinit(&region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, make_region, remove_region),
		cmocka_unit_test_setup_teardown(test_headers_that_cannot_be_true, make_region, remove_region),
		cmocka_unit_test_setup_teardown(test_too_small_and_taken, make_region, remove_region),
		cmocka_unit_test_setup_teardown(test_control, make_region, remove_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
