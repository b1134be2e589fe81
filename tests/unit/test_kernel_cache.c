/* SPDX-License-Identifier: MIT */
/* Kernels that are found without VMCOREINFO, by what an earlier find left in the cache. */
#include <dirent.h>
#include <fcntl.h>
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

#include "host/kernel/kernel_cache.h"
#include "tests/unit/kernel_fixture.h"
#include "tests/unit/trace_maker.h"

static size_t count_files(const char *directory)
{
	DIR *stream = opendir(directory);
	size_t count = 0;

	assert_non_null(stream);
	for (struct dirent *item; (item = readdir(stream));)
		count += item->d_name[0] != '.';
	closedir(stream);
	return count;
}

static void cached(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {.release = RELEASE, .vmcoreinfo = 8 * MIB, .id = 0xab};
	char *parent = maker_directory(), directory[128], path[256];
	const uint64_t zero = 0;
	int fd;

	snprintf(directory, sizeof(directory), "%s/made/here", parent);
	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_false(fixture->kernel.was_cached);
	assert_int_equal(count_files(directory), 1);

	/* elsewhere, and without VMCOREINFO */
	assert_int_equal(ftruncate(fixture->fd, 0), 0);
	maker.physical = 18 * MIB;
	maker.moved = 6 * MIB;
	maker.vmcoreinfo = 0;
	maker.five_levels = true;
	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_true(fixture->kernel.was_cached);
	kernel_fixture_expect(fixture, &maker);
	kernel_fixture_expect_space(fixture, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), -EAGAIN);

	/* its first instructions have not run: it does not know where it is */
	maker_write(fixture->fd, maker_kernel_physical(&maker, "phys_base"), &zero, sizeof(zero));
	assert_int_equal(kernel_fixture_find(fixture, directory), -EAGAIN);

	/* a damaged entry is as none, and is written anew */
	maker.vmcoreinfo = 8 * MIB;
	maker_kernel_write(fixture->fd, &maker);
	snprintf(path, sizeof(path), "%s/%s", directory, "abababababababababababababababababababab");
	fd = open(path, O_WRONLY);
	maker_write(fd, 100, "damage", 6);
	close(fd);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_false(fixture->kernel.was_cached);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_true(fixture->kernel.was_cached);
	maker_remove(parent);
}

/* A guest that claimed the build id of another kernel does not keep that from being found. */
static void poisoned(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {
		.release = "6.6.6-false", .vmcoreinfo = 8 * MIB, .id = 1, .without_absolute = true};
	char *directory = maker_directory();

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	maker = (struct maker_kernel){.release = RELEASE, .vmcoreinfo = 8 * MIB, .id = 1, .moved = 2 * MIB};
	assert_int_equal(ftruncate(fixture->fd, 0), 0);
	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_false(fixture->kernel.was_cached);
	kernel_fixture_expect(fixture, &maker);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_true(fixture->kernel.was_cached);
	kernel_fixture_expect(fixture, &maker);
	maker_remove(directory);
}

/* Any byte that is changed makes an entry none. */
static void damaged_entries(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {.release = RELEASE, .vmcoreinfo = 8 * MIB, .id = 0xcd};
	struct kernel_cache_entry entries[KERNEL_CACHE_ENTRIES_MAX];
	char *directory = maker_directory(), path[256], text[4096];
	ssize_t length;
	int fd;

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, directory), 0);
	assert_int_equal(kernel_cache_load(directory, entries), 1);
	assert_string_equal(entries[0].info.release, RELEASE);
	assert_int_equal(entries[0].build_id[7], 0xcd);
	snprintf(path, sizeof(path), "%s/%s", directory, fixture->kernel.build_id);
	fd = open(path, O_RDWR);
	length = read(fd, text, sizeof(text));
	assert_true(length > 100);
	for (ssize_t i = 0; i < length; i++) {
		const char changed = text[i] ^ 1;

		maker_write(fd, (uint64_t)i, &changed, 1);
		assert_int_equal(kernel_cache_load(directory, entries), 0);
		maker_write(fd, (uint64_t)i, &text[i], 1);
	}
	assert_int_equal(kernel_cache_load(directory, entries), 1);
	for (ssize_t i = 0; i < length; i++) {
		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_equal(kernel_cache_load(directory, entries), 0);
		maker_write(fd, 0, text, (size_t)length);
	}
	close(fd);
	assert_int_equal(kernel_cache_load("/no/such/directory", entries), 0);
	maker_remove(directory);
}

static void few_are_kept(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {.release = RELEASE, .vmcoreinfo = 8 * MIB};
	char *directory = maker_directory();

	for (int i = 0; i < 20; i++) {
		maker.id = (uint8_t)(i + 1);
		maker_kernel_write(fixture->fd, &maker);
		assert_int_equal(kernel_fixture_find(fixture, directory), 0);
		/* the first one is used again and again, so it stays */
		maker.id = 1;
		maker_kernel_write(fixture->fd, &maker);
		assert_int_equal(kernel_fixture_find(fixture, directory), 0);
		assert_int_equal(fixture->kernel.was_cached, true);
	}
	assert_int_equal(count_files(directory), 16);
	maker_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cached, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(poisoned, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(
			damaged_entries, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(few_are_kept, kernel_fixture_setup, kernel_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
