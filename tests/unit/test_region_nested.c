/* SPDX-License-Identifier: MIT */
/* Regions that a guest passes on: what may be believed of them, where they lie, how many, and under which names. */
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
#include "host/collect/recorder_nested.h"

#define MIB          (1u << 20)
#define REGION_BYTES (16 * MIB)
#define OWN_BYTES    (4 * MIB)

static char path[64];
static uint8_t *memory; /* as the guest sees it: writable */

static void write_header(void *at, uint64_t own_bytes, uint32_t parts)
{
	*(struct ht_region *)at = (struct ht_region){.magic = HT_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.header_bytes = sizeof(struct ht_region),
		.region_bytes = own_bytes,
		.nested_parts = parts,
		.generation = 7,
		.nr_rings = 3,
		.nr_packets = 4,
		.packet_bytes = 4096,
		.rings_offset = HT_HOST_OFFSET + HT_HOST_BYTES,
		.data_offset = HT_HOST_OFFSET + HT_HOST_BYTES + 4096,
		.state = HT_STATE_RUNNING};
}

static int make_region(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_region_nested.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0 && ftruncate(fd, REGION_BYTES) == 0);
	memory = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	write_header(memory, OWN_BYTES, 3);
	return 0;
}

static int remove_region(void **state)
{
	(void)state;
	munmap(memory, REGION_BYTES);
	return unlink(path);
}

static uint32_t parts_of_region(void)
{
	struct region_layout layout;
	struct region region;

	assert_int_equal(region_init(&region, path, NULL), 0);
	assert_int_equal(region_check(&region, &layout, NULL), 0);
	region_deinit(&region);
	return layout.nested_parts;
}

/* The guest's own rings stay good, whatever it says of parts. */
static void test_parts_that_cannot_be_true(void **state)
{
	static const struct {
		uint64_t own_bytes;
		uint32_t parts;
	} bad[] = {{OWN_BYTES, 0}, {OWN_BYTES, 9}, {OWN_BYTES, UINT32_MAX}, {OWN_BYTES, 4}, {OWN_BYTES, 5},
		{OWN_BYTES + 4096, 1}, {0, 1}, {4096, 1}, {REGION_BYTES, 1}, {REGION_BYTES + 2 * MIB, 1},
		{UINT64_MAX, 1}, {UINT64_MAX - 2 * MIB + 1, 8}};
	struct ht_region *header = (struct ht_region *)memory;

	(void)state;
	assert_int_equal(parts_of_region(), 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_header(memory, bad[i].own_bytes, bad[i].parts);
		assert_int_equal(parts_of_region(), 0);
	}
	/* an older module's header ends before that word */
	write_header(memory, OWN_BYTES, 3);
	header->header_bytes = offsetof(struct ht_region, nested_parts);
	assert_int_equal(parts_of_region(), 0);
}

static void test_a_part_is_a_region(void **state)
{
	struct region region, part, inner;
	struct region_layout layout, part_layout;
	uint8_t *at = memory + OWN_BYTES + 4 * MIB; /* part 1 of 3 */

	(void)state;
	assert_int_equal(region_init(&region, path, NULL), 0);
	assert_int_equal(region_check(&region, &layout, NULL), 0);
	assert_int_equal(layout.nested_offset, OWN_BYTES);
	assert_int_equal(layout.nested_bytes, 4 * MIB);
	assert_int_equal(region_init_part(&part, &region, &layout, 1, NULL), 0);
	region_deinit(&region);
	/* the lock is held as long as one of them lives */
	assert_int_equal(region_init(&region, path, NULL), -EBUSY);
	region_deinit(&region);

	assert_int_equal(part.layer, 2);
	assert_int_equal(region_check(&part, &part_layout, NULL), -EAGAIN);
	write_header(at, 2 * MIB, 1);
	assert_int_equal(region_check(&part, &part_layout, NULL), 0);
	control_heartbeat(&part, true);
	assert_int_equal(((struct ht_host *)(at + HT_HOST_OFFSET))->attached, 1);
	assert_false(region_is_detached(&part));

	/* and so on, one layer deeper */
	assert_int_equal(region_init_part(&inner, &part, &part_layout, 0, NULL), 0);
	assert_int_equal(inner.layer, 3);
	write_header(at + 2 * MIB, 2 * MIB, 0);
	assert_int_equal(region_check(&inner, &layout, NULL), 0);
	assert_int_equal(layout.nested_parts, 0);
	region_deinit(&inner);
	region_deinit(&part);
}

static void test_ask(void **state)
{
	const struct ht_host *host = (struct ht_host *)(memory + HT_HOST_OFFSET);
	struct error error = {0};

	(void)state;
	assert_int_equal(region_ask_nested(path, 4 * MIB, 3, &error), 0);
	assert_true(host->magic == HT_HOST_MAGIC && host->nested_mib == 4 && host->nested_parts == 3);
	assert_int_equal(region_ask_nested(path, 4 * MIB, 4, &error), -EINVAL); /* nothing would be left */
	assert_non_null(strstr(error.hint, "--region-size"));
	assert_int_equal(region_ask_nested(path, 3 * MIB, 1, &error), -EINVAL);
	assert_int_equal(region_ask_nested(path, 0, 1, &error), -EINVAL);
	assert_int_equal(region_ask_nested(path, UINT64_MAX - 2 * MIB + 1, 1, &error), -EINVAL);
	assert_int_equal(region_ask_nested(path, 2 * MIB, 0, &error), -EINVAL);
	assert_int_equal(region_ask_nested(path, 2 * MIB, 9, &error), -EINVAL);
	assert_int_equal(region_ask_nested("/nonexistent/region", 2 * MIB, 1, &error), -ENOENT);
}

/* A guest that divides its region anew all the time gets no more than a few machines. */
static void test_names_are_bounded(void **state)
{
	struct region_layout layout = {
		.nested_parts = 2, .nested_offset = OWN_BYTES, .nested_bytes = 2 * MIB};
	struct recorder_nested nested = {0};
	uint32_t index, count = 0;
	char name[48];

	(void)state;
	assert_true(recorder_nested_next(&nested, &layout, 1, "vm1", &index, name, sizeof(name)));
	assert_string_equal(name, "vm1.l2");
	assert_int_equal(index, 0);
	assert_true(recorder_nested_next(&nested, &layout, 1, "vm1", &index, name, sizeof(name)));
	assert_string_equal(name, "vm1.l2-2");
	assert_int_equal(index, 1);
	assert_false(recorder_nested_next(&nested, &layout, 1, "vm1", &index, name, sizeof(name)));
	for (unsigned i = 0; i < 1000; i++) {
		layout.nested_offset += HT_NESTED_ALIGN;
		count += recorder_nested_next(&nested, &layout, 1, "vm1", &index, name, sizeof(name));
	}
	assert_in_range(count, 1, 20);
	nested = (struct recorder_nested){0};
	assert_false(recorder_nested_next(&nested, &layout, 5, "vm1", &index, name, sizeof(name)));
	assert_false(recorder_nested_next(&nested, &layout, 1, "vm1", &index, name, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parts_that_cannot_be_true, make_region, remove_region),
		cmocka_unit_test_setup_teardown(test_a_part_is_a_region, make_region, remove_region),
		cmocka_unit_test_setup_teardown(test_ask, make_region, remove_region),
		cmocka_unit_test(test_names_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
