/* SPDX-License-Identifier: MIT */
/* The verbs that look at guests with their host, run as a user runs them, on traces made here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/strbuf.h"
#include "lib/model/trace_info.h"
#include "tests/unit/host_maker.h"

#define START_NS 50000000000 /* the host's clock, where the trace begins */
#define TSC_BASE (20 * TRACE_MAKER_HZ) /* the guest's TSC there */

/* SVM's exit reasons, as KVM numbers them. */
enum { INTR = 0x60, HLT = 0x78, IOIO = 0x7b, MSR = 0x7c, VMMCALL = 0x81, NPF = 0x400 };
enum { SVM = 2, USER = 4 | SVM, LOST = 8 | SVM, HALTED = 16 | 8 | SVM };

static char *work;

static const char symbols[] = "ffffffff81000000 t native_write_msr\nffffffff81000100 t kvm_hypercall\n"
			      "ffffffff81000200 t default_idle\nffffffff81000300 t outb\n";
#define RIP(function) (0xffffffff81000000 + 0x100 * (function) + 7)

/* --- making --- */

struct making {
	int host_fd, guest_fd;
	struct maker_stream pcpus[4], cpus[2];
};

static uint64_t at(uint64_t us)
{
	return START_NS + 1000 * us;
}

/* The guest's TSC at the same moment, and `ns` later. */
static uint64_t tsc(uint64_t us, uint64_t ns)
{
	return TSC_BASE + us * 2500 + ns * 5 / 2;
}

static int make_directory(const char *name, const char *machine)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", work, name, machine);
	assert_int_equal(mkdir(path, 0777), 0);
	return open(path, O_RDONLY | O_DIRECTORY);
}

static void write_info(const char *name, const char *guest)
{
	struct trace_info info = {.format = TRACE_FORMAT, .realtime_offset_ns = 1700000000000000000};
	struct trace_machine_info *machine;
	struct trace_vm_info *vm;
	char path[512], *text;

	strcpy(info.state, "complete");
	assert_int_equal(trace_info_add_machine(&info, "host", &machine, NULL), 0);
	strcpy(machine->channel, "kvm");
	strcpy(machine->clock, "mono");
	strcpy(machine->release, "6.12.0-test");
	for (int i = 0; i < 2; i++)
		trace_machine_info_add_point(machine,
			(struct clock_point){START_NS + 1000000000ull * i, START_NS + 1000000000 * i, 1});
	vm = trace_machine_info_vm(machine, 400);
	strcpy(vm->name, "db<1>");
	strcpy(vm->machine, guest);
	assert_int_equal(trace_vm_info_vcpu(vm, 0, 401), 0);
	assert_int_equal(trace_vm_info_vcpu(vm, 1, 402), 0);
	if (*guest) {
		assert_int_equal(trace_info_add_machine(&info, guest, &machine, NULL), 0);
		strcpy(machine->channel, "shm");
		strcpy(machine->release, "6.1.0-test");
		machine->layer = 1;
		for (int i = 0; i < 2; i++)
			trace_machine_info_add_point(machine,
				(struct clock_point){
					TSC_BASE + TRACE_MAKER_HZ * i, START_NS + 1000000000 * i, 100});
	}
	assert_int_equal(trace_info_format(&info, &text, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s/hypertrace.json", work, name);
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), NULL), 0);
	free(text);
	trace_info_deinit(&info);
}

static void begin(struct making *m, const char *name, const char *guest)
{
	*m = (struct making){.guest_fd = -1};
	m->host_fd = make_directory(name, "host");
	host_maker_metadata(m->host_fd);
	for (uint32_t i = 0; i < 4; i++)
		maker_stream_init(&m->pcpus[i], m->host_fd, i);
	if (*guest) {
		m->guest_fd = make_directory(name, guest);
		maker_metadata(m->guest_fd, guest);
		mkdirat(m->guest_fd, "names", 0777);
		assert_int_equal(
			file_replace(m->guest_fd, "names/symbols", symbols, strlen(symbols), NULL), 0);
		assert_int_equal(
			file_replace(m->guest_fd, "names/tasks", "70 70 nginx\n80 80 dd\n", 23, NULL), 0);
		for (uint32_t i = 0; i < 2; i++)
			maker_stream_init(&m->cpus[i], m->guest_fd, i);
	}
	write_info(name, guest);
}

static void end(struct making *m)
{
	for (uint32_t i = 0; i < 4; i++)
		maker_stream_deinit(&m->pcpus[i]);
	for (uint32_t i = 0; i < 2 && m->guest_fd >= 0; i++)
		maker_stream_deinit(&m->cpus[i]);
	close(m->host_fd);
	if (m->guest_fd >= 0)
		close(m->guest_fd);
}

static void out(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint32_t state, uint32_t pid, const char *comm)
{
	host_maker_event(&m->pcpus[pcpu], at(us), "vcpu_out", 401 + vcpu, vcpu, state, pid, pid, HOST_MAKER_TEXT(comm));
}

