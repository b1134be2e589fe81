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
#include "tests/unit/verb_run.h"

#define START_NS 50000000000           /* the host's clock, where the trace begins */
#define TSC_BASE (20 * TRACE_MAKER_HZ) /* the guest's TSC there */

/* SVM's exit reasons, as KVM numbers them. */
enum { INTR = 0x60, HLT = 0x78, IOIO = 0x7b, MSR = 0x7c, VMMCALL = 0x81, NPF = 0x400 };
enum { SVM = 2, USER = 4 | SVM, LOST = 8 | SVM, HALTED = 16 | 8 | SVM };

static char *work;

static const char symbols[] = "ffffffff81000000 t native_write_msr\nffffffff81000100 t kvm_hypercall\n"
			      "ffffffff81000200 t default_idle\nffffffff81000300 t outb\n";
static const char tasks[] = "70 70 nginx\n80 80 dd\n";
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

/* The guest's clock is said to be late_ns behind the truth. */
static void write_info(const char *name, const char *guest, int64_t late_ns)
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
				(struct clock_point){TSC_BASE + TRACE_MAKER_HZ * i,
					START_NS + 1000000000 * i + late_ns, 100});
	}
	assert_int_equal(trace_info_format(&info, &text, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s/hypertrace.json", work, name);
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), NULL), 0);
	free(text);
	trace_info_deinit(&info);
}

static void begin(struct making *m, const char *name, const char *guest, int64_t late_ns)
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
		assert_int_equal(file_replace(m->guest_fd, "names/tasks", tasks, strlen(tasks), NULL), 0);
		for (uint32_t i = 0; i < 2; i++)
			maker_stream_init(&m->cpus[i], m->guest_fd, i);
	}
	write_info(name, guest, late_ns);
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

static void out(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint32_t state, uint32_t pid,
	const char *comm)
{
	host_maker_event(&m->pcpus[pcpu], at(us), "vcpu_out", 401 + vcpu, vcpu, state, pid, pid,
		HOST_MAKER_TEXT(comm));
}

static void in(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint32_t pid, const char *comm)
{
	host_maker_event(
		&m->pcpus[pcpu], at(us), "vcpu_in", 401 + vcpu, vcpu, pid, pid, HOST_MAKER_TEXT(comm));
}

static void leaves(struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint8_t flags, uint32_t reason,
	uint64_t took_us, int function)
{
	host_maker_exit(
		&m->pcpus[pcpu], at(us), 401 + vcpu, vcpu, flags, reason, 1000 * took_us, RIP(function));
}

