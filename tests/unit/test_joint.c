/* SPDX-License-Identifier: MIT */
/* Hosts and guests together: tasks' time, wake-ups' parts, migrations, fed event by event. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "host/collect/host_events.h"
#include "lib/analysis/joint.h"
#include "lib/analysis/joint_exits.h"
#include "lib/analysis/joint_latency.h"
#include "lib/analysis/joint_states.h"
#include "lib/analysis/joint_tasks.h"
#include "tests/unit/trace_maker.h"

enum { HOST, GUEST };
enum { INTR = 0x60, HLT = 0x78, MSR = 0x7c };
enum { SVM = 2, LOST = 8 | SVM, HALTED = 16 | 8 | SVM };

struct fixture {
	struct joint *joint;
	struct joint_states states;
	struct joint_tasks tasks;
	struct joint_exits exits;
	struct joint_latency latency;
	struct trace_machine_info info[2];
	struct joint_machine machines[2];
	struct event_schema *schemas[2];
	struct event_type lost;
};

static void take_interval(void *context, const struct vcpu_interval *interval)
{
	struct fixture *f = context;

	joint_states_add(&f->states, f->joint->vcpus[interval->vcpu].host, interval);
	joint_tasks_interval(&f->tasks, interval);
	joint_latency_interval(&f->latency, interval);
	joint_exits_interval(&f->exits, f->joint, interval);
}

static void take_host(void *context, uint32_t vcpu, const struct vcpu_event *event, uint64_t now_ns)
{
	struct fixture *f = context;

	joint_exits_event(&f->exits, f->joint, vcpu, event, now_ns);
}

static void take_guest(void *context, const struct joint_guest_event *event)
{
	struct fixture *f = context;

	joint_tasks_event(&f->tasks, f->joint, event);
	joint_latency_event(&f->latency, f->joint, event);
}

/* Threads 401 and 402 run the guest's CPUs 0 and 1. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct joint_options options = {.nr_machines = 2, .begin_ns = 1000, .to_ns = UINT64_MAX};
	struct trace_vm_info *vm;

	assert_non_null(f);
	strcpy(f->info[HOST].name, "host");
	strcpy(f->info[GUEST].name, "guest");
	vm = trace_machine_info_vm(&f->info[HOST], 400);
	strcpy(vm->machine, "guest");
	assert_int_equal(trace_vm_info_vcpu(vm, 0, 401), 0);
	assert_int_equal(trace_vm_info_vcpu(vm, 1, 402), 0);
	f->schemas[HOST] = host_events_schema(NULL);
	f->schemas[GUEST] = maker_schema();
	strcpy(f->lost.name, "lost");
	assert_int_equal(event_type_add_field(&f->lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL), 0);
	for (int i = 0; i < 2; i++)
		f->machines[i] = (struct joint_machine){f->schemas[i], &f->info[i], NULL, NULL, 4};
	options.machines = f->machines;
	options.lost_type = &f->lost;
	options.listener = (struct joint_listener){f, take_interval, take_host, take_guest};
	assert_int_equal(joint_create(&options, &f->joint), 0);
	assert_int_equal(joint_states_init(&f->states), 0);
	assert_int_equal(joint_exits_init(&f->exits, 2), 0);
	assert_int_equal(joint_latency_init(&f->latency, 2), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	joint_latency_deinit(&f->latency);
	joint_exits_deinit(&f->exits);
	joint_tasks_deinit(&f->tasks);
	joint_states_deinit(&f->states);
	joint_destroy(f->joint);
	for (int i = 0; i < 2; i++)
		event_schema_destroy(f->schemas[i]);
	free(f->info[HOST].vms[0].vcpus);
	free(f->info[HOST].vms);
	free(f);
	return 0;
}

/* --- events --- */

/* The fields' values in their order, packed; a comm is left empty. */
static void host(struct fixture *f, uint32_t pcpu, uint64_t now_ns, const char *name, const uint64_t *values)
{
	const struct event_type *type = event_schema_find(f->schemas[HOST], name);
	uint8_t payload[HOST_PAYLOAD_MAX] = {0};

	for (uint16_t i = 0; i < type->nr_fields; i++)
		if (event_field_is_integer(type->fields[i].kind))
			memcpy(payload + type->fields[i].byte_offset, values++, type->fields[i].bits / 8);
	joint_add(f->joint, HOST, type, payload, pcpu, 0, now_ns);
}

#define host_event(f, pcpu, now_ns, name, ...) host(f, pcpu, now_ns, name, (const uint64_t[]){__VA_ARGS__})

static void in(struct fixture *f, uint32_t pcpu, uint64_t now_ns, uint32_t tid)
{
	host_event(f, pcpu, now_ns, "vcpu_in", tid, tid - 401, 0, 0);
}