static void in(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint32_t pid, const char *comm)
{
	host_maker_event(&m->pcpus[pcpu], at(us), "vcpu_in", 401 + vcpu, vcpu, pid, pid, HOST_MAKER_TEXT(comm));
}

static void leaves(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint8_t flags, uint32_t reason,
	uint64_t took_us, int function)
{
	host_maker_exit(&m->pcpus[pcpu], at(us), 401 + vcpu, vcpu, flags, reason, 1000 * took_us, RIP(function));
}

static void calls(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint64_t took_us, uint64_t nr, uint64_t a1)
{
	host_maker_event(&m->pcpus[pcpu], at(us), "kvm_hypercall", 401 + vcpu, vcpu, SVM, VMMCALL, 1000 * took_us,
		RIP(1), nr, 1, a1, 0, 0);
}

static void wakes(struct making *m, int cpu, uint64_t us, uint32_t pid)
{
	uint64_t payload = pid | 120ull << 32;

	maker_event(&m->cpus[cpu], MAKER_WAKING, tsc(us, 0), &payload, 5);
}

static void switches(struct making *m, int cpu, uint64_t us, uint32_t next, unsigned state)
{
	maker_switch(&m->cpus[cpu], tsc(us, 0), next, state, 120);
}

/*
 * vCPU 0 is taken its pCPU by a busy task, calls its host, sleeps, is woken by vCPU 1 on another pCPU where it waits for
 * somebody, and does output by its VMM. vCPU 1 computes. Of the guest: dd runs on CPU 0, then nginx, woken by CPU 1.
 */
static void make_joint(const char *name, const char *guest)
{
	struct making m;

	begin(&m, name, guest);
	in(&m, 2, 0, 0, 0, "swapper/2");
	in(&m, 1, 0, 1, 0, "swapper/1");
	leaves(&m, 2, 10, 0, SVM, MSR, 5, 0);
	leaves(&m, 1, 10, 1, SVM, NPF, 10, 0);
	out(&m, 2, 200, 0, 0x100, 900, "stress");
	in(&m, 2, 4200, 0, 900, "stress");
	leaves(&m, 2, 4202, 0, LOST, INTR, 4003, 0);
	calls(&m, 2, 4300, 0, 3, 1000, tsc(4296, 500));
	out(&m, 2, 4402, 0, 1, 0, "swapper/2");
	host_maker_event(&m.pcpus[1], at(5400), "vcpu_waking", 401, 0, 3, 402);
	host_maker_event(&m.pcpus[3], at(5401), "vcpu_migrate", 401, 0, 2, 3);
	in(&m, 3, 5450, 0, 7, "kworker/3:1");
	leaves(&m, 3, 5455, 0, HALTED, HLT, 1055, 2);
	host_maker_event(&m.pcpus[3], at(5502), "kvm_userspace_exit", 401, 0, 2, 0);
	leaves(&m, 3, 5560, 0, USER, IOIO, 60, 3);
	leaves(&m, 3, 6000, 0, SVM, MSR, 1, 0);
	leaves(&m, 1, 6000, 1, SVM, MSR, 2, 0);
	if (*guest) {
		switches(&m, 0, 20, 80, 0);
		switches(&m, 0, 4390, 0, 1);
		switches(&m, 0, 5470, 70, 0);
		switches(&m, 0, 5990, 0, 1);
		wakes(&m, 1, 5395, 70);
		switches(&m, 1, 5998, 81, 0);
	}
	end(&m);
}

/* --- running --- */

/* Runs `hypertrace ARGUMENTS` in the directory of the traces, both outputs together; returns the exit status. */
static int run(struct strbuf *output, const char *arguments)
{
	const char *program = getenv("HYPERTRACE");
	char command[1024], chunk[4096];
	size_t bytes;
	FILE *pipe;
	int status;

	if (!program)
		skip();
	snprintf(command, sizeof(command), "cd %s && LC_ALL=C %s %s 2>&1", work, program, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((bytes = fread(chunk, 1, sizeof(chunk), pipe)))
		strbuf_append(output, chunk, bytes);
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(const char *arguments, int status, const char *text)
{
	cleanup_strbuf struct strbuf output = STRBUF_EMPTY;
	int result = run(&output, arguments);

	assert_string_equal(output.data ? output.data : "", text);
	assert_int_equal(result, status);
}

static void contains(const char *arguments, int status, const char *text)
{
	cleanup_strbuf struct strbuf output = STRBUF_EMPTY;
	int result = run(&output, arguments);

	if (!output.data || !strstr(output.data, text))
		fail_msg("%s: '%s' is not in: %s", arguments, text, output.data);
	assert_int_equal(result, status);
}

static void test_vcpu(void **state)
{
	(void)state;
	expect("vcpu t", 0, "");
}

static void test_exits(void **state)
{
	(void)state;
	expect("exits t", 0, "");
}

static int set_up(void **state)
{
	(void)state;
	work = maker_directory();
	make_joint("t", "guest");
	make_joint("alone", "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!getenv("KEEP"))
		maker_remove(work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpu),
		cmocka_unit_test(test_exits),
	};

	(void)contains;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
