/* SPDX-License-Identifier: MIT */
/* A guest's memory in a file: raw, an ELF dump, and what is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/memory/guest_memory.h"
#include "tests/unit/dump_maker.h"

#define GIB  (UINT64_C(1) << 30)
#define PAGE ((uint64_t)GUEST_PAGE_BYTES)

static char path[] = "/tmp/test_guest_file.XXXXXX";
static int file = -1;
static struct dump_maker maker;

static int make_file(void **state)
{
	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	file = mkstemp(path);
	return file < 0;
}

static int remove_file(void **state)
{
	(void)state;
	close(file);
	return unlink(path);
}

static void fill(const void *data, size_t bytes)
{
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(pwrite(file, data, bytes, 0), (ssize_t)bytes);
}

/* The file is refused with these words (behind its name), and nothing is left open. */
static void assert_refused(int code, const char *text, const char *hint)
{
	struct guest_memory memory;
	struct error error = {0};

	assert_int_equal(guest_memory_open_file(&memory, path, &error), code);
	assert_memory_equal(error.text, path, strlen(path));
	assert_string_equal(error.text + strlen(path), text);
	if (hint)
		assert_non_null(strstr(error.hint, hint));
	assert_int_equal(memory.fd, -1);
	assert_int_equal(guest_memory_open_file(&memory, path, NULL), code);
}

static void assert_text_at(const struct guest_memory *memory, uint64_t physical, const char *text)
{
	char bytes[32] = "";

	assert_int_equal(guest_memory_read(memory, physical, bytes, strlen(text)), 0);
	assert_string_equal(bytes, text);
}

static void raw_is_read(void **state)
{
	static const char *const whys[] = {"hole from 0xc0000000 on", "hole from 0x80000000 on"};
	static const uint64_t holes[] = {3 * GIB, 2 * GIB};
	struct guest_memory memory;
	struct error error = {0};
	uint64_t cursor = 0, offset;
	char bytes[16];

	(void)state;
	assert_int_equal(ftruncate(file, (off_t)(6 * GIB)), 0);
	assert_int_equal(pwrite(file, "low", 4, 0), 4);
	assert_int_equal(pwrite(file, "at 3 GiB", 9, (off_t)(3 * GIB)), 9);
	assert_int_equal(pwrite(file, "at 2 GiB", 9, (off_t)(2 * GIB)), 9);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_string_equal(memory.name, path);
	assert_int_equal(memory.pid, 0);
	assert_false(guest_memory_has_ended(&memory));
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(memory.layouts[i].why, whys[i]);
		guest_memory_use_layout(&memory, i);
		assert_text_at(&memory, 0, "low");
		assert_text_at(&memory, 4 * GIB, i ? "at 2 GiB" : "at 3 GiB");
		assert_int_equal(guest_memory_read(&memory, holes[i] - 8, bytes, 8), 0);
		assert_int_equal(guest_memory_read(&memory, holes[i] - 8, bytes, 9), -EFAULT);
		assert_int_equal(guest_memory_read(&memory, 4 * GIB - 1, bytes, 2), -EFAULT);
		assert_int_equal(guest_memory_end(&memory), 10 * GIB - holes[i]);
	}
	assert_int_equal(guest_memory_find_page(&memory, "at 3", 4, &cursor, &offset), 1);
	assert_int_equal(offset, 3 * GIB);
	assert_int_equal(guest_memory_find_page(&memory, "at 3", 4, &cursor, &offset), 0);
	guest_memory_deinit(&memory);
}

static void raw_may_shrink(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	uint64_t cursor = 0, offset;
	char bytes[16];

	(void)state;
	assert_int_equal(ftruncate(file, 4 * (off_t)PAGE + 100), 0);
	assert_int_equal(pwrite(file, "end", 3, 4 * (off_t)PAGE + 97), 3);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_string_equal(memory.layouts[0].why, "one block");
	assert_text_at(&memory, 4 * PAGE + 97, "end");
	assert_int_equal(ftruncate(file, (off_t)PAGE), 0);
	assert_int_equal(guest_memory_read(&memory, PAGE - 8, bytes, 8), 0);
	assert_int_equal(guest_memory_read(&memory, PAGE - 8, bytes, 9), -EIO);
	assert_int_equal(guest_memory_find_page(&memory, "end", 3, &cursor, &offset), 0);
	guest_memory_deinit(&memory);
}

