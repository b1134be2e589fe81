/* SPDX-License-Identifier: MIT */
/* Where a guest's RAM is: by the mappings of a VMM and its command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/memory/memory_candidates.h"
#include "host/memory/memory_hole.h"
#include "host/memory/memory_layout.h"
#include "host/memory/memory_maps.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

static size_t find(const char *text, struct memory_map *candidates)
{
	struct memory_maps maps;
	struct error error = {0};
	size_t count;

	assert_int_equal(memory_maps_parse(&maps, strdup(text), &error), 0);
	count = memory_candidates_find(&maps, candidates);
	for (size_t i = 0; i < count; i++)
		candidates[i].path = NULL;
	memory_maps_deinit(&maps);
	return count;
}

static void maps_are_parsed(void **state)
{
	const char *text = "55d4226a9000-55d422ab0000 r--p 00001000 fe:10 10977332    /usr/bin/with space\n"
			   "7f83f7e00000-7f8417e00000 rw-s 00000000 00:00 0 \n"
			   "7f8417e00000-7f8417e01000 ---p 00000000 00:00 0\n";
	struct memory_maps maps;
	struct error error = {0};

	(void)state;
	assert_int_equal(memory_maps_parse(&maps, strdup(text), &error), 0);
	assert_int_equal(maps.nr_maps, 3);
	assert_int_equal(maps.maps[0].offset, 0x1000);
	assert_int_equal(maps.maps[0].major, 0xfe);
	assert_int_equal(maps.maps[0].minor, 0x10);
	assert_int_equal(maps.maps[0].inode, 10977332);
	assert_string_equal(maps.maps[0].path, "/usr/bin/with space");
	assert_true(maps.maps[1].is_shared && maps.maps[1].is_writable && !maps.maps[1].is_executable);
	assert_int_equal(maps.maps[1].path_length, 0);
	assert_true(memory_maps_cover(&maps, 0x7f83f7e00000, 512 * MIB));
	assert_false(memory_maps_cover(&maps, 0x7f83f7e00000, 512 * MIB + 1));
	assert_false(memory_maps_cover(&maps, 0x7f83f7dff000, 8192));
	assert_false(memory_maps_cover(&maps, 0x7f83f7e01000, UINT64_MAX));
	memory_maps_deinit(&maps);
	assert_int_equal(memory_maps_parse(&maps, strdup(""), &error), 0);
	assert_int_equal(maps.nr_maps, 0);
	memory_maps_deinit(&maps);
}

static void bad_maps_are_refused(void **state)
{
	static const char *const lines[] = {
		"x\n",
		"\n",
		"1000-2000\n",
		"2000-1000 rw-p 00000000 00:00 0\n",
		"1000-1000 rw-p 00000000 00:00 0\n",
		"1000-2000 rw-q 00000000 00:00 0\n",
		"1000-2000 rw-",
		"1000-2000 rw-p 00000000 0000 0\n",
		"1000-2000 rw-p 00000000 00:00 z\n",
		"11111111111111111-2000 rw-p 00000000 00:00 0\n",
		"1000-2000 rw-p 00000000 00:00 99999999999999999999 /x\n",
		"1000-3000 rw-p 00000000 00:00 0 \n2000-4000 rw-p 00000000 00:00 0 \n",
	};
	struct memory_maps maps;
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(memory_maps_parse(&maps, strdup(lines[i]), &error), -EINVAL);
		assert_null(maps.text);
	}
	assert_string_equal(error.text, "line 2 is no mapping");
}

/* Shortened from a real QEMU with TCG. */
static void finds_ram_among_others(void **state)
{
	struct memory_map candidates[MEMORY_BLOCKS_MAX];

	(void)state;
	assert_int_equal(
		find("55d42348d000-55d433836000 rw-p 00de3000 fe:00 1    /usr/bin/qemu-system-x86_64.so\n"
		     "55d45ba62000-55d46bb07000 rw-p 00000000 00:00 0    [heap]\n"
		     "7f83f0000000-7f83f2a13000 rw-p 00000000 00:00 0 \n"
		     "7f83f2a13000-7f83f4000000 ---p 00000000 00:00 0 \n"
		     "7f83f5e00000-7f83f6e00000 rw-p 00000000 00:00 0 \n"
		     "7f83f6e00000-7f83f6e01000 ---p 00000000 00:00 0 \n"
		     "7f83f7e00000-7f8417e00000 rw-p 00000000 00:00 0 \n"
		     "7f8417e00000-7f8417e01000 ---p 00000000 00:00 0 \n"
		     "7f8420000000-7f8470000000 rwxp 00000000 00:00 0 \n"
		     "7f8470000000-7f8490000000 rw-s 00000000 00:01 9    /memfd:tcg-jit (deleted)\n"
		     "7f8490000000-7f84b0000000 rw-s 00000000 00:01 8    /dev/dri/renderD128\n"
		     "7f84b0000000-7f84b1000000 rw-s 00000000 00:01 7    anon_inode:[io_uring]\n"
		     "7ffd2fa0e000-7ffd4fa2f000 rw-p 00000000 00:00 0    [stack]\n",
			candidates),
		2);
	assert_int_equal(candidates[0].start, 0x7f83f7e00000);
	assert_int_equal(candidates[0].end, 0x7f8417e00000);
	assert_int_equal(candidates[1].start, 0x7f83f5e00000);

	/* a snapshot with the holes of a balloon; what is mapped twice counts once */
	assert_int_equal(find("10000000-14000000 rw-p 00000000 fe:00 5    /snapshot\n"
			      "14000000-14010000 rw-p 00000000 00:00 0 \n"
			      "14010000-20000000 rw-p 04010000 fe:00 5    /snapshot\n"
			      "20000000-20010000 rw-p 00000000 00:00 0 \n"
			      "30000000-34000000 rw-p 00000000 fe:00 5    /snapshot\n",
				 candidates),
		1);
	assert_int_equal(candidates[0].start, 0x10000000);
	assert_int_equal(candidates[0].end, 0x20000000);
	for (const char *const *path = (const char *const[]){"/dev/shm/a", "/dev/hugepages/a", "/dev/dax0.0",
		     "/dev/zero (deleted)", "/memfd:pc.ram (deleted)", "[anon:ram]", "/x.img", NULL};
		*path; path++) {
		char line[128];

		snprintf(line, sizeof(line), "10000000-14000000 rw-s 00000000 00:01 5    %s\n", *path);
		assert_int_equal(find(line, candidates), 1);
	}
}

