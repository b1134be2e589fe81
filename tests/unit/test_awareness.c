/* SPDX-License-Identifier: MIT */
/* The pages that tell a guest of its vCPUs: a process that looks like a VMM, a region in a file, and who reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/collect/awareness.h"
#include "host/vmm/vcpu_thread.h"
#include "lib/base/clock_now.h"

#define REGION_BYTES (1u << 20)
#define STEP_NS      20000000u
#define LATER_NS     1000000000ull /* whatever a look has cost, the next one is due */

static const struct region_layout layout = {.rings_offset = HT_VCPUS_OFFSET + 2 * HT_PAGE_BYTES,
	.data_offset = HT_VCPUS_OFFSET + 3 * HT_PAGE_BYTES,
	.nr_rings = 3,
	.nr_packets = 4,
	.packet_bytes = 4096};

/* A process named like QEMU, whose only thread is named like its first vCPU's, and works all the time. */
static pid_t start_vmm(const char *thread)
{
	char script[256];
	int ready[2];
	pid_t pid;
	char byte;

	snprintf(script, sizeof(script), "printf '%s' >/proc/$$/comm; echo >&%d; while :; do :; done", thread,
		9);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where an assertion ends us */
		dup2(ready[1], 9);
		execl("/bin/sh", "qemu-system-x86_64", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_vmm(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void make_region(struct region *region)
{
	char path[] = "/tmp/test_awareness.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, REGION_BYTES), 0);
	close(fd);
	assert_int_equal(region_init(region, path, NULL), 0);
	unlink(path);
}

static const struct ht_vcpu *page(const struct region *region, unsigned vcpu)
{
	return (const struct ht_vcpu *)(region->base + HT_VCPUS_OFFSET + vcpu * HT_PAGE_BYTES);
}

static void wait_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

static void pages_are_kept(void **state)
{
	struct vcpu_exits *exits = vcpu_exits_create();
	struct collector_record record = {
		.type = COLLECTOR_EXIT, .flags = 2 | COLLECTOR_HALTED, .time_ns = 77, .value = 0x81};
	struct awareness *awareness;
	struct region region;
	struct ht_vcpu first;
	pid_t vmm = start_vmm("CPU 0/TCG");
	uint64_t before_ns;

	(void)state;
	make_region(&region);
	assert_int_equal(awareness_create(&awareness, &region, &layout, vmm, NULL), 0);
	assert_int_equal(page(&region, 0)->magic, 0);
	before_ns = clock_now_ns(CLOCK_MONOTONIC);
	awareness_update(awareness, NULL, before_ns);
	first = *page(&region, 0);
	assert_int_equal(first.magic, HT_VCPU_MAGIC);
	assert_int_equal(first.seq % 2, 0);
	assert_true(first.seq > 0);
	assert_int_equal(first.fields & (HT_VCPU_PCPU | HT_VCPU_STATE | HT_VCPU_TIMES),
		HT_VCPU_PCPU | HT_VCPU_STATE | HT_VCPU_TIMES);
	assert_int_equal(first.fields & HT_VCPU_EXITS, 0);
	assert_int_equal(first.state, HT_VCPU_RUNNABLE);
	assert_true(first.update_ns <= clock_now_ns(CLOCK_MONOTONIC));
	/* not so soon again */
	awareness_update(awareness, NULL, before_ns + 1);
	assert_int_equal(page(&region, 0)->seq, first.seq);

	before_ns = first.run_ns + first.stolen_ns;
	assert_non_null(exits);
	record.tid = (uint32_t)vmm;
	vcpu_exits_add(exits, &record);
	record.type = COLLECTOR_HYPERCALL;
	record.time_ns = 76; /* of another pCPU's ring: older than what is known */
	record.value = 5;
	vcpu_exits_add(exits, &record);
	record.type = COLLECTOR_VCPU_OUT;
	record.value = 0x100;
	vcpu_exits_add(exits, &record);
	record.tid++; /* nobody's */
	vcpu_exits_add(exits, &record);
	/* it works all the time: it had a CPU, or waited for one, which is counted when it gets it */
	for (unsigned i = 1; i < 500 && first.run_ns + first.stolen_ns <= before_ns + 2 * STEP_NS; i++) {
		wait_ns(5 * STEP_NS);
		awareness_update(awareness, exits, clock_now_ns(CLOCK_MONOTONIC) + i * LATER_NS);
		first = *page(&region, 0);
	}
	assert_true(first.run_ns + first.stolen_ns > before_ns + 2 * STEP_NS);
	assert_int_equal(first.fields & HT_VCPU_EXITS, HT_VCPU_EXITS);
	assert_int_equal(first.exits, 2);
	assert_int_equal(first.exit_reason, 0x81);
	assert_int_equal(first.exit_isa, 2);
	assert_int_equal(first.exit_ns, 77);
	assert_int_equal(first.state, HT_VCPU_PREEMPTED);
	/* a vCPU whose thread nobody knows has no page that could be believed */
	assert_int_equal(page(&region, 1)->magic, 0);
	assert_int_equal(page(&region, 2)->magic, 0);

	end_vmm(vmm);
	wait_ns(5 * STEP_NS);
	awareness_update(awareness, NULL, clock_now_ns(CLOCK_MONOTONIC) + 1000 * LATER_NS);
	assert_int_equal(page(&region, 0)->state, HT_VCPU_GONE);
	assert_int_equal(page(&region, 0)->stolen_ns, first.stolen_ns);
	awareness_destroy(awareness);
	vcpu_exits_destroy(exits);
	assert_int_equal(page(&region, 0)->magic, 0);
	assert_int_equal(page(&region, 0)->seq % 2, 0);
	region_deinit(&region);
}

static void a_guest_that_writes_there_harms_nobody(void **state)
{
	struct awareness *awareness;
	struct region region;
	pid_t vmm = start_vmm("CPU 1/KVM");
	struct ht_vcpu *guest;

	(void)state;
	make_region(&region);
	assert_int_equal(awareness_create(&awareness, &region, &layout, vmm, NULL), 0);
	guest = mmap(NULL, HT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, region.fd,
		HT_VCPUS_OFFSET + HT_PAGE_BYTES);
	assert_ptr_not_equal(guest, MAP_FAILED);
	memset(guest, 0xff, HT_PAGE_BYTES);
	awareness_update(awareness, NULL, clock_now_ns(CLOCK_MONOTONIC));
	assert_int_equal(guest->magic, HT_VCPU_MAGIC);
	assert_int_equal(guest->seq, 2);
	assert_int_equal(guest->exits, 0);
	awareness_destroy(awareness);
	munmap(guest, HT_PAGE_BYTES);
	region_deinit(&region);
	end_vmm(vmm);
}

static void what_cannot_be(void **state)
{
	struct region_layout old = layout;
	struct awareness *awareness;
	struct error error = {0};
	struct region region;
	pid_t vmm = start_vmm("nothing");

	(void)state;
	make_region(&region);
	old.rings_offset = HT_VCPUS_OFFSET; /* of a module that knows nothing of it */
	assert_int_equal(awareness_create(&awareness, &region, &old, vmm, &error), -ENODATA);
	assert_int_equal(awareness_create(&awareness, &region, &layout, getpid(), &error), -ESRCH);
	assert_int_equal(awareness_create(&awareness, &region, &layout, vmm, &error), -ENOENT);
	assert_non_null(strstr(error.hint, "debug-threads=on"));
	assert_null(awareness);
	awareness_update(NULL, NULL, 0);
	awareness_destroy(NULL);
	region_deinit(&region);
	end_vmm(vmm);
}

static void threads_are_read(void **state)
{
	int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY);
	struct vcpu_thread thread;
	struct vcpu_times times;
	pid_t vmm = start_vmm("a) R (b");

	(void)state;
	assert_int_equal(vcpu_thread_init(&thread, proc_fd, vmm, vmm), 0);
	assert_int_equal(vcpu_thread_read(&thread, &times), 0);
	assert_int_equal(times.state, 'R');
	assert_true(times.pcpu < (uint32_t)sysconf(_SC_NPROCESSORS_CONF));
	kill(vmm, SIGSTOP);
	waitpid(vmm, NULL, WUNTRACED);
	assert_int_equal(vcpu_thread_read(&thread, &times), 0);
	assert_int_equal(times.state, 'T');
	end_vmm(vmm);
	assert_int_equal(vcpu_thread_read(&thread, &times), -ESRCH);
	vcpu_thread_deinit(&thread);
	assert_int_equal(vcpu_thread_init(&thread, proc_fd, vmm, vmm), -ENOENT);
	close(proc_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_kept),
		cmocka_unit_test(a_guest_that_writes_there_harms_nobody),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(threads_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