static void dump_is_read(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	uint64_t cursor = 0, offset;
	uint8_t *low, *high, *next;
	char bytes[64];

	(void)state;
	dump_maker_init(&maker, 5);
	high = dump_maker_add(&maker, 4 * GIB, 2 * PAGE);
	low = dump_maker_add(&maker, 0, 2 * PAGE);
	dump_maker_add(&maker, 0x100000, 16);
	next = dump_maker_add(&maker, 2 * PAGE, 100); /* continues, elsewhere in the file */
	strcpy((char *)low, "low");
	strcpy((char *)high + PAGE, "needle");
	memcpy(low + 2 * PAGE - 4, "acro", 4);
	strcpy((char *)next, "ss");
	maker.headers[2].p_memsz = GIB; /* zeros that are not in the file */
	fill(maker.bytes, maker.size);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_false(memory.is_live);
	assert_int_equal(memory.nr_layouts, 1);
	assert_string_equal(memory.layouts[0].why, "from the dump");
	assert_int_equal(memory.layouts[0].nr_ranges, 4);
	assert_text_at(&memory, 0, "low");
	assert_text_at(&memory, 2 * PAGE - 4, "across");
	assert_text_at(&memory, 4 * GIB + PAGE, "needle");
	assert_int_equal(guest_memory_read(&memory, 2 * PAGE + 99, bytes, 2), -EFAULT);
	assert_int_equal(guest_memory_end(&memory), 4 * GIB + 2 * PAGE);
	/* at the start of a page of the guest, which is none of the file */
	assert_int_equal(guest_memory_find_page(&memory, "needle", 6, &cursor, &offset), 1);
	assert_int_equal(offset, high + PAGE - maker.bytes);
	assert_int_equal(guest_memory_read_offset(&memory, offset, bytes, 6), 0);
	assert_int_equal(guest_memory_find_page(&memory, "needle", 6, &cursor, &offset), 0);
	cursor = 0;
	assert_int_equal(guest_memory_find_page(&memory, "ss", 2, &cursor, &offset), 1);
	assert_int_equal(offset, next - maker.bytes);
	guest_memory_deinit(&memory);
}

static void dump_has_registers(void **state)
{
	struct guest_memory memory;
	struct error error = {0};

	(void)state;
	dump_maker_init(&maker, 2);
	dump_maker_add(&maker, 0, PAGE);
	fill(maker.bytes, maker.size);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_int_equal(memory.nr_registers, DUMP_MAKER_CPUS);
	for (unsigned cpu = 0; cpu < DUMP_MAKER_CPUS; cpu++) {
		const struct guest_registers *registers = &memory.registers[cpu];

		assert_true(registers->rip == 0xffffffff81000000 + cpu);
		assert_int_equal(registers->rsp, 0x1000 + cpu);
		assert_int_equal(registers->rbp, 0x2000 + cpu);
		assert_int_equal(registers->rflags, 0x246);
		assert_int_equal(registers->cr3, 0x3000 + cpu);
	}
	guest_memory_deinit(&memory);

	/* without QEMU's own notes, as of kdump */
	maker.headers[0].p_filesz -= DUMP_MAKER_CPUS * (12 + 8 + 440);
	fill(maker.bytes, maker.size);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_int_equal(memory.nr_registers, DUMP_MAKER_CPUS);
	assert_true(memory.registers[1].rip == 0xffffffff81000001);
	assert_int_equal(memory.registers[1].rsp, 0x1001);
	assert_int_equal(memory.registers[1].cr3, 0);
	guest_memory_deinit(&memory);
}

/* More program headers than 16 bits count, and most of them of one page each. */
static void dump_may_be_large(void **state)
{
	enum { COUNT = 70000 };
	Elf64_Ehdr header;
	Elf64_Shdr section = {.sh_info = COUNT};
	Elf64_Phdr *headers = calloc(COUNT, sizeof(*headers));
	struct guest_memory memory;
	struct error error = {0};

	(void)state;
	dump_maker_init(&maker, 1);
	header = *maker.header;
	header.e_phnum = PN_XNUM;
	header.e_shoff = sizeof(header);
	header.e_phoff = sizeof(header) + sizeof(section);
	for (size_t i = 0; i < COUNT; i++) /* backwards, with gaps */
		headers[i] = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_paddr = (COUNT - i) * 2 * PAGE,
			.p_offset = (COUNT + i) * PAGE,
			.p_filesz = PAGE,
			.p_memsz = PAGE};
	fill(&header, sizeof(header));
	assert_int_equal(pwrite(file, &section, sizeof(section), sizeof(header)), sizeof(section));
	assert_int_equal(pwrite(file, headers, COUNT * sizeof(*headers), (off_t)header.e_phoff),
		COUNT * sizeof(*headers));
	assert_int_equal(pwrite(file, "first", 5, COUNT * (off_t)PAGE), 5);
	assert_int_equal(ftruncate(file, 2 * COUNT * (off_t)PAGE), 0);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_int_equal(memory.layouts[0].nr_ranges, COUNT);
	assert_text_at(&memory, COUNT * 2 * PAGE, "first");
	assert_int_equal(guest_memory_read(&memory, COUNT * 2 * PAGE - 1, &section, 1), -EFAULT);
	guest_memory_deinit(&memory);
	free(headers);
}

