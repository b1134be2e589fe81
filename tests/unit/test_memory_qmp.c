/* SPDX-License-Identifier: MIT */
/* Where a guest's RAM is, by QEMU's own word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/memory/guest_memory.h"
#include "host/memory/memory_mtree.h"
#include "tests/unit/fake_qmp.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

#define VIEW                                                                                       \
	"FlatView #0\r\n AS \"I/O\", root: io\r\n Root memory region: io\r\n"                      \
	"  0000000000000000-0000000000000007 (prio 0, ram): no.ram\r\n\r\n"                        \
	"FlatView #1\r\n AS \"cpu-memory-0\", root: system\r\n AS \"memory\", root: system\r\n"    \
	" Root memory region: system\r\n"                                                          \
	"  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM\r\n"                        \
	"  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem\r\n"                        \
	"  00000000000c0000-00000000000c9fff (prio 0, rom): pc.ram @00000000000c0000 KVM\r\n"      \
	"  00000000000ca000-00000000000cdfff (prio 0, ram): pc.ram @00000000000ca000 KVM\r\n"      \
	"  00000000000ce000-00000000000effff (prio 1, rom): pc.rom\r\n"                            \
	"  0000000000100000-0000000000ffffff (prio 0, ram): pc.ram @0000000000100000 KVM\r\n"      \
	"  00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram KVM\r\n"                      \
	"  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"                            \
	"  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios KVM\r\n"                       \
	"  0000000100000000-0000000100ffffff (prio 0, nv-ram): dimm @0000000000000000 KVM\r\n\r\n" \
	"FlatView #2\r\n"

static void mtree_is_parsed(void **state)
{
	static const struct memory_mtree_range expected[] = {
		{0, 0xa0000, 0, "pc.ram"},
		{0xc0000, 0xe000, 0xc0000, "pc.ram"},
		{MIB, 15 * MIB, MIB, "pc.ram"},
		{4 * GIB, 16 * MIB, 0, "dimm"},
	};
	struct memory_mtree_range ranges[MEMORY_MTREE_RANGES_MAX];
	uint64_t address;

	(void)state;
	assert_int_equal(memory_mtree_parse(VIEW, ranges), 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(ranges[i].physical, expected[i].physical);
		assert_int_equal(ranges[i].bytes, expected[i].bytes);
		assert_int_equal(ranges[i].block_offset, expected[i].block_offset);
		assert_string_equal(ranges[i].block, expected[i].block);
	}
	assert_int_equal(memory_mtree_parse("", ranges), 0);
	assert_int_equal(memory_mtree_parse("unknown command: 'info mtree -f'\r\n", ranges), 0);
	/* backwards */
	assert_int_equal(memory_mtree_parse(" AS \"memory\", root: system\n  1000-1fff (prio 0, ram): a\n"
					    "  0000-0fff (prio 0, ram): a\n",
				 ranges),
		-EINVAL);
	assert_int_equal(memory_mtree_parse_address(
				 "Host virtual address for 0x0 (pc.ram) is 0x7f83f7e00000\r\n", &address),
		0);
	assert_int_equal(address, 0x7f83f7e00000);
	assert_int_equal(
		memory_mtree_parse_address("No memory is mapped at address 0x0\r\n", &address), -EINVAL);
	assert_int_equal(
		memory_mtree_parse_address("Host virtual address for 0x0 (pc.ram) is 0x", &address), -EINVAL);
}

#define QUOTED_VIEW                                                       \
	"{\"return\": \" AS \\\"memory\\\", root: system\\r\\n"           \
	"  0000000000000000-000000000009ffff (prio 0, ram): pc.ram\\r\\n" \
	"  0000000000100000-0000000000ffffff (prio 0, ram): pc.ram @0000000000100000\\r\\n\"}\n"

/* The VMM that QMP speaks for is this test. */
static void qmp_is_believed_after_a_look(void **state)
{
	char *ram = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char low[128], high[128], bytes[16] = "";
	struct guest_memory memory;
	struct error error = {0};
	struct fake_qmp fake;

	(void)state;
	assert_ptr_not_equal(ram, MAP_FAILED);
	strcpy(ram + MIB, "at 1 MiB");
	snprintf(low, sizeof(low), "{\"return\": \"Host virtual address for 0x0 (pc.ram) is %p\\r\\n\"}\n",
		(void *)ram);
	snprintf(high, sizeof(high),
		"{\"return\": \"Host virtual address for 0x100000 (pc.ram) is %p\\r\\n\"}\n",
		(void *)(ram + MIB));
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE, QUOTED_VIEW, low, high);
	assert_int_equal(guest_memory_open_qmp(&memory, fake.path, &error), 0);
	fake_qmp_stop(&fake);
	assert_non_null(strstr(fake.requests[1], "info mtree -f"));
	assert_non_null(strstr(fake.requests[3], "gpa2hva 0x100000"));
	assert_int_equal(memory.pid, getpid());
	assert_int_equal(memory.nr_layouts, 1);
	assert_string_equal(memory.layouts[0].why, "from QMP");
	assert_int_equal(guest_memory_read(&memory, MIB, bytes, 9), 0);
	assert_string_equal(bytes, "at 1 MiB");
	assert_int_equal(guest_memory_read(&memory, MIB - 1, bytes, 9), -EFAULT);
	assert_int_equal(guest_memory_end(&memory), 16 * MIB);
	guest_memory_deinit(&memory);

	/* the second half of it is not there */
	munmap(ram + 8 * MIB, 8 * MIB);
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE, QUOTED_VIEW, low, high);
	assert_int_equal(guest_memory_open_qmp(&memory, fake.path, &error), -EPROTO);
	fake_qmp_stop(&fake);
	assert_non_null(strstr(error.text, "RAM at 0x100000 should be at"));
	assert_int_equal(memory.fd, -1);
	munmap(ram, 8 * MIB);
}

static void qmp_may_fail(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct fake_qmp fake;

	(void)state;
	assert_int_equal(guest_memory_open_qmp(&memory, "/tmp/no such socket", &error), -ENOENT);
	assert_int_equal(memory.fd, -1);
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE);
	assert_int_equal(guest_memory_open_qmp(&memory, fake.path, &error), -EPIPE);
	fake_qmp_stop(&fake);
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE, "{\"return\": 7}\n");
	assert_int_equal(guest_memory_open_qmp(&memory, fake.path, &error), -EPROTO);
	fake_qmp_stop(&fake);
	assert_non_null(strstr(error.text, "no text comes of \"info mtree -f\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mtree_is_parsed),
		cmocka_unit_test(qmp_is_believed_after_a_look),
		cmocka_unit_test(qmp_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
