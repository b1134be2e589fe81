/* SPDX-License-Identifier: MIT */
/* The collector's rings, also hostile ones, its records as events, and KVM's numbers of a vCPU's TSC. */
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
#include <unistd.h>

#include "host/collect/collector_ring.h"
#include "host/collect/host_events.h"
#include "host/collect/vcpu_clock.h"
#include "lib/base/file.h"
#include "lib/model/trace_info.h"

#define SLOTS 8

struct ring_memory {
	struct collector_record slots[SLOTS];
	__u64 head, tail;
	struct collector_ring ring;
};

static void ring_begin(struct ring_memory *memory, uint64_t position)
{
	memset(memory, 0, sizeof(*memory));
	memory->head = memory->tail = position;
	collector_ring_init(&memory->ring, memory->slots, SLOTS, &memory->head, &memory->tail);
}

/* As a program of collector.bpf.c writes it; `filled` false: interrupted before its last store. */
static struct collector_record *put(struct ring_memory *memory, uint8_t type, uint64_t time, bool filled)
{
	const uint64_t position = memory->head++;
	struct collector_record *record = &memory->slots[position % SLOTS];

	memset(record, 0, sizeof(*record));
	record->type = type;
	record->time_ns = time;
	if (filled)
		record->seq = (uint32_t)position + 1;
	return record;
}

static void test_ring_order(void **state)
{
	struct collector_event events[SLOTS];
	struct ring_memory memory;

	(void)state;
	ring_begin(&memory, UINT32_MAX - 3ull); /* seq turns over */
	for (int round = 0; round < 5; round++) {
		put(&memory, COLLECTOR_EXIT, 1, true);
		put(&memory, COLLECTOR_HYPERCALL, 2, true)->words[2] = 7;
		put(&memory, COLLECTOR_MORE, 0, true)->words[1] = 9;
		assert_int_equal(collector_ring_fill(&memory.ring), 3 * 1000 / SLOTS);
		assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 0), 2);
		assert_int_equal(events[0].record.type, COLLECTOR_EXIT);
		assert_int_equal(events[1].record.words[2], 7);
		assert_int_equal(events[1].more[1], 9);
		assert_int_equal(memory.tail, memory.head);
	}
	assert_int_equal(memory.ring.damaged, 0);
}

/* What is not filled is waited for, and what is behind it too; after a second it is given up. */
static void test_ring_unfilled(void **state)
{
	struct collector_event events[SLOTS];
	struct ring_memory memory;

	(void)state;
	ring_begin(&memory, 0);
	put(&memory, COLLECTOR_EXIT, 1, true);
	put(&memory, COLLECTOR_EXIT, 2, false);
	put(&memory, COLLECTOR_EXIT, 3, true);
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 100), 1);
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 100 + COLLECTOR_STUCK_NS / 2), 0);
	assert_int_equal(memory.ring.damaged, 0);
	memory.slots[1].seq = 2;
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 101 + COLLECTOR_STUCK_NS / 2), 2);
	put(&memory, COLLECTOR_EXIT, 4, false);
	put(&memory, COLLECTOR_EXIT, 5, true);
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 10 * COLLECTOR_STUCK_NS), 0);
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 12 * COLLECTOR_STUCK_NS), 1);
	assert_int_equal(events[0].record.time_ns, 5);
	assert_int_equal(memory.ring.damaged, 1);
}