/* Adds the layouts for these mappings; the first one's ranges are then looked at. */
static void guess(struct guest_memory *memory, const char *text)
{
	struct memory_map candidates[MEMORY_BLOCKS_MAX];
	size_t count = find(text, candidates);

	*memory = GUEST_MEMORY_NONE;
	assert_true(count > 0);
	assert_int_equal(memory_candidates_guess(memory, candidates, count, NULL, 0), 0);
	assert_true(memory->nr_layouts > 0);
	assert_int_equal(memory_layout_places(memory), 0);
}

static void assert_range(
	const struct guest_memory *memory, size_t range, uint64_t physical, uint64_t bytes, uint64_t offset)
{
	assert_true(range < memory->layouts[0].nr_ranges);
	assert_int_equal(memory->layouts[0].ranges[range].physical, physical);
	assert_int_equal(memory->layouts[0].ranges[range].bytes, bytes);
	assert_int_equal(memory->layouts[0].ranges[range].offset, offset);
}

static void orders_mappings(void **state)
{
	struct guest_memory memory;

	(void)state;
	/* crosvm, cloud-hypervisor with shared memory: one file */
	guess(&memory,
		"100000000-140000000 rw-s c0000000 00:01 5    /memfd:ram (deleted)\n"
		"200000000-2c0000000 rw-s 00000000 00:01 5    /memfd:ram (deleted)\n");
	assert_range(&memory, 0, 0, 3 * GIB, 0x200000000);
	assert_range(&memory, 1, 4 * GIB, GIB, 0x100000000);
	assert_int_equal(memory.nr_places, 2);
	guest_memory_deinit(&memory);
	/* firecracker: the lower RAM at the higher address, and the hole is where it ends */
	guess(&memory,
		"100000000-140000000 rw-p 00000000 00:00 0 \n140000000-140001000 ---p 00000000 00:00 0 \n"
		"200000000-2d0000000 rw-p 00000000 00:00 0 \n");
	assert_range(&memory, 0, 0, 0xd0000000, 0x200000000);
	assert_range(&memory, 1, 4 * GIB, GIB, 0x100000000);
	guest_memory_deinit(&memory);
	/* kvmtool: 4 GiB apart */
	guess(&memory,
		"100000000-1d0000000 rw-p 00000000 00:00 0 \n1d0000000-200000000 ---p 00000000 00:00 0 \n"
		"200000000-240000000 rw-p 00000000 00:00 0 \n");
	assert_range(&memory, 0, 0, 0xd0000000, 0x100000000);
	assert_range(&memory, 1, 4 * GIB, GIB, 0x200000000);
	guest_memory_deinit(&memory);
	/* RAM, and a device's memory in a file of about that size */
	guess(&memory,
		"100000000-110000000 rw-s 00000000 00:01 5    /dev/shm/region\n"
		"200000000-240000000 rw-p 00000000 00:00 0 \n");
	assert_range(&memory, 0, 0, GIB, 0x200000000);
	assert_int_equal(memory.layouts[0].nr_ranges, 1);
	assert_true(memory.nr_layouts > 1);
	guest_memory_deinit(&memory);
	/* RAM behind something very much larger */
	guess(&memory,
		"100000000-900000000 rw-s 00000000 00:01 5    /memfd:window\n"
		"a00000000-a20000000 rw-p 00000000 00:00 0 \n");
	assert_string_equal(memory.layouts[memory.nr_layouts - 1].why, "one block, mapping 2 by size");
	assert_int_equal(memory.layouts[memory.nr_layouts - 1].ranges[0].offset, 0xa00000000);
	guest_memory_deinit(&memory);
}

