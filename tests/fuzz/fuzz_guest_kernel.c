/* SPDX-License-Identifier: MIT */
/*
 * The finder on a whole RAM image, of which an input changes some places: those that the finder reads. The image is that
 * of the environment variable HYPERTRACE_IMAGE (raw RAM of a real guest), or else one with the small kernel of the unit
 * tests. It is copied once and put back after every input.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/kernel/guest_kernel.h"
#include "host/kernel/vmcoreinfo.h"
#include "lib/base/file.h"
#include "tests/unit/kernel_maker.h"

#define IMAGE_BYTES_MAX (UINT64_C(8) << 30)
#define CHANGES_MAX     16
#define SECONDS_MAX     60 /* for one input, on a slow machine under a sanitizer */
#define PLACES_MAX      64

const char fuzz_name[] = "guest_kernel";

/* An input is an array of these. */
struct change {
	uint8_t place, kind; /* kind: which of the values, or that of the input */
	uint16_t value;
	uint32_t at; /* in the place */
};

/* A part of the image that is read: offsets in the file. */
struct place {
	uint64_t offset, bytes;
};

static int image = -1;
static char path[64];
static struct place places[PLACES_MAX];
static size_t nr_places;

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const struct change seeds[][3] = {
		{{0, 0, 0x30, 40}},
		{{1, 1, 0, 0}, {2, 2, 0, 8}},
		{{3, 3, 7, 100}, {4, 9, 0xffff, 200}, {5, 9, 3, 300}},
		{{6, 9, 0x1003, 8}, {7, 9, 0x63, 0}, {8, 9, 1, 16}},
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return sizeof(seeds[index]);
}

