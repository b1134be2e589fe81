/* SPDX-License-Identifier: MIT */
/* The finder on RAM files that hold a small kernel, or several, or none. */
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

#include "tests/unit/kernel_fixture.h"

static void found(void **state)
{
	static const uint64_t moves[] = {0, 0x12600000};
	struct kernel_fixture *fixture = *state;

	for (size_t i = 0; i < 8; i++) {
		struct maker_kernel maker = {
			.release = RELEASE,
			.moved = moves[i & 1],
			.physical = i & 1 ? 24 * MIB : 0,
			.five_levels = i & 2,
			.page_offset = i & 1 ? (i & 2 ? 0xff3ad0e900000000 : 0xffff97c880000000) : 0,
			.without_absolute = i & 4,
			.vmcoreinfo = 8 * MIB,
			.task = 9 * MIB,
			.state = MAKER_RUNNING,
		};

		assert_int_equal(ftruncate(fixture->fd, 0), 0);
		maker_kernel_write(fixture->fd, &maker);
		assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
		kernel_fixture_expect(fixture, &maker);
		assert_int_equal(fixture->kernel.page_levels, maker.five_levels ? 5 : 4);
		assert_int_equal(fixture->kernel.page_offset, maker.page_offset);
		assert_false(fixture->kernel.was_cached);
		kernel_fixture_expect_space(fixture, &maker);
	}
}

static int collect(void *context, uint64_t entry)
{
	uint64_t **next = context;

	*(*next)++ = entry;
	return 0;
}

static int stop(void *context, uint64_t entry)
{
	(void)context;
	(void)entry;
	return 7;
}

static void reads(void **state)
{
	struct kernel_fixture *fixture = *state;
	const struct guest_kernel *kernel = &fixture->kernel;
	struct maker_kernel maker = {
		.release = RELEASE, .vmcoreinfo = 8 * MIB, .task = 9 * MIB, .state = MAKER_RUNNING};
	uint64_t value, address, tasks[4], *next = tasks;
	struct error error = {0};
	uint32_t cpus;

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
	assert_int_equal(guest_kernel_cpus(kernel, &cpus, &error), 0);
	assert_int_equal(cpus, 2);
	assert_int_equal(guest_kernel_per_cpu(kernel, "current_task", 1, &address), 0);
	assert_int_equal(address, maker.page_offset + 4 * MIB + 4096 + 0x40);
	assert_int_equal(guest_kernel_per_cpu(kernel, "current_task", 2, &address), -ENOENT);
	assert_int_equal(guest_kernel_per_cpu(kernel, "no_such", 0, &address), -ENOENT);
	assert_int_equal(
		guest_kernel_per_cpu(kernel, "__per_cpu_start", 0, &address), 0); /* its symbol is 0 */

	assert_int_equal(guest_kernel_need_symbol(kernel, "no_such", &address, &error), -ENOENT);
	assert_non_null(strstr(error.text, "no_such"));
	assert_int_equal(guest_kernel_need_symbol(kernel, "init_task", &address, &error), 0);
	assert_int_equal(guest_kernel_walk_list(kernel, address + 8, 8, 10, collect, &next), 0);
	assert_int_equal(next - tasks, 1);
	assert_int_equal(tasks[0], maker.page_offset + maker.task);
	assert_int_equal(guest_kernel_walk_list(kernel, address + 8, 8, 10, stop, NULL), 7);
	assert_int_equal(guest_kernel_walk_list(kernel, address + 8, 8, 0, collect, &next), -ELOOP);
	assert_int_equal(guest_kernel_read_field(kernel, tasks[0], "task_struct", "pid", &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(guest_kernel_read_field(kernel, address, "task_struct", "tasks.prev", &value), 0);
	assert_int_equal(value, tasks[0] + 8);
	assert_int_equal(guest_kernel_read_field(kernel, tasks[0], "task_struct", "comm", &value), -ENOENT);
	assert_int_equal(guest_kernel_read_field(kernel, tasks[0], "task_struct", "none", &value), -ENOENT);

	/* a list that leads back into itself, beside its head */
	value = tasks[0] + 8;
	maker_write(fixture->fd, maker.task + 8, &value, sizeof(value));
	assert_int_equal(guest_kernel_walk_list(kernel, address + 8, 8, 1000, stop, NULL), 7);
	next = tasks;
	assert_int_equal(guest_kernel_walk_list(kernel, address + 8, 8, 4, collect, &next), -ELOOP);
	cpus = 5000;
	maker_write(fixture->fd, maker_kernel_physical(&maker, "nr_cpu_ids"), &cpus, sizeof(cpus));
	assert_int_equal(guest_kernel_cpus(kernel, &cpus, &error), -EINVAL);
}

static void is_refused(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {.release = RELEASE, .vmcoreinfo = 8 * MIB, .without_btf = true};

	assert_int_equal(ftruncate(fixture->fd, 32 * MIB), 0);
	assert_int_equal(kernel_fixture_find(fixture, NULL), -EAGAIN);
	assert_non_null(strstr(fixture->error.text, "no Linux kernel in the memory of /tmp/test-kernel-"));

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), -ENOTSUP);
	assert_non_null(strstr(fixture->error.text, "kernel " RELEASE " has no BTF (CONFIG_DEBUG_INFO_BTF)"));

	maker.without_btf = false;
	maker.without_kallsyms = true;
	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), -ENOTSUP);
	assert_non_null(strstr(fixture->error.text, RELEASE));
	assert_non_null(strstr(fixture->error.text, "symbols"));

	/* the page is there, the image is not */
	maker.without_kallsyms = false;
	maker_kernel_write(fixture->fd, &maker);
	maker_write(fixture->fd, maker_kernel_physical(&maker, "linux_banner"), "Linus", 5);
	assert_int_equal(kernel_fixture_find(fixture, NULL), -EAGAIN);
	assert_non_null(strstr(fixture->error.text, "linux_banner"));
}