static void calls(
	struct making *m, int pcpu, uint64_t us, uint32_t vcpu, uint64_t took_us, uint64_t nr, uint64_t a1)
{
	host_maker_event(&m->pcpus[pcpu], at(us), "kvm_hypercall", 401 + vcpu, vcpu, SVM, VMMCALL,
		1000 * took_us, RIP(1), nr, 1, a1, 0, 0);
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
static void make_joint(const char *name, const char *guest, int64_t late_ns)
{
	struct making m;

	begin(&m, name, guest, late_ns);
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

/* Events of pCPU 2 are lost while vCPU 0 is on it, vCPU 1 is on another, and vCPU 2 on none. */
static void make_gap(const char *name)
{
	struct making m;

	begin(&m, name, "", 0);
	for (uint32_t i = 0; i < 3; i++)
		in(&m, i == 0 ? 2 : 1, 0, i, 0, "swapper");
	leaves(&m, 2, 10, 0, SVM, MSR, 5, 0);
	leaves(&m, 1, 10, 1, SVM, NPF, 10, 0);
	leaves(&m, 1, 11, 2, SVM, NPF, 1, 0);
	out(&m, 1, 100, 2, 1, 0, "swapper");
	leaves(&m, 2, 500, 0, SVM, MSR, 5, 0);
	maker_flush(&m.pcpus[2]);
	m.pcpus[2].lost = 7;
	leaves(&m, 2, 2500, 0, SVM, MSR, 5, 0);
	in(&m, 1, 3000, 2, 0, "swapper");
	leaves(&m, 1, 3010, 2, HALTED, HLT, 2912, 2);
	leaves(&m, 1, 4000, 1, SVM, MSR, 5, 0);
	end(&m);
}

/* Level histogram: no exit by itself. */
static void make_histogram(const char *name)
{
	uint32_t buckets[HOST_MAKER_BUCKETS] = {[10] = 98, [12] = 2};
	struct making m;

	begin(&m, name, "", 0);
	in(&m, 2, 0, 0, 0, "swapper");
	out(&m, 2, 1000, 0, 0x100, 900, "stress");
	in(&m, 2, 3000, 0, 900, "stress");
	out(&m, 2, 4000, 0, 1, 0, "swapper");
	in(&m, 2, 5000, 0, 0, "swapper");
	for (int i = 0; i < 2; i++)
		host_maker_event(&m.pcpus[2], at(5000 + 1000 * (uint64_t)i), "exit_histogram", 401, 0, SVM,
			MSR, 100, 150000, 1100, 6000, HOST_MAKER_TEXT(buckets));
	end(&m);
}

/* A guest without its host. */
static void make_guest(const char *name)
{
	char path[512];

	make_joint(name, "guest", 0);
	snprintf(path, sizeof(path), "%s/%s/host/metadata", work, name);
	assert_int_equal(unlink(path), 0);
}

/* --- running --- */

static void expect(const char *arguments, int status, const char *text)
{
	verb_expect(work, arguments, status, text);
}

static void contains(const char *arguments, int status, const char *text)
{
	verb_contains(work, arguments, status, text);
}

static void test_vcpu(void **state)
{
	(void)state;
	expect("vcpu t", 0,
		"host  Linux 6.12.0-test, host of 1 VM with 2 vCPUs\n"
		"guest  Linux 6.1.0-test, guest, clock within 100 ns of its host's\n"
		"  6.00 ms\n"
		"\n"
		"vCPUs\n"
		"  VM     vCPU   guest  in exits    VMM  halted  preempted  waiting\n"
		"  guest     0  14.6 %     0.3 %  1.0 %  16.6 %     66.7 %    0.8 %\n"
		"  guest     1  99.8 %     0.2 %  0.0 %   0.0 %      0.0 %    0.0 %\n"
		"\n"
		"  VM     vCPU    guest  in exits      VMM  halted  preempted  waiting   stolen  exits  migrations\n"
		"  guest     0   873 us   21.0 us  58.0 us  998 us    4.00 ms  50.0 us  4.05 ms      6           1\n"
		"  guest     1  5.99 ms   12.0 us        -       -          -        -        -      2           -\n"
		"\n"
		"Without a pCPU  though they could run\n"
		"  VM     vCPU                    count    total     mean      p50      p90      p99      max\n"
		"  guest     0  preempted             1  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms\n"
		"  guest     0  after its waking      1  50.0 us  50.0 us  50.0 us  50.0 us  50.0 us  50.0 us\n"
		"\n"
		"Longest without a pCPU\n"
		"  duration        at  VM     vCPU  pCPU             by\n"
		"   4.00 ms  0.000200  guest     0     2  preempted  stress/900\n"
		"   50.0 us  0.005400  guest     0     2  waited     kworker/3:1/7\n"
		"\n"
		"Who had their pCPUs  the last column: whose wait was the longest\n"
		"  task of the host  pid  times    total     mean      max  of\n"
		"  stress            900      1  4.00 ms  4.00 ms  4.00 ms  guest vCPU 0\n"
		"  kworker/3:1         7      1  50.0 us  50.0 us  50.0 us  guest vCPU 0\n"
		"\n"
		"Migrations  between pCPUs: time that they waited around them, mean time from the new pCPU to guest code\n"
		"  VM     vCPU  from  to  times   waited  longest  until guest code\n"
		"  guest     0     2   3      1  50.0 us  50.0 us           5.00 us\n"
		"\n"
		"Guests' tasks  4 of 4, those first whose vCPU was kept from its pCPU while they were scheduled in\n"
		"  guest  task     pid  scheduled in  really ran            exits      VMM  no pCPU          halted\n"
		"  guest  dd        80       4.37 ms      364 us   8.3 %  6.00 us        -  4.00 ms  91.5 %       -\n"
		"  guest  swapper    0       1.69 ms      637 us  37.6 %  8.00 us        -  50.0 us   3.0 %  998 us\n"
		"  guest  nginx     70        520 us      460 us  88.5 %  2.00 us  58.0 us        -   0.0 %       -\n"
		"  guest  ?         81       2.00 us           -   0.0 %  2.00 us        -        -   0.0 %       -\n");
	expect("vcpu t -f cpu==1 -t 5ms-", 0,
		"host  Linux 6.12.0-test, host of 1 VM with 2 vCPUs\n"
		"guest  Linux 6.1.0-test, guest, clock within 100 ns of its host's\n"
		"  1.00 ms, a part of the trace\n"
		"\n"
		"vCPUs\n"
		"  VM     vCPU   guest  in exits\n"
		"  guest     1  99.8 %     0.2 %\n"
		"\n"
		"  VM     vCPU   guest  in exits  stolen  exits  migrations\n"
		"  guest     1  998 us   2.00 us       -      1           -\n"
		"\n"
		"Without a pCPU  never: whenever they could run they had one\n"
		"\n"
		"Guests' tasks  2 of 2, those first whose vCPU was kept from its pCPU while they were scheduled in\n"
		"  guest  task     pid  scheduled in  really ran             exits  VMM  no pCPU         halted\n"
		"  guest  swapper    0        603 us      603 us  100.0 %        -    -        -  0.0 %       -\n"
		"  guest  ?         81       2.00 us           -    0.0 %  2.00 us    -        -  0.0 %       -\n");
	contains("vcpu alone -n 1", 0, "  db<1>     0  14.6 %");
	contains(
		"vcpu t -m guest --json | python3 -c 'import json,sys; d=json.load(sys.stdin); v=d[\"vcpus\"];"
		"assert [sum(x[\"states_ns\"].values()) for x in v]==[d[\"duration_ns\"]]*2==[6000000]*2;"
		"assert v[0][\"stolen_ns\"]==4050000 and v[0][\"states_ns\"][\"halted\"]==998000, v;"
		"assert d[\"culprits\"][0][\"comm\"]==\"stress\" and d[\"longest\"][0][\"duration_ns\"]==4000000;"
		"assert d[\"tasks\"][0][\"comm\"]==\"dd\"; print(\"good\")'",
		0, "good\n");
	contains("vcpu t -m other", 1, "the trace has no machine other");
	contains("vcpu guest", 1,
		"vcpu: the trace has no host machine: it says nothing of what the host did to vCPUs\nhint: ");
	contains("vcpu t -f 'duration>1ms'", 2, "a condition on durations is of no use here");
	contains("vcpu nosuch --json", 1, "\"error\"");
}

static void test_gap(void **state)
{
	(void)state;
	/* vCPU 1 is elsewhere; of the others nothing is known from the pCPU's last event on */
	expect("vcpu gap", 0,
		"host  Linux 6.12.0-test, host of 2 VMs with 3 vCPUs\n"
		"  4.00 ms\n"
		"  no guest of theirs is in the trace: what their tasks got is not known\n"
		"\n"
		"vCPUs\n"
		"  VM          vCPU   guest  in exits  on a pCPU  halted  not known\n"
		"  db<1>          0  12.2 %     0.4 %     37.5 %   0.0 %     49.9 %\n"
		"  db<1>          1  99.6 %     0.4 %      0.0 %   0.0 %      0.0 %\n"
		"  thread 403     2   0.2 %     0.3 %     26.9 %  10.0 %     62.5 %\n"
		"\n"
		"  VM          vCPU    guest  in exits  on a pCPU  halted  not known  stolen  exits  migrations\n"
		"  db<1>          0   490 us   15.0 us    1.50 ms       -    2.00 ms       -      3           -\n"
		"  db<1>          1  3.98 ms   15.0 us          -       -          -       -      2           -\n"
		"  thread 403     2  10.0 us   13.0 us    1.08 ms  400 us    2.50 ms       -      2           -\n"
		"\n"
		"Without a pCPU  never: whenever they could run they had one\n");
}

static void test_svg(void **state)
{
	(void)state;
	contains(
		"vcpu t --svg v.svg >/dev/null && python3 -c 'import xml.dom.minidom as x; d=x.parse(\"v.svg\");"
		"t=open(\"v.svg\").read(); assert \"<script\" not in t and \"href\" not in t;"
		"print(len(d.getElementsByTagName(\"rect\"))>20)'",
		0, "True\n");
	contains("vcpu alone --svg v.svg >/dev/null && grep -c 'db&lt;1&gt; vCPU 0' v.svg", 0, "1\n");
	contains("vcpu t --svg /nonexistent/x", 1, "hypertrace: /nonexistent/x: No such file or directory\n");
}

static void test_exits(void **state)
{
	(void)state;
	expect("exits t", 0,
		"host  Linux 6.12.0-test, host of 1 VM with 2 vCPUs\n"
		"guest  Linux 6.1.0-test, guest, clock within 100 ns of its host's\n"
		"  6.00 ms\n"
		"  8 exits, 5.14 ms together\n"
		"\n"
		"Reasons\n"
		"  reason     count   share    total    time  on pCPU      min     mean      p50      p99    p99.9      max        at  to the VMM  lost pCPU\n"
		"  interrupt      1  12.5 %  4.00 ms  77.9 %  3.00 us  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms  0.004202           -          1\n"
		"  hlt            1  12.5 %  1.05 ms  20.5 %  7.00 us  1.05 ms  1.05 ms  1.05 ms  1.05 ms  1.05 ms  1.05 ms  0.005455           -          1\n"
		"  io             1  12.5 %  60.0 us   1.2 %  60.0 us  60.0 us  60.0 us  60.0 us  60.0 us  60.0 us  60.0 us  0.005560           1          -\n"
		"  npf            1  12.5 %  10.0 us   0.2 %  10.0 us  10.0 us  10.0 us  10.0 us  10.0 us  10.0 us  10.0 us  0.000010           -          -\n"
		"  msr            3  37.5 %  8.00 us   0.2 %  8.00 us  1.00 us  2.67 us  2.02 us  4.99 us  4.99 us  5.00 us  0.000010           -          -\n"
		"  hypercall      1  12.5 %  3.00 us   0.1 %  3.00 us  3.00 us  3.00 us  3.00 us  3.00 us  3.00 us  3.00 us  0.004300           -          -\n"
		"\n"
		"vCPUs\n"
		"  VM     vCPU  count   share    total     mean      max        at  per second\n"
		"  guest     0      6  75.0 %  5.13 ms   854 us  4.00 ms  0.004202       1,000\n"
		"  guest     1      2  25.0 %  12.0 us  6.00 us  10.0 us  0.000010         333\n"
		"\n"
		"Guests' tasks\n"
		"  guest  task     pid  count   share    total     mean      max        at\n"
		"  guest  dd        80      2  25.0 %  4.01 ms  2.00 ms  4.00 ms  0.004202\n"
		"  guest  swapper    0      2  25.0 %  1.06 ms   528 us  1.05 ms  0.005455\n"
		"  guest  nginx     70      1  12.5 %  60.0 us  60.0 us  60.0 us  0.005560\n"
		"  guest  ?         81      1  12.5 %  2.00 us  2.00 us  2.00 us  0.006000\n"
		"\n"
		"Where in the guest\n"
		"  guest  function          count   share    total     mean      max        at\n"
		"  guest  native_write_msr      5  62.5 %  4.02 ms   804 us  4.00 ms  0.004202\n"
		"  guest  default_idle          1  12.5 %  1.05 ms  1.05 ms  1.05 ms  0.005455\n"
		"  guest  outb                  1  12.5 %  60.0 us  60.0 us  60.0 us  0.005560\n"
		"  guest  kvm_hypercall         1  12.5 %  3.00 us  3.00 us  3.00 us  0.004300\n"
		"\n"
		"Hypercalls\n"
		"  hypercall  count   share    total     mean      max        at\n"
		"  1000           1  12.5 %  3.00 us  3.00 us  3.00 us  0.004300\n");
	expect("exits t -f comm==nginx", 0,
		"host  Linux 6.12.0-test, host of 1 VM with 2 vCPUs\n"
		"guest  Linux 6.1.0-test, guest, clock within 100 ns of its host's\n"
		"  6.00 ms\n"
		"  1 exits, 60.0 us together\n"
		"\n"
		"Reasons\n"
		"  reason  count    share    total     time  on pCPU      min     mean      p50      p99    p99.9      max        at  to the VMM  lost pCPU\n"
		"  io          1  100.0 %  60.0 us  100.0 %  60.0 us  60.0 us  60.0 us  60.0 us  60.0 us  60.0 us  60.0 us  0.005560           1          -\n"
		"\n"
		"vCPUs\n"
		"  VM     vCPU  count    share    total     mean      max        at  per second\n"
		"  guest     0      1  100.0 %  60.0 us  60.0 us  60.0 us  0.005560         166\n"
		"\n"
		"Guests' tasks\n"
		"  guest  task   pid  count    share    total     mean      max        at\n"
		"  guest  nginx   70      1  100.0 %  60.0 us  60.0 us  60.0 us  0.005560\n"
		"\n"
		"Where in the guest\n"
		"  guest  function  count    share    total     mean      max        at\n"
		"  guest  outb          1  100.0 %  60.0 us  60.0 us  60.0 us  0.005560\n");
	expect("exits histogram", 0,
		"host  Linux 6.12.0-test, host of 1 VM with 2 vCPUs\n"
		"  6.00 ms\n"
		"  200 exits, 300 us together\n"
		"  recorded as histograms: percentiles within a factor of 1.5, no tasks and no places in the guest\n"
		"\n"
		"Reasons\n"
		"  reason  count    share   total     time  on pCPU      min     mean      p50      p99    p99.9      max        at  to the VMM  lost pCPU\n"
		"  msr       200  100.0 %  300 us  100.0 %        -  1.10 us  1.50 us  1.57 us  6.00 us  6.00 us  6.00 us  0.006000           -          -\n"
		"\n"
		"vCPUs\n"
		"  VM     vCPU  count    share   total     mean      max        at  per second\n"
		"  db<1>     0    200  100.0 %  300 us  1.50 us  6.00 us  0.006000      33,333\n");
	contains("exits t -s count", 0, "\n  msr ");
	contains("exits t -t 5ms- -m guest", 0, "  4 exits, 1.12 ms together\n");
	contains(
		"exits t --json | python3 -c 'import json,sys; d=json.load(sys.stdin); r=d[\"reasons\"];"
		"assert sum(x[\"count\"] for x in r)==d[\"exits\"]==8; assert r[0][\"reason\"]==\"interrupt\";"
		"assert sum(x[\"total_ns\"] for x in r)==d[\"total_ns\"]==sum(x[\"total_ns\"] for x in d[\"vcpus\"]);"
		"assert d[\"hypercalls\"][0][\"nr\"]==1000 and d[\"functions\"][0][\"function\"]==\"native_write_msr\";"
		"print(\"good\")'",
		0, "good\n");
	contains("exits guest", 1, "exits: the trace has no host machine");
}

static void test_latency(void **state)
{
	(void)state;
	expect("latency t", 0,
		"host  Linux 6.12.0-test, host of 1 VM with 2 vCPUs\n"
		"guest  Linux 6.1.0-test, guest, clock within 100 ns of its host's\n"
		"  6.00 ms\n"
		"\n"
		"Wake-ups  1 of tasks of guest\n"
		"                            total    share     mean      p50      p90      p99    p99.9      max\n"
		"  from waking to running  75.0 us  100.0 %  75.0 us  75.0 us  75.0 us  75.0 us  75.0 us  75.0 us\n"
		"  guest's scheduler       15.0 us   20.0 %  15.0 us  15.0 us  15.0 us  15.0 us  15.0 us  15.0 us\n"
		"  hypervisor              10.0 us   13.3 %  10.0 us  10.0 us  10.0 us  10.0 us  10.0 us  10.0 us\n"
		"  host                    50.0 us   66.7 %  50.0 us  50.0 us  50.0 us  50.0 us  50.0 us  50.0 us\n"
		"\n"
		"Tasks  1 of 1, by the longest wait\n"
		"  guest  task   pid  wake-ups   waited     mean      max        at    guest  hypervisor     host  not known\n"
		"  guest  nginx   70         1  75.0 us  75.0 us  75.0 us  0.005395  15.0 us     10.0 us  50.0 us          -\n"
		"\n"
		"The worst  the last column: who had the vCPU's pCPU meanwhile\n"
		"   waited        at  guest  cpu  task   pid    guest  hypervisor     host  not known  by\n"
		"  75.0 us  0.005395  guest    0  nginx   70  15.0 us     10.0 us  50.0 us          -  kworker/3:1/7\n"
		"\n"
		"Timeline  of the wake-up at 0.005395, 75.0 us\n"
		"guest:           <idle>-0       [001]     0.005395000: sched_waking:         nginx:70 [120] CPU:000\n"
		"host:            <idle>-0       [001]     0.005400000: vcpu_waking:          guest/0 CPU 3 by pid 402\n"
		"host:            <idle>-0       [003]     0.005401000: vcpu_migrate:         guest/0 CPU 2 ==> 3\n"
		"host:            <idle>-0       [003]     0.005450000: vcpu_in:              guest/0 <== kworker/3:1:7\n"
		"host:            <idle>-0       [003]     0.005455000: kvm_exit:             guest/0 hlt took 1055.000 us rip=0xffffffff81000207 halted lost-pCPU\n"
		"guest:           <idle>-0       [000]     0.005470000: sched_switch:         <idle>:0 [120] R ==> nginx:70 [120]\n");
	expect("latency guest --timelines 0", 0,
		"guest  Linux 6.1.0-test, of which no host of the trace says anything\n"
		"  5.98 ms\n"
		"\n"
		"Wake-ups  1 of tasks of guest\n"
		"                            total    share     mean      p50      p90      p99    p99.9      max\n"
		"  from waking to running  75.0 us  100.0 %  75.0 us  75.0 us  75.0 us  75.0 us  75.0 us  75.0 us\n"
		"  no host of guest is in the trace: whether its scheduler, the hypervisor or the host took the time is not known\n"
		"\n"
		"Tasks  1 of 1, by the longest wait\n"
		"  guest  task   pid  wake-ups   waited     mean      max        at  guest  hypervisor  host  not known\n"
		"  guest  nginx   70         1  75.0 us  75.0 us  75.0 us  0.005375      -           -     -    75.0 us\n"
		"\n"
		"The worst  the last column: who had the vCPU's pCPU meanwhile\n"
		"   waited        at  guest  cpu  task   pid  guest  hypervisor  host  not known  by\n"
		"  75.0 us  0.005375  guest    0  nginx   70      -           -     -    75.0 us  -\n");
	contains(
		"latency t --json | python3 -c 'import json,sys; d=json.load(sys.stdin)[\"worst\"][0];"
		"assert sum(d[\"parts_ns\"].values())==d[\"duration_ns\"]==75000; assert d[\"by_pid\"]==7; print(\"good\")'",
		0, "good\n");
	contains("latency alone", 0, "no wake-ups: they need sched_waking and sched_switch of a guest");
}

static void test_clocks(void **state)
{
	(void)state;
	expect("clocks t --pair 1000:a1", 0,
		"Clocks\n"
		"  machine  clock                                rate  points    over  epochs   error  rate changed by\n"
		"  host     the host's own            1000.000000 MHz       2  1.00 s       1    1 ns        0.000 ppm\n"
		"  guest    exchange over the region  2500.000000 MHz       2  1.00 s       1  100 ns        0.000 ppm\n"
		"\n"
		"Causal pairs  hypercalls that carry the guest's TSC, and their exits\n"
		"  guest  pairs  violations  smallest gap  median     p99  largest\n"
		"  guest      1           0        500 ns  500 ns  500 ns   500 ns\n"
		"\n"
		"Events of guests  that stand where their vCPU ran no guest code\n"
		"  guest  events  violations  deepest  not checked\n"
		"  guest       6           0        -            -\n"
		"\n"
		"0 violations in 7 checks\n");
	expect("clocks late -p 0x3e8:a1", 1,
		"Clocks\n"
		"  machine  clock                                rate  points    over  epochs   error  rate changed by\n"
		"  host     the host's own            1000.000000 MHz       2  1.00 s       1    1 ns        0.000 ppm\n"
		"  guest    exchange over the region  2500.000000 MHz       2  1.00 s       1  100 ns        0.000 ppm\n"
		"\n"
		"Causal pairs  hypercalls that carry the guest's TSC, and their exits\n"
		"  guest  pairs  violations  smallest gap  median  p99  largest\n"
		"  guest      1           1             -       -    -        -\n"
		"\n"
		"Events of guests  that stand where their vCPU ran no guest code\n"
		"  guest  events  violations  deepest  not checked\n"
		"  guest       4           2   388 us            2\n"
		"\n"
		"Violations  3 of 3, the worst first\n"
		"        at  vCPU                                             by\n"
		"  0.004696  guest vCPU 0  hypercall 1000 after its exit  400 us\n"
		"  0.004790  guest vCPU 0  event while halted             388 us\n"
		"  0.000420  guest vCPU 0  event while preempted          220 us\n"
		"\n"
		"3 violations in 5 checks\n");
	contains("clocks t", 0, "none: no hypercall that carries the guest's TSC was recorded");
	contains("clocks alone -p 1000:a1", 0, "  1 more of guests that are not in the trace\n");
	contains("clocks guest", 0,
		"The trace has no host machine: there is nothing to prove the order with\n");
	contains("clocks t -p 1000", 2,
		"--pair 1000: no number and argument of a hypercall\nhint: such as 1000:a1\n");
	contains("clocks t -p 1000:a4", 2, "--pair 1000:a4: ");
	contains("clocks late -p 1000:a1 --json | python3 -c 'import json,sys; d=json.load(sys.stdin);"
		 "assert d[\"violations\"]==len(d[\"worst\"])>1; print(\"good\")'",
		0, "good\n");
}

/* The verbs that know of one machine only. */
static void test_others(void **state)
{
	(void)state;
	expect("dump t -m host", 0,
		"host:            <idle>-0       [001]     0.000000000: vcpu_in:              guest/1 <== swapper/1:0\n"
		"host:            <idle>-0       [002]     0.000000000: vcpu_in:              guest/0 <== swapper/2:0\n"
		"host:            <idle>-0       [001]     0.000010000: kvm_exit:             guest/1 npf took 10.000 us rip=0xffffffff81000007\n"
		"host:            <idle>-0       [002]     0.000010000: kvm_exit:             guest/0 msr took 5.000 us rip=0xffffffff81000007\n"
		"host:            <idle>-0       [002]     0.000200000: vcpu_out:             guest/0 preempted ==> stress:900\n"
		"host:            <idle>-0       [002]     0.004200000: vcpu_in:              guest/0 <== stress:900\n"
		"host:            <idle>-0       [002]     0.004202000: kvm_exit:             guest/0 interrupt took 4003.000 us rip=0xffffffff81000007 lost-pCPU\n"
		"host:            <idle>-0       [002]     0.004300000: kvm_hypercall:        guest/0 nr=0x3e8 a0=0x1 a1=0xba4df5a02 a2=0x0 a3=0x0 hypercall took 3.000 us rip=0xffffffff81000107\n"
		"host:            <idle>-0       [002]     0.004402000: vcpu_out:             guest/0 sleeps ==> swapper/2:0\n"
		"host:            <idle>-0       [001]     0.005400000: vcpu_waking:          guest/0 CPU 3 by pid 402\n"
		"host:            <idle>-0       [003]     0.005401000: vcpu_migrate:         guest/0 CPU 2 ==> 3\n"
		"host:            <idle>-0       [003]     0.005450000: vcpu_in:              guest/0 <== kworker/3:1:7\n"
		"host:            <idle>-0       [003]     0.005455000: kvm_exit:             guest/0 hlt took 1055.000 us rip=0xffffffff81000207 halted lost-pCPU\n"
		"host:            <idle>-0       [003]     0.005502000: kvm_userspace_exit:   tid=401 vcpu=0 reason=2 errno=0\n"
		"host:            <idle>-0       [003]     0.005560000: kvm_exit:             guest/0 io took 60.000 us rip=0xffffffff81000307 to-VMM\n"
		"host:            <idle>-0       [001]     0.006000000: kvm_exit:             guest/1 msr took 2.000 us rip=0xffffffff81000007\n"
		"host:            <idle>-0       [003]     0.006000000: kvm_exit:             guest/0 msr took 1.000 us rip=0xffffffff81000007\n");
	contains("report t", 0,
		"  a host: what its guests' vCPUs did is said by hypertrace vcpu, exits and latency\n");
	contains("info t", 0, "  VMs            db<1>, pid 400, machine guest, vCPU 0 by 401, 1 by 402\n");
	contains("dump t -e kvm_hypercall --json", 0, "\"nr\":");
}

static int set_up(void **state)
{
	(void)state;
	work = maker_directory();
	make_joint("t", "guest", 0);
	make_joint("late", "guest", 400000);
	make_joint("alone", "", 0);
	make_gap("gap");
	make_histogram("histogram");
	make_guest("guest");
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
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