#define HOLE(total, ...) hole((const char *const[]){__VA_ARGS__, NULL}, total)

static uint64_t hole(const char *const *words, uint64_t total)
{
	char line[512];
	size_t bytes = 0;

	for (; *words; words++)
		bytes += (size_t)snprintf(line + bytes, sizeof(line) - bytes, "%s", *words) + 1;
	return memory_hole_guess(line, bytes, total);
}

/* The limits as QEMU 7.2 draws them, see memory_hole.c. */
static void knows_qemu(void **state)
{
	(void)state;
	assert_int_equal(HOLE(0xdfffffff, "qemu-system-x86_64"), 0);
	assert_int_equal(HOLE(0xe0000000, "qemu-system-x86_64"), 3 * GIB);
	assert_int_equal(HOLE(6 * GIB, "/usr/bin/qemu-system-x86_64", "-machine", "pc"), 3 * GIB);
	assert_int_equal(HOLE(0xafffffff, "qemu-kvm", "-M", "q35"), 0);
	assert_int_equal(HOLE(0xb0000000, "qemu-kvm", "-M", "q35"), 2 * GIB);
	assert_int_equal(HOLE(6 * GIB, "qemu-kvm", "--machine", "pc-q35-7.2,usb=off"), 2 * GIB);
	assert_int_equal(HOLE(3 * GIB, "qemu-kvm", "-M", "microvm"), 0);
	assert_int_equal(HOLE(4 * GIB, "qemu-kvm", "-M", "microvm,rtc=on"), 3 * GIB);
	assert_int_equal(HOLE(6 * GIB, "qemu-kvm", "-M", "q35,max-ram-below-4g=1G"), GIB);
	assert_int_equal(HOLE(6 * GIB, "qemu-kvm", "-M", "q35,max-ram-below-4g=3G"), 2 * GIB);
	assert_int_equal(HOLE(2 * GIB, "qemu-kvm", "-M", "pc,max-ram-below-4g=1024M"), GIB);
	assert_int_equal(
		HOLE(6 * GIB, "qemu-kvm", "-M", "q35,max-ram-below-4g=99999999999999999999G"), 2 * GIB);
	/* a name is no machine */
	assert_int_equal(HOLE(6 * GIB, "qemu-kvm", "-name", "q35"), 3 * GIB);
	assert_int_equal(HOLE(6 * GIB, "qemu-kvm", "-M"), 3 * GIB);
	assert_int_equal(HOLE(6 * GIB, "firecracker", "--api-sock", "/x"), 0);
	assert_int_equal(memory_hole_guess(NULL, 0, 6 * GIB), 0);
}

static void ranges_are_tidy(void **state)
{
	struct guest_memory_range ranges[] = {{300, 50, 1300}, {100, 100, 1000}, {200, 50, 1100},
		{150, 100, 5000}, {160, 60, 7777}, {310, 10, 9}, {0, 0, 0}};
	const size_t count = memory_ranges_tidy(ranges, 7, false);

	(void)state;
	/* what began lower keeps its own: 150 is cut, 160, 200 and 310 are hidden */
	assert_int_equal(count, 3);
	assert_int_equal(ranges[0].bytes, 100);
	assert_int_equal(ranges[1].physical, 200);
	assert_int_equal(ranges[1].bytes, 50);
	assert_int_equal(ranges[1].offset, 5050);
	assert_int_equal(ranges[2].offset, 1300);
	assert_ptr_equal(memory_ranges_find(ranges, count, 199, false), &ranges[0]);
	assert_ptr_equal(memory_ranges_find(ranges, count, 249, false), &ranges[1]);
	assert_ptr_equal(memory_ranges_find(ranges, count, 300, false), &ranges[2]);
	assert_null(memory_ranges_find(ranges, count, 250, false));
	assert_null(memory_ranges_find(ranges, count, 99, false));
	assert_null(memory_ranges_find(ranges, count, 350, false));
	assert_null(memory_ranges_find(NULL, 0, 0, false));
	/* neighbours that continue each other are one */
	ranges[0] = (struct guest_memory_range){200, 50, 1100};
	ranges[1] = (struct guest_memory_range){100, 100, 1000};
	assert_int_equal(memory_ranges_tidy(ranges, 2, true), 1);
	assert_int_equal(ranges[0].physical, 100);
	assert_int_equal(ranges[0].bytes, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_parsed),
		cmocka_unit_test(bad_maps_are_refused),
		cmocka_unit_test(finds_ram_among_others),
		cmocka_unit_test(orders_mappings),
		cmocka_unit_test(knows_qemu),
		cmocka_unit_test(ranges_are_tidy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