static void test_ring_hostile(void **state)
{
	struct collector_event events[SLOTS];
	struct ring_memory memory;

	(void)state;
	ring_begin(&memory, 0);
	put(&memory, 0, 1, true);
	put(&memory, 255, 1, true);
	put(&memory, COLLECTOR_MORE, 1, true);      /* without its first */
	put(&memory, COLLECTOR_HYPERCALL, 1, true); /* without its second, but another */
	put(&memory, COLLECTOR_EXIT, 2, true);
	put(&memory, COLLECTOR_HYPERCALL, 3, true); /* the last there is */
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 0), 1);
	assert_int_equal(events[0].record.time_ns, 2);
	assert_int_equal(memory.ring.damaged, 5);
	/* a head that no program wrote: the work stays bounded, what comes then is read */
	memory.head += 1ull << 40;
	assert_int_equal(collector_ring_fill(&memory.ring), 1000);
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 0), 0);
	assert_int_equal(memory.ring.damaged, 5 + (1ull << 40));
	put(&memory, COLLECTOR_VCPU_OUT, 6, true);
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 0), 1);
	memory.head = 3; /* and one that goes back */
	assert_int_equal(collector_ring_take(&memory.ring, events, SLOTS, 0), 0);
	assert_int_equal(memory.tail, 3);
}

/* Random slots: nothing but whole records comes out, and every position is accounted for. */
static void test_ring_random(void **state)
{
	struct collector_event events[SLOTS];
	struct ring_memory memory;
	unsigned seed = 4711;
	uint64_t taken = 0;

	(void)state;
	ring_begin(&memory, 0);
	for (int round = 0; round < 20000; round++) {
		struct collector_record *slot = &memory.slots[rand_r(&seed) % SLOTS];
		size_t count;

		slot->type = (uint8_t)(rand_r(&seed) % 20);
		slot->seq = (uint32_t)(memory.head - SLOTS + (unsigned)rand_r(&seed) % (2 * SLOTS));
		if (memory.head - memory.tail < SLOTS)
			memory.head += (unsigned)rand_r(&seed) % (SLOTS - (memory.head - memory.tail) + 1);
		count = collector_ring_take(
			&memory.ring, events, SLOTS, (uint64_t)round * COLLECTOR_STUCK_NS / 2);
		assert_in_range(count, 0, SLOTS);
		for (size_t i = 0; i < count; i++) {
			assert_in_range(events[i].record.type, COLLECTOR_EXIT, COLLECTOR_THREAD_END);
			assert_int_not_equal(events[i].record.type, COLLECTOR_MORE);
			taken += 1 + (events[i].record.type == COLLECTOR_HYPERCALL);
		}
		assert_int_equal(memory.tail, taken + memory.ring.damaged);
	}
	assert_true(taken > 100);
}

/* Encodes a record, and gives back a field of it as a reader of the trace sees it. */
static uint64_t field(const struct event_schema *schema, const struct collector_event *event,
	const char *event_name, const char *name)
{
	uint8_t payload[HOST_PAYLOAD_MAX + 8] = {0};
	uint32_t bytes, id = host_events_encode(event, payload, &bytes);
	const struct event_field *found;

	assert_non_null(schema->types[id]);
	assert_string_equal(schema->types[id]->name, event_name);
	assert_int_equal(bytes, schema->types[id]->fixed_bytes);
	found = event_type_find_field(schema->types[id], name);
	assert_non_null(found);
	return event_field_value(found, payload);
}

static void test_exits(void **state)
{
	struct event_schema *schema = host_events_schema(NULL);
	struct collector_event event = {
		.record = {.type = COLLECTOR_HYPERCALL,
			.flags = 2 | COLLECTOR_USERSPACE | COLLECTOR_USER_MODE,
			.vcpu = 0xfffe,
			.tid = 0x123456,
			.value = 0x81,
			.words = {1ull << 50, 0xffffffff81000000, 1000, UINT64_MAX, 3}},
		.more = {4, 5}};

	(void)state;
	assert_non_null(schema);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "tid"), 0x123456);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "vcpu"), 0xfffe);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "flags"), 2 | COLLECTOR_USERSPACE);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "reason"), 0x81);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "duration"), (1ull << 40) - 1);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "nr"), 1000);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "a0"), UINT64_MAX);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "a1"), 3);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "a2"), 4);
	assert_int_equal(field(schema, &event, "kvm_hypercall", "a3"), 5);
	event.record.type = COLLECTOR_EXIT;
	event.record.words[1] = 0x400000;
	assert_int_equal(field(schema, &event, "kvm_exit", "rip"), 0x400000);
	assert_int_equal(
		field(schema, &event, "kvm_exit", "flags"), 2 | COLLECTOR_USERSPACE | COLLECTOR_USER_MODE);
	event_schema_destroy(schema);
}