static void check(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {.release = RELEASE, .vmcoreinfo = 8 * MIB, .id = 5};
	const uint64_t zero = 0;

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
	assert_string_equal(fixture->kernel.build_id, "0505050505050505050505050505050505050505");
	assert_int_equal(guest_kernel_check(&fixture->kernel), 0);
	assert_false(guest_kernel_has_restarted(&fixture->kernel));
	maker.state = MAKER_RESTART;
	maker_kernel_write(fixture->fd, &maker);
	assert_true(guest_kernel_has_restarted(&fixture->kernel));

	/* the same release, built anew */
	maker.id = 6;
	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(guest_kernel_check(&fixture->kernel), -ESTALE);
	maker.id = 5;
	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(guest_kernel_check(&fixture->kernel), 0);
	maker_write(fixture->fd, maker_kernel_physical(&maker, "phys_base"), "x", 1);
	assert_int_equal(guest_kernel_check(&fixture->kernel), -ESTALE);
	maker_kernel_write(fixture->fd, &maker);
	maker_write(fixture->fd, maker_kernel_physical(&maker, "linux_banner"), &zero, 8);
	assert_int_equal(guest_kernel_check(&fixture->kernel), -ESTALE);
	assert_int_equal(ftruncate(fixture->fd, 0), 0);
	assert_int_equal(guest_kernel_check(&fixture->kernel), -EIO);
}

/* What is left of an earlier kernel is not taken, whichever is found first. */
static void after_a_reboot(void **state)
{
	struct kernel_fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		struct maker_kernel left = {.release = "6.1.0-left",
					    .physical = 26 * MIB,
					    .moved = 4 * MIB,
					    .tables = 12 * MIB,
					    .vmcoreinfo = i ? 9 * MIB : 5 * MIB,
					    .state = MAKER_RUNNING,
					    .seconds = 1000},
				    running = {.release = "6.1.0-runs",
					    .vmcoreinfo = 6 * MIB,
					    .state = MAKER_RUNNING,
					    .seconds = 1001,
					    .moved = 2 * MIB};
		const uint64_t zero = 0;

		assert_int_equal(ftruncate(fixture->fd, 0), 0);
		maker_kernel_write(fixture->fd, &left);
		maker_kernel_write(fixture->fd, &running);
		assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
		kernel_fixture_expect(fixture, &running);

		/* its clock was ahead, but it ended in order */
		left.seconds = 2000;
		left.state = MAKER_RESTART;
		maker_kernel_write(fixture->fd, &left);
		assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
		kernel_fixture_expect(fixture, &running);

		/* or its page tables are gone */
		left.state = MAKER_RUNNING;
		maker_kernel_write(fixture->fd, &left);
		for (uint64_t at = left.tables; at < left.tables + 10 * 4096; at += 8)
			maker_write(fixture->fd, at, &zero, sizeof(zero));
		assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
		kernel_fixture_expect(fixture, &running);

		/* the other only starts */
		maker_kernel_write(fixture->fd, &left);
		running.state = MAKER_BOOTING;
		running.seconds = 0;
		maker_kernel_write(fixture->fd, &running);
		assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
		kernel_fixture_expect(fixture, &running);

		/* nothing else is there: what is overwritten in part is nothing */
		for (uint64_t at = left.tables; at < left.tables + 10 * 4096; at += 8)
			maker_write(fixture->fd, at, &zero, sizeof(zero));
		maker_write(fixture->fd, running.vmcoreinfo, &zero, sizeof(zero));
		assert_int_equal(kernel_fixture_find(fixture, NULL), -EAGAIN);
		assert_non_null(strstr(fixture->error.text, "6.1.0-left is overwritten in part"));
	}
}