static void die(const char *what)
{
	fprintf(stderr, "fuzz_guest_kernel: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Data only: most of a guest's memory was never touched. */
static void copy_image(const char *from)
{
	static uint8_t buffer[1 << 20];
	const int source = open(from, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (source < 0 || fstat(source, &status) || (uint64_t)status.st_size > IMAGE_BYTES_MAX ||
		ftruncate(image, status.st_size))
		die(from);
	for (off_t at = 0, end; (at = lseek(source, at, SEEK_DATA)) >= 0; at = end) {
		end = lseek(source, at, SEEK_HOLE);
		for (off_t done = at; done < end;) {
			const size_t part =
				end - done < (off_t)sizeof(buffer) ? (size_t)(end - done) : sizeof(buffer);

			if (file_read_at(source, buffer, part, done) != (ssize_t)part)
				die(from);
			maker_write(image, (uint64_t)done, buffer, part);
			done += (off_t)part;
		}
	}
	close(source);
}

static void add_place(uint64_t offset, uint64_t bytes)
{
	if (nr_places < PLACES_MAX && bytes)
		places[nr_places++] = (struct place){offset, bytes};
}

/* Where a kernel address is in the file. */
static void add_address(const struct guest_kernel *kernel, uint64_t address, uint64_t bytes)
{
	const struct guest_memory_layout *layout = &kernel->memory->layouts[kernel->memory->current];
	uint64_t physical, there;

	if (!address || guest_kernel_translate(kernel, address, &physical, &there))
		return;
	for (size_t i = 0; i < layout->nr_ranges; i++)
		if (physical - layout->ranges[i].physical < layout->ranges[i].bytes)
			add_place(physical - layout->ranges[i].physical + layout->ranges[i].offset, bytes);
}

static void add_places(const struct guest_kernel *kernel, const struct vmcoreinfo *info)
{
	static const char *const variables[] = {"linux_banner", "page_offset_base", "max_pfn_mapped",
		"max_pfn", "phys_base", "jiffies_64", "system_state", "nr_cpu_ids", "__pgtable_l5_enabled",
		"__per_cpu_offset", "shadow_timekeeper", "init_task", "__start_notes"};
	const uint64_t btf = guest_kernel_symbol(kernel, "__start_BTF");
	/* the address and length of tables; once more their beginning, where a change tells most */
	const struct place tables[] = {
		{info->num_syms, 4},
		{info->relative_base, 8},
		{info->token_index, 512},
		{info->token_table, 1024},
		{info->names, 4096},
		{info->names, kernel->symbols.text_bytes / 2},
		{info->offsets, kernel->symbols.count * 4},
		{btf, 24},
		{btf, kernel->types.bytes},
		{info->swapper_pg_dir, 4096},
		{kernel->text, 64},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		add_address(kernel, tables[i].offset, tables[i].bytes);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		add_address(kernel, guest_kernel_symbol(kernel, variables[i]), 64);
	/* page tables of the direct map, as far as they lie in it */
	for (uint64_t slot = 0; slot < 512 && nr_places < PLACES_MAX; slot++) {
		uint64_t entry;

		if (!guest_kernel_read_u64(kernel, info->swapper_pg_dir + 8 * slot, &entry) && entry & 1)
			add_address(
				kernel, kernel->page_offset + (entry & UINT64_C(0x000ffffffffff000)), 4096);
	}
}

static void set_up(void)
{
	const char *from = getenv("HYPERTRACE_IMAGE");
	struct maker_kernel maker = {.release = "6.1.0-fuzz",
		.vmcoreinfo = UINT64_C(8) << 20,
		.moved = UINT64_C(4) << 20,
		.task = UINT64_C(9) << 20,
		.state = MAKER_RUNNING};
	struct guest_memory memory;
	struct guest_kernel kernel = {0};
	struct vmcoreinfo info;
	struct error error = {0};
	char page[VMCOREINFO_BYTES_MAX];
	uint64_t cursor = 0, offset;

	image = memfd_create("image", MFD_CLOEXEC);
	if (image < 0)
		die("memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
	if (from)
		copy_image(from);
	else
		maker_kernel_write(image, &maker);
	if (guest_memory_open_file(&memory, path, &error) ||
		guest_kernel_init(&kernel, &memory, NULL, &error)) {
		fprintf(stderr, "fuzz_guest_kernel: %s: %s\n", from ? from : "the image that was made",
			error.text);
		exit(2);
	}
	while (guest_memory_find_page(
		       &memory, VMCOREINFO_PREFIX, strlen(VMCOREINFO_PREFIX), &cursor, &offset) > 0)
		if (!guest_memory_read_offset(&memory, offset, page, sizeof(page)) &&
			!vmcoreinfo_parse(&info, page, sizeof(page), NULL) &&
			info.phys_base == kernel.phys_base) {
			add_place(offset, strnlen(page, sizeof(page)));
			add_places(&kernel, &info);
			break;
		}
	guest_kernel_deinit(&kernel);
	guest_memory_deinit(&memory);
	if (!nr_places)
		abort();
}

/* Writes the change; `old` is what was there. Returns how many bytes. */
static size_t apply(const struct change *change, uint64_t *offset, uint64_t *old)
{
	static const uint64_t values[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0xffffffff, UINT64_MAX, UINT64_C(0x8000000000000000)};
	const size_t nr_values = sizeof(values) / sizeof(values[0]);
	const struct place *place = &places[change->place % nr_places];
	const uint64_t value = change->kind < nr_values ? values[change->kind] : change->value;
	size_t bytes = (size_t)1 << (change->kind / 16 % 4);

	*offset = place->offset + change->at % place->bytes;
	if (bytes > place->bytes)
		bytes = 1;
	*offset -= *offset % bytes;
	if (file_read_at(image, old, bytes, (off_t)*offset) != (ssize_t)bytes)
		return 0;
	maker_write(image, *offset, &value, bytes);
	return bytes;
}

static int visit(void *context, uint64_t entry)
{
	const struct guest_kernel *kernel = context;
	char comm[16];

	guest_kernel_read_text(kernel, entry, comm, sizeof(comm));
	return 0;
}

static void use(const struct guest_kernel *kernel)
{
	struct error error = {0};
	struct kernel_field field;
	uint64_t address, value;
	uint32_t cpus;

	guest_kernel_check(kernel);
	guest_kernel_has_restarted(kernel);
	if (!guest_kernel_cpus(kernel, &cpus, &error) && (!cpus || cpus > KERNEL_CPUS_MAX))
		abort();
	if (!guest_kernel_per_cpu(kernel, "current_task", 0, &address))
		guest_kernel_read_field(kernel, address, "task_struct", "pid", &value);
	address = guest_kernel_symbol(kernel, "init_task");
	if (!kernel_types_field(&kernel->types, "task_struct", "tasks", &field))
		guest_kernel_walk_list(
			kernel, address + field.byte_offset, field.byte_offset, 1000, visit, (void *)kernel);
	for (uint64_t at = kernel->page_offset; at && at < kernel->page_offset + (UINT64_C(1) << 32);
		at += UINT64_C(1) << 27)
		guest_kernel_read_u64(kernel, at - 4, &value);
	guest_kernel_read_u64(kernel, UINT64_C(0xffffc90012345ffc), &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct change changes[CHANGES_MAX];
	uint64_t offsets[CHANGES_MAX], old[CHANGES_MAX];
	size_t bytes[CHANGES_MAX], count = size / sizeof(changes[0]);
	struct guest_memory memory;
	struct guest_kernel kernel = {0};
	struct error error = {0};
	const time_t begin = time(NULL);
	int code;

	if (image < 0)
		set_up();
	if (count > CHANGES_MAX)
		count = CHANGES_MAX;
	memcpy(changes, data, count * sizeof(changes[0]));
	for (size_t i = 0; i < count; i++)
		bytes[i] = apply(&changes[i], &offsets[i], &old[i]);
	if (guest_memory_open_file(&memory, path, &error))
		abort();
	code = guest_kernel_init(&kernel, &memory, NULL, &error);
	if (!code)
		use(&kernel);
	else if (!error.text[0] || kernel.symbols.symbols || kernel.btf)
		abort();
	guest_kernel_deinit(&kernel);
	guest_memory_deinit(&memory);
	for (size_t i = count; i--;)
		maker_write(image, offsets[i], &old[i], bytes[i]);
	if (time(NULL) - begin > SECONDS_MAX)
		abort();
	return 0;
}