static void out(struct fixture *f, uint32_t pcpu, uint64_t now_ns, uint32_t tid, uint32_t prev_state)
{
	host_event(f, pcpu, now_ns, "vcpu_out", tid, tid - 401, prev_state, 900, 900);
}

static void leaves(struct fixture *f, uint32_t pcpu, uint64_t now_ns, uint32_t tid, uint8_t flags,
	uint32_t reason, uint64_t took_ns)
{
	host_event(f, pcpu, now_ns, "kvm_exit", tid, tid - 401, flags, reason, took_ns, 0x1000);
}

static void wakes(struct fixture *f, uint32_t cpu, uint64_t now_ns, uint32_t current, uint32_t pid)
{
	uint64_t payload[2] = {pid};

	joint_add(f->joint, GUEST, f->schemas[GUEST]->types[MAKER_WAKING], (const uint8_t *)payload, cpu,
		current, now_ns);
}

static void switches(
	struct fixture *f, uint32_t cpu, uint64_t now_ns, uint32_t from, uint32_t to, uint32_t state)
{
	uint64_t payload[2] = {to | (uint64_t)state << 22};

	joint_add(f->joint, GUEST, f->schemas[GUEST]->types[MAKER_SWITCH], (const uint8_t *)payload, cpu,
		from, now_ns);
}

static void loses(struct fixture *f, int machine, uint32_t cpu, uint64_t now_ns, uint32_t pid)
{
	uint64_t payload[2] = {5};

	joint_add(f->joint, (uint32_t)machine, &f->lost, (const uint8_t *)payload, cpu, pid, now_ns);
}

static struct task *task(struct fixture *f, uint32_t pid)
{
	return task_table_at(&f->joint->tasks[GUEST], pid);
}

/* --- tests --- */

static void test_tasks(void **state)
{
	struct fixture *f = *state;

	in(f, 2, 1000, 401);
	switches(f, 0, 1100, 0, 7, 0);
	leaves(f, 2, 1200, 401, SVM, MSR, 50);
	out(f, 2, 1310, 401, 0x100);
	in(f, 2, 1400, 401);
	leaves(f, 2, 1420, 401, LOST, INTR, 120);
	switches(f, 0, 1500, 7, 8, 1);
	loses(f, GUEST, 0, 1700, 9); /* who ran from 1500 on is not known */
	leaves(f, 2, 1800, 401, SVM, MSR, 0);
	joint_finish(f->joint);
	assert_int_equal(task(f, 0)->vcpu_ns[VCPU_GUEST], 0); /* nothing says that it ran before 1100 */
	assert_int_equal(task(f, 7)->vcpu_ns[VCPU_GUEST], 50 + 100 + 80);
	assert_int_equal(task(f, 7)->vcpu_ns[VCPU_EXIT], 50 + 10 + 20);
	assert_int_equal(task(f, 7)->vcpu_ns[VCPU_PREEMPTED], 90);
	assert_int_equal(task(f, 8)->vcpu_ns[VCPU_GUEST], 0);
	assert_int_equal(task(f, 9)->vcpu_ns[VCPU_GUEST], 100);
	assert_int_equal(task(f, 7)->exits.count, 2);
	assert_int_equal(task(f, 7)->exits.max_ns, 120);
	assert_int_equal(f->exits.count, 3);
}

static void test_wakeup(void **state)
{
	struct fixture *f = *state;
	const struct joint_wakeup *one = f->latency.worst;

	in(f, 2, 1000, 401);
	leaves(f, 2, 1100, 401, SVM, MSR, 10);
	out(f, 2, 1210, 401, 1);
	wakes(f, 1, 1500, 0, 7);
	host_event(f, 1, 1520, "vcpu_waking", 401, 0, 2, 402);
	in(f, 2, 1600, 401);
	leaves(f, 2, 1630, 401, HALTED, HLT, 430);
	switches(f, 0, 1700, 0, 7, 0);
	assert_int_equal(f->latency.nr_worst, 0); /* the end of it may be in an exit still */
	leaves(f, 2, 1800, 401, SVM, MSR, 10);
	assert_int_equal(f->latency.nr_worst, 1);
	assert_int_equal(one->run_ns - one->woken_ns, 200);
	assert_int_equal(one->parts_ns[JOINT_PART_HYPERVISOR], 20 + 30);
	assert_int_equal(one->parts_ns[JOINT_PART_HOST], 80);
	assert_int_equal(one->parts_ns[JOINT_PART_GUEST], 70);
	assert_int_equal(one->parts_ns[JOINT_PART_UNKNOWN], 0);
	assert_int_equal(one->waking_cpu, 1);
	assert_ptr_equal(one->task, task(f, 7));
	joint_finish(f->joint);
	assert_int_equal(f->latency.count, 1);
	assert_int_equal(f->latency.guests[GUEST]->parts[JOINT_PART_HOST].sum, 80);
}