/* Every type of record becomes an event of the schema, as long as its layout; those of threads become none. */
static void test_all_types(void **state)
{
	static const char *const names[] = {[COLLECTOR_EXIT] = "kvm_exit",
		[COLLECTOR_HYPERCALL] = "kvm_hypercall",
		[COLLECTOR_VCPU_OUT] = "vcpu_out",
		[COLLECTOR_VCPU_IN] = "vcpu_in",
		[COLLECTOR_VCPU_WAKING] = "vcpu_waking",
		[COLLECTOR_VCPU_MIGRATE] = "vcpu_migrate",
		[COLLECTOR_TSC_OFFSET] = "kvm_write_tsc_offset",
		[COLLECTOR_USERSPACE_EXIT] = "kvm_userspace_exit",
		[COLLECTOR_PAGE_FAULT] = "kvm_page_fault",
		[COLLECTOR_INJ_VIRQ] = "kvm_inj_virq",
		[COLLECTOR_HALT_POLL] = "kvm_halt_poll",
		[COLLECTOR_EXIT_INFO] = "kvm_exit_info",
		[COLLECTOR_THREAD_END] = NULL};
	struct event_schema *schema = host_events_schema(NULL);

	(void)state;
	for (uint8_t type = 0; type <= COLLECTOR_THREAD_END; type++) {
		struct collector_event event = {.record = {.type = type, .vcpu = 3}};
		uint8_t payload[HOST_PAYLOAD_MAX];
		uint32_t bytes;

		if (names[type])
			assert_int_equal(field(schema, &event, names[type], "vcpu"), 3);
		else
			assert_int_equal(host_events_encode(&event, payload, &bytes), 0);
	}
	event_schema_destroy(schema);
}

static void test_histogram(void **state)
{
	struct event_schema *schema = host_events_schema(NULL);
	const struct event_type *type = schema->types[HOST_EVENT_exit_histogram];
	struct host_histogram histogram = {
		.tid = 7, .reason = 0x400, .count = 3, .total_ns = 30, .min_ns = 5, .max_ns = 20};
	uint8_t payload[HOST_PAYLOAD_MAX + 8] = {0};
	const struct event_field *buckets = event_type_find_field(type, "buckets");
	uint32_t bytes, bucket;
	const uint8_t *tail;

	(void)state;
	histogram.buckets[63] = 0x01020304;
	assert_int_equal(host_events_encode_histogram(&histogram, payload),
		type->fixed_bytes + sizeof(histogram.buckets));
	assert_int_equal(event_field_value(event_type_find_field(type, "max"), payload), 20);
	tail = event_field_tail(buckets, payload, &bytes);
	assert_int_equal(bytes, 256);
	memcpy(&bucket, tail + 252, sizeof(bucket));
	assert_int_equal(bucket, 0x01020304);
	event_schema_destroy(schema);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, text, strlen(text), NULL), 0);
	close(fd);
}

/* DIR/123-9/vcpuN with these texts; NULL: no such file. */
static void make_vcpu(const char *dir, int vcpu, const char *offset, const char *ratio, const char *bits)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/123-9", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/123-9/vcpu%d", dir, vcpu);
	mkdir(path, 0700);
	if (offset)
		write_file(path, "tsc-offset", offset);
	if (ratio)
		write_file(path, "tsc-scaling-ratio", ratio);
	if (bits)
		write_file(path, "tsc-scaling-ratio-frac-bits", bits);
}