static void overlaps_are_cut(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	uint8_t *first, *second, *inside;

	(void)state;
	dump_maker_init(&maker, 4);
	second = dump_maker_add(&maker, PAGE, 2 * PAGE);
	first = dump_maker_add(&maker, 0, 2 * PAGE);
	inside = dump_maker_add(&maker, PAGE / 2, 16);
	memset(first, '1', 2 * PAGE);
	memset(second, '2', 2 * PAGE);
	memset(inside, '3', 16);
	fill(maker.bytes, maker.size);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_int_equal(memory.layouts[0].nr_ranges, 2);
	assert_text_at(&memory, PAGE / 2, "1111");
	assert_text_at(&memory, 2 * PAGE - 2, "1122");
	assert_int_equal(guest_memory_end(&memory), 3 * PAGE);
	guest_memory_deinit(&memory);
}

static void dump_may_be_cut_off(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	char text[160], bytes[16];
	uint64_t first;

	(void)state;
	dump_maker_init(&maker, 3);
	first = (uint64_t)(dump_maker_add(&maker, 0, 2 * PAGE) - maker.bytes);
	dump_maker_add(&maker, GIB, PAGE);
	fill(maker.bytes, first + PAGE);
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_string_equal(memory.layouts[0].why, "from the dump, which was cut off");
	assert_int_equal(guest_memory_read(&memory, PAGE - 16, bytes, 16), 0);
	assert_int_equal(guest_memory_read(&memory, PAGE - 8, bytes, 16), -EIO);
	assert_int_equal(guest_memory_read(&memory, GIB, bytes, 16), -EIO);
	guest_memory_deinit(&memory);

	fill(maker.bytes, first);
	snprintf(text, sizeof(text), ": cut off: it ends at offset 0x%jx, its first RAM is at 0x%jx",
		(uintmax_t)first, (uintmax_t)first);
	assert_refused(-EINVAL, text, NULL);
	fill(maker.bytes, 100);
	assert_refused(-EINVAL,
		": damaged: program headers at offset 0x40 to 0xe8, but the file ends at 0x64", NULL);
	fill(maker.bytes, 63);
	assert_refused(
		-EINVAL, ": damaged: the ELF header at offset 0x0 to 0x40, but the file ends at 0x3f", NULL);
}

/* One byte of the header, or a field of it, is another. */
#define REFUSED_WITH(change, code, text, hint)    \
	do {                                      \
		dump_maker_init(&maker, 2);       \
		dump_maker_add(&maker, 0, PAGE);  \
		change;                           \
		fill(maker.bytes, maker.size);    \
		assert_refused(code, text, hint); \
	} while (0)