/* Woken while it still runs: it waits from the moment it is off its CPU, unless it is woken again. */
static void test_woken_early(void **state)
{
	struct fixture *f = *state;

	in(f, 2, 1000, 401);
	switches(f, 0, 1010, 0, 7, 0);
	wakes(f, 1, 1050, 0, 7);
	switches(f, 0, 1100, 7, 8, 1);
	switches(f, 0, 1150, 8, 7, 0);
	wakes(f, 1, 1200, 0, 7); /* stale: it does not sleep then */
	switches(f, 0, 1300, 7, 8, 1);
	wakes(f, 1, 1900, 0, 7);
	switches(f, 0, 1910, 8, 7, 1);
	leaves(f, 2, 2000, 401, SVM, MSR, 10);
	joint_finish(f->joint);
	assert_int_equal(f->latency.count, 2);
	assert_int_equal(f->latency.guests[GUEST]->total.max, 50);
	assert_int_equal(f->latency.guests[GUEST]->total.min, 10);
}

/* Who was preempted was not woken; and no wake-up spans a gap, of whatever CPU of the guest. */
static void test_no_wakeup(void **state)
{
	struct fixture *f = *state;

	in(f, 2, 1000, 401);
	switches(f, 0, 1010, 0, 7, 0);
	switches(f, 0, 1100, 7, 8, 256);
	wakes(f, 1, 1120, 0, 7);
	switches(f, 0, 1150, 8, 7, 0);
	wakes(f, 1, 1200, 0, 9);
	loses(f, GUEST, 1, 1250, 0);
	switches(f, 0, 1300, 7, 9, 1);
	leaves(f, 2, 2000, 401, SVM, MSR, 10);
	joint_finish(f->joint);
	assert_int_equal(f->latency.count, 0);
}

/* What a lost event of the host hides is nobody's part. */
static void test_unknown_part(void **state)
{
	struct fixture *f = *state;
	const struct joint_wakeup *one = f->latency.worst;

	in(f, 2, 1000, 401);
	leaves(f, 2, 1100, 401, SVM, MSR, 10);
	wakes(f, 0, 1150, 0, 7);
	loses(f, HOST, 2, 1300, 0);
	switches(f, 0, 1400, 0, 7, 0);
	leaves(f, 2, 1500, 401, SVM, MSR, 150);
	joint_finish(f->joint);
	assert_int_equal(f->latency.nr_worst, 1);
	assert_int_equal(one->parts_ns[JOINT_PART_HYPERVISOR], 50);
	assert_int_equal(one->parts_ns[JOINT_PART_UNKNOWN], 200);
}

static void test_migration(void **state)
{
	struct fixture *f = *state;
	const struct joint_vcpu_states *states;
	const struct joint_way *way;

	in(f, 2, 1000, 402);
	leaves(f, 2, 1100, 402, SVM, MSR, 10);
	out(f, 2, 1210, 402, 0x100);
	in(f, 3, 1300, 402);
	leaves(f, 3, 1340, 402, LOST, INTR, 140);
	out(f, 3, 1410, 402, 0x100);
	in(f, 3, 1420, 402);
	leaves(f, 3, 1430, 402, LOST, INTR, 30);
	joint_finish(f->joint);
	states = joint_states_of(&f->states, 1);
	assert_int_equal(states->migrations, 1);
	assert_int_equal(joint_stolen_ns(states), 90 + 10);
	assert_int_equal(f->states.ways.count, 1);
	way = capped_table_row(&f->states.ways, 0);
	assert_int_equal(way->key, 1ull << 32 | 2 << 16 | 3);
	assert_int_equal(way->waited_ns, 90);
	assert_int_equal(way->entry_ns, 40);
	assert_int_equal(f->states.longest[0].duration_ns, 90);
	assert_int_equal(f->states.longest[0].culprit.pid, 900);
	assert_int_equal(f->states.culprits.count, 1);
}

/* A thread that hypertrace.json does not know is a vCPU all the same, of no guest. */
static void test_stranger(void **state)
{
	struct fixture *f = *state;

	leaves(f, 2, 1100, 777, SVM, MSR, 10);
	joint_finish(f->joint);
	assert_int_equal(f->joint->nr_vcpus, 3);
	assert_null(f->joint->vcpus[2].vm);
	assert_int_equal(f->joint->vcpus[2].guest, JOINT_NONE);
	assert_int_equal(f->exits.rips[2].count, 1);
	assert_true(joint_is_hosted(f->joint, GUEST));
	assert_int_equal(f->joint->nr_guests, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tasks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wakeup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_woken_early, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_wakeup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_part, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_migration, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stranger, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