/* Found so early that it has no direct map; that comes while we look. */
static void early(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {.release = RELEASE, .vmcoreinfo = 8 * MIB, .is_early = true};
	uint64_t value;

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
	assert_int_equal(fixture->kernel.page_offset, 0);
	assert_int_equal(guest_kernel_read_u64(&fixture->kernel,
				 guest_kernel_symbol(&fixture->kernel, "phys_base"), &value),
		0);
	assert_int_equal(guest_kernel_read_u64(&fixture->kernel, maker.page_offset, &value), -EFAULT);
	maker.is_early = false;
	maker.page_offset = UINT64_C(0xffff97c880000000);
	maker_kernel_write(fixture->fd, &maker);
	kernel_fixture_expect_space(fixture, &maker);
}

/*
 * In all guesses the image is at the same place; where the second task lies, or how much RAM the kernel knows of, tells
 * which is true.
 */
static void in_the_right_layout(void **state)
{
	static const uint64_t holes[] = {2048 * MIB, 3072 * MIB};
	struct kernel_fixture *fixture = *state;

	for (size_t i = 0; i < 4; i++) {
		const uint64_t zero = 0;
		struct maker_kernel maker = {
			.release = RELEASE,
			.vmcoreinfo = 8 * MIB,
			.ram_bytes = 6144 * MIB,
			.hole = holes[i & 1],
			.task = i & 2 ? 0 : 4096 * MIB + 100 * MIB,
			.state = MAKER_RUNNING,
		};

		assert_int_equal(ftruncate(fixture->fd, 0), 0);
		maker_kernel_write(fixture->fd, &maker);
		if (maker.task)
			maker_write(
				fixture->fd, maker_kernel_physical(&maker, "max_pfn"), &zero, sizeof(zero));
		assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
		assert_true(fixture->memory.nr_layouts > 1);
		assert_int_equal(guest_memory_end(&fixture->memory), 6144 * MIB + 4096 * MIB - maker.hole);
		kernel_fixture_expect(fixture, &maker);
	}
}

/* Found before it knew how much RAM there is, the first guess stays, until there is more to go by. */
static void settles(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct maker_kernel maker = {
		.release = RELEASE,
		.vmcoreinfo = 8 * MIB,
		.ram_bytes = 6144 * MIB,
		.hole = 2048 * MIB,
		.is_early = true,
	};
	size_t first;

	maker_kernel_write(fixture->fd, &maker);
	assert_int_equal(kernel_fixture_find(fixture, NULL), 0);
	first = fixture->memory.current;
	assert_int_equal(first, 0);
	assert_false(guest_kernel_settle(&fixture->kernel));
	assert_int_equal(fixture->memory.current, first);
	maker.is_early = false;
	maker.page_offset = UINT64_C(0xffff97c880000000);
	maker.state = MAKER_RUNNING;
	maker_kernel_write(fixture->fd, &maker);
	assert_true(guest_kernel_settle(&fixture->kernel));
	assert_int_equal(guest_memory_end(&fixture->memory), 6144 * MIB + 4096 * MIB - maker.hole);
	kernel_fixture_expect(fixture, &maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(reads, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(is_refused, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(check, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(
			after_a_reboot, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(early, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(
			in_the_right_layout, kernel_fixture_setup, kernel_fixture_teardown),
		cmocka_unit_test_setup_teardown(settles, kernel_fixture_setup, kernel_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