static void test_tsc_files(void **state)
{
	char dir[] = "/tmp/hypertrace-test-XXXXXX", command[64];
	struct vcpu_clock clocks[4], *one = NULL, *two = NULL;
	ssize_t count;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_vcpu(dir, 0, "-28390674233\n", NULL, NULL);
	make_vcpu(dir, 1, "-9223372036854775808\n", "4294967296\n", "32\n");
	make_vcpu(dir, 2, "12x\n", NULL, NULL);
	make_vcpu(dir, 3, "12\n", "1\n", "64\n"); /* no such shift */
	make_vcpu(dir, 4, NULL, NULL, NULL);
	make_vcpu(dir, 70000, "1\n", NULL, NULL);
	count = vcpu_clock_read(dir, "/proc", 123, clocks, 4);
	assert_int_equal(count, 2);
	for (ssize_t i = 0; i < count; i++)
		*(clocks[i].vcpu ? &two : &one) = &clocks[i];
	assert_non_null(one);
	assert_non_null(two);
	assert_int_equal(one->offset, -28390674233);
	assert_int_equal(one->ratio, 0);
	assert_int_equal(two->offset, INT64_MIN);
	assert_int_equal(two->ratio_bits, 32);
	assert_int_equal(vcpu_clock_read(dir, "/proc", 1234, clocks, 4), 0);
	assert_int_equal(vcpu_clock_read(dir, "/proc", 123, clocks, 1), 1);
	assert_true(vcpu_clock_read("/nowhere", "/proc", 123, clocks, 1) < 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static void test_tsc(void **state)
{
	const struct vcpu_clock plain = {.offset = -10},
				half = {.offset = 5, .ratio = 1ull << 47, .ratio_bits = 48};
	struct vcpu_clock_host first, second;

	(void)state;
	assert_int_equal(vcpu_clock_guest(&plain, 3), (uint64_t)-7);
	assert_int_equal(vcpu_clock_guest(&half, UINT64_MAX - 1), UINT64_MAX / 2 + 5);
	assert_true(vcpu_clock_is_same(&half, &half));
	assert_false(vcpu_clock_is_same(&half, &plain));
	if (!vcpu_clock_read_host(&first))
		return;
	assert_true(vcpu_clock_read_host(&second));
	assert_true(second.tsc > first.tsc && second.host_ns >= first.host_ns && second.bound_ns);
}

/* The guest of a VM, also after a reboot, and no other. */
static void test_vm_machine(void **state)
{
	struct trace_vm_info vm = {.machine = "vm1"};

	(void)state;
	assert_true(trace_vm_info_is_of(&vm, "vm1"));
	assert_true(trace_vm_info_is_of(&vm, "vm1.2"));
	assert_false(trace_vm_info_is_of(&vm, "vm12"));
	assert_false(trace_vm_info_is_of(&vm, "vm1."));
	assert_false(trace_vm_info_is_of(&vm, "vm1.l2"));
	assert_false(trace_vm_info_is_of(&vm, "vm"));
	vm.machine[0] = '\0'; /* it is not recorded */
	assert_false(trace_vm_info_is_of(&vm, ""));
	assert_false(trace_vm_info_is_of(&vm, ".2"));
}

static void test_keep_exact(void **state)
{
	struct trace_machine_info machine = {0};

	(void)state;
	for (uint64_t i = 1; i <= 6; i++)
		assert_int_equal(trace_machine_info_add_point(&machine,
					 (struct clock_point){.tsc = i,
						 .host_ns = (int64_t)i,
						 .bound_ns = i % 2 ? 1000000 : 30 + i}),
			0);
	trace_machine_info_keep_exact(&machine, 20); /* none is: all stay */
	assert_int_equal(machine.nr_points, 6);
	trace_machine_info_keep_exact(&machine, 36);
	assert_int_equal(machine.nr_points, 3);
	assert_int_equal(machine.points[0].tsc, 2);
	assert_int_equal(machine.points[2].tsc, 6);
	free(machine.points);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_order),
		cmocka_unit_test(test_ring_unfilled),
		cmocka_unit_test(test_ring_hostile),
		cmocka_unit_test(test_ring_random),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_all_types),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_tsc_files),
		cmocka_unit_test(test_tsc),
		cmocka_unit_test(test_vm_machine),
		cmocka_unit_test(test_keep_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
