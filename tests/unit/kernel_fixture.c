/* SPDX-License-Identifier: MIT */
#include "tests/unit/kernel_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

int kernel_fixture_setup(void **state)
{
	struct kernel_fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->path, "/tmp/test-kernel-XXXXXX");
	fixture->fd = mkstemp(fixture->path);
	fixture->memory = GUEST_MEMORY_NONE;
	*state = fixture;
	return fixture->fd < 0;
}

int kernel_fixture_teardown(void **state)
{
	struct kernel_fixture *fixture = *state;

	guest_kernel_deinit(&fixture->kernel);
	guest_memory_deinit(&fixture->memory);
	close(fixture->fd);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

int kernel_fixture_find(struct kernel_fixture *fixture, const char *cache)
{
	guest_kernel_deinit(&fixture->kernel);
	guest_memory_deinit(&fixture->memory);
	fixture->error = (struct error){0};
	assert_int_equal(guest_memory_open_file(&fixture->memory, fixture->path, &fixture->error), 0);
	return guest_kernel_init(&fixture->kernel, &fixture->memory, cache, &fixture->error);
}

void kernel_fixture_expect(const struct kernel_fixture *fixture, const struct maker_kernel *maker)
{
	const struct guest_kernel *kernel = &fixture->kernel;

	assert_string_equal(kernel->release, maker->release);
	assert_int_equal(kernel->text, maker_kernel_symbol(maker, "_text"));
	assert_int_equal(kernel->kaslr_offset, maker->moved);
	assert_int_equal(kernel->phys_base + (kernel->text - 0xffffffff80000000), maker->physical);
	assert_int_equal(guest_kernel_symbol(kernel, "init_task"), maker_kernel_symbol(maker, "init_task"));
	assert_int_equal(guest_kernel_check(kernel), 0);
}

void kernel_fixture_expect_space(const struct kernel_fixture *fixture, const struct maker_kernel *maker)
{
	const struct guest_kernel *kernel = &fixture->kernel;
	const uint64_t vmalloc = maker_kernel_vmalloc(maker);
	uint64_t physical, bytes, value;
	char text[64];

	assert_int_equal(guest_kernel_read_text(kernel, vmalloc, text, sizeof(text)), 0);
	assert_string_equal(text, MAKER_VMALLOC_TEXT);
	assert_int_equal(guest_kernel_translate(kernel, vmalloc + 0x123, &physical, &bytes), 0);
	assert_int_equal(bytes, 4096 - 0x123);
	assert_int_equal(physical % 4096, 0x123);
	assert_int_equal(guest_kernel_read_u64(kernel, maker->page_offset + physical - 0x123, &value), 0);
	assert_memory_equal(&value, MAKER_VMALLOC_TEXT, sizeof(value));
	/* over the end of the page, where nothing is; not canonical; user space */
	assert_int_equal(guest_kernel_read_u64(kernel, vmalloc + 4092, &value), -EFAULT);
	assert_int_equal(guest_kernel_read_u64(
				 kernel, vmalloc & (UINT64_MAX >> (maker->five_levels ? 7 : 16)), &value),
		-EFAULT);
	assert_int_equal(guest_kernel_read_u64(kernel, 0x1000, &value), -EFAULT);
	assert_int_equal(guest_kernel_read_u64(kernel, UINT64_MAX - 3, &value), -EFAULT);
	/* behind the end of RAM */
	assert_int_equal(
		guest_kernel_read_u64(kernel, maker->page_offset + maker->ram_bytes - 4, &value), -EFAULT);
	/* a text is cut to its place */
	assert_int_equal(guest_kernel_read_text(kernel, vmalloc, text, 5), 0);
	assert_string_equal(text, "in a");
}