static void bad_dumps_are_refused(void **state)
{
	(void)state;
	REFUSED_WITH(maker.header->e_ident[EI_CLASS] = ELFCLASS32, -EINVAL,
		": a 32-bit ELF file, not the dump of an x86-64 machine", "long mode");
	REFUSED_WITH(maker.header->e_ident[EI_DATA] = ELFDATA2MSB, -EINVAL,
		": a big-endian ELF file, not the dump of an x86-64 machine", NULL);
	REFUSED_WITH(maker.header->e_machine = EM_AARCH64, -EINVAL,
		": an ELF file for machine 183, not the dump of an x86-64 machine (62)", NULL);
	REFUSED_WITH(maker.header->e_type = ET_DYN, -EINVAL, ": an ELF file of type 3, not a core dump (4)",
		"not a program");
	REFUSED_WITH(maker.header->e_phentsize = 55, -EINVAL, ": damaged: program headers of 55 bytes", NULL);
	REFUSED_WITH(maker.header->e_phoff = UINT64_MAX - 7, -EINVAL,
		": damaged: program headers at offset 0xfffffffffffffff8 to 0x68, but the file ends at 0x1710",
		NULL);
	REFUSED_WITH((maker.header->e_phnum = PN_XNUM, maker.header->e_shoff = 1 << 20), -EINVAL,
		": damaged: the first section header at offset 0x100000 to 0x100040, but the file ends at 0x1710",
		NULL);
	REFUSED_WITH(maker.header->e_phnum = 0, -EINVAL, ": an ELF core dump without any memory", "Xen");
	REFUSED_WITH(maker.headers[1].p_filesz = 0, -EINVAL, ": an ELF core dump without any memory", NULL);
	REFUSED_WITH(maker.headers[1].p_paddr = UINT64_MAX, -EINVAL, ": an ELF core dump without any memory",
		NULL);
	REFUSED_WITH(maker.headers[1].p_paddr = UINT64_MAX - 1, -EINVAL,
		": damaged: program header at offset 0x78: 0x1000 bytes at physical address 0xfffffffffffffffe",
		NULL);
	REFUSED_WITH(maker.headers[1].p_filesz = UINT64_MAX, -EINVAL,
		": damaged: program header at offset 0x78: 0xffffffffffffffff bytes at physical address 0x0",
		NULL);
	REFUSED_WITH(maker.headers[1].p_offset = INT64_MAX, -EINVAL,
		": damaged: program header at offset 0x78: 0x1000 bytes at offset 0x7fffffffffffffff of the file",
		NULL);
	REFUSED_WITH(maker.headers[0].p_filesz = 1ull << 40, -EINVAL,
		": damaged: notes of 0x10000000000 bytes at offset 0xb0", NULL);
	REFUSED_WITH(maker.headers[0].p_filesz = 1 << 20, -EINVAL,
		": damaged: notes at offset 0xb0 to 0x1000b0, but the file ends at 0x1710", NULL);
	REFUSED_WITH(memset(maker.bytes + 0xb0, 0xff, 8), -EINVAL,
		": offset 0xb0: a note that is longer than its segment", NULL);
}

static void other_formats_are_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *text, *hint;
	} formats[] = {
		{"KDUMP   \6", 9, ": a dump in kdump's compressed format", "dump-guest-memory without -z"},
		{"makedumpfile\0\0\0\0\1", 17, ": a dump in makedumpfile's flattened format",
			"makedumpfile -R"},
		{"QEVM\0\0\0\3", 8, ": a migration stream of QEMU, as virsh dump writes by default",
			"--memory-only"},
		{"LibvirtQemudSave\2", 17, ": a guest saved by virsh save or virsh dump", "--memory-only"},
		{"\x1f\x8b\x08", 3, ": compressed with gzip", "gzip -d"},
		{"\xfd"
		 "7zXZ\0",
			6, ": compressed with xz", "xz -d"},
		{"\x28\xb5\x2f\xfd", 4, ": compressed with zstd", "zstd -d"},
		{"QFI\xfb\0\0\0\3", 8, ": a disk image (qcow2), which holds no memory", "dump-guest-memory"},
	};
	char bytes[32];

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, formats[i].bytes, formats[i].size);
		fill(bytes, sizeof(bytes));
		assert_refused(-ENOTSUP, formats[i].text, formats[i].hint);
	}
}

static void what_is_no_file_is_refused(void **state)
{
	struct guest_memory memory;
	struct error error = {0};

	(void)state;
	assert_refused(-EINVAL, ": the file is empty", NULL);
	assert_int_equal(unlink(path), 0);
	assert_refused(-ENOENT, ": No such file or directory", NULL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(-EINVAL, ": a pipe, not a file that holds a guest's memory", NULL);
	assert_int_equal(guest_memory_open_file(&memory, "/tmp", &error), -EISDIR);
	assert_string_equal(error.text, "/tmp: Is a directory");
	assert_int_equal(guest_memory_open_file(&memory, "/dev/null", &error), -EINVAL);
	assert_string_equal(error.text, "/dev/null: a device, not a file that holds a guest's memory");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_file, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(raw_is_read),
		TEST(raw_may_shrink),
		TEST(dump_is_read),
		TEST(dump_has_registers),
		TEST(dump_may_be_large),
		TEST(overlaps_are_cut),
		TEST(dump_may_be_cut_off),
		TEST(bad_dumps_are_refused),
		TEST(other_formats_are_named),
		TEST(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
