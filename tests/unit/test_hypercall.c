/* SPDX-License-Identifier: MIT */
/* Channel hypercall on the host: batches, good and hostile; marks among them; the clock; the numbers of the public header. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "host/collect/event_table.h"
#include "host/collect/hypercall_marks.h"
#include "include/hypertrace_mark.h"
#include "lib/reader/trace_reader.h"
#include "tests/unit/hypercall_maker.h"

_Static_assert(
	HYPERTRACE_CALL_MARK == HT_HYPERCALL_MARK && HYPERTRACE_CALL_TEXT == HT_HYPERCALL_TEXT, "one ABI");
_Static_assert(
	HT_HYPERCALL_TEXT <= HT_HYPERCALL_LAST && HT_HYPERCALL_MARK == HT_HYPERCALL_FIRST, "one range");

static int setup(void **state)
{
	static struct hypercall_maker maker;

	*state = &maker;
	return hypercall_maker_init(&maker);
}

static int teardown(void **state)
{
	hypercall_maker_deinit(*state);
	return 0;
}

/* `count` getppid() entries from tsc on, ten units apart. */
static uint32_t make_calls(uint8_t *records, uint32_t count, uint64_t tsc)
{
	const uint8_t getppid_nr = 110;
	uint8_t *at = records;

	for (uint32_t i = 0; i < count; i++)
		at = hypercall_maker_event(
			at, EVENT_ID_sys_enter_short, tsc + 10 * i, i == 0, &getppid_nr, 1);
	return (uint32_t)(at - records);
}

static void take_mark(struct hypercall_machine *machine, uint32_t tid, int64_t host_ns, uint64_t id)
{
	const struct hypercall_mark mark = {.host_ns = host_ns, .tid = tid, .values = {id, 1, 2, 3}};

	hypercall_machine_mark(machine, &mark, UINT32_MAX);
}

/* Of the ended trace: the names of its events in order, one letter each; times must not go back. */
static void read_back(struct hypercall_maker *maker, char *letters, size_t size)
{
	const char *path = maker->path;
	const struct trace_reader_options all = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace *trace;
	struct trace_event event;
	struct error error = {0};
	uint64_t last = 0;
	size_t count = 0;

	hypercall_maker_end(maker);
	assert_int_equal(trace_open(&path, 1, &trace, &error), 0);
	assert_int_equal(trace_reader_create(trace, &all, &reader, &error), 0);
	while (trace_reader_next(reader, &event)) {
		assert_true(event.tsc >= last);
		last = event.tsc;
		assert_true(count + 1 < size);
		letters[count++] = event.type->id == EVENT_ID_mark ? 'm'
			: event.type->id == EVENT_ID_marker        ? 't'
			: event.type->id == TRACE_EVENT_LOST       ? 'L'
								   : 's';
	}
	letters[count] = '\0';
	assert_int_equal(trace_reader_damage(reader, &error), 0);
	trace_reader_destroy(reader);
	trace_close(trace);
}

static void test_batches_by_page_and_by_registers(void **state)
{
	struct hypercall_maker *maker = *state;
	struct hypercall_cpu *cpu = &maker->machine->cpus[1];
	uint8_t records[256];
	char letters[64];
	size_t bytes;

	bytes = hypercall_maker_flush(maker, 1, records, make_calls(records, 10, 1000), 10, 1000, 1095);
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	assert_int_equal(cpu->recorded, 10);
	bytes = hypercall_maker_registers(maker, 1, records, make_calls(records, 3, 2000), 3);
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	assert_int_equal(cpu->recorded, 13);
	for (unsigned cause = 0; cause < TRACE_LOST_CAUSES; cause++)
		assert_int_equal(cpu->lost[cause], 0);
	read_back(maker, letters, sizeof(letters));
	assert_string_equal(letters, "sssssssssssss");
}

/* Marks of the host's time 1025, 1065 and 5000 lie between the guest's records of those times, and after all. */
static void test_marks_lie_where_they_belong(void **state)
{
	struct hypercall_maker *maker = *state;
	uint8_t records[256];
	char letters[64];
	size_t bytes;

	/* a first FLUSH tells what the TSC is: as many ns, ten ns earlier */
	bytes = hypercall_maker_flush(maker, 1, records, make_calls(records, 1, 500), 1, 500, 500);
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	take_mark(maker->machine, 101, 1035, 1);
	take_mark(maker->machine, 101, 1075, 2);
	take_mark(maker->machine, 101, 5000, 3);
	bytes = hypercall_maker_flush(maker, 1, records, make_calls(records, 10, 1000), 10, 1000, 1095);
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	read_back(maker, letters, sizeof(letters));
	/* 500; 1000, 1010, 1020, mark at 1025, 1030 … 1060, mark at 1065, 1070, 1080, 1090, mark at 4990 */
	assert_string_equal(letters, "ssssmssssmsssm");
}

static void test_a_guest_s_own_losses(void **state)
{
	struct hypercall_maker *maker = *state;
	struct hypercall_cpu *cpu = &maker->machine->cpus[0];
	uint8_t records[64];
	const uint32_t length = make_calls(records, 1, 100);
	size_t bytes = hypercall_maker_flush(maker, 0, records, length, 1, 100, 100);

	maker->record->args[2] = 0xfffe; /* before we came */
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	assert_int_equal(cpu->lost[TRACE_LOST_FULL], 0);
	make_calls(records, 1, 200);
	bytes = hypercall_maker_flush(maker, 0, records, length, 1, 200, 200);
	maker->record->args[2] = 1 | 2ull << 16 | 5ull << 32; /* modulo 2^16 */
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	assert_int_equal(cpu->lost[TRACE_LOST_FULL], 3);
	assert_int_equal(cpu->lost[TRACE_LOST_NESTED], 2);
	assert_int_equal(cpu->lost[TRACE_LOST_OVERSIZE], 5);
	hypercall_machine_lose(maker->machine, 100, 7);
	assert_int_equal(cpu->lost[TRACE_LOST_FULL], 10);
	assert_int_equal(cpu->recorded, 2);
}

/* What a guest may say instead of the truth, each with what becomes of the ten events it claims. */
static const struct {
	const char *what;
	size_t offset; /* of the changed bytes in the record */
	uint64_t value;
	uint32_t bytes;
	enum trace_lost cause;
	uint32_t recorded;
} lies[] = {
#define AT(member)     offsetof(struct hypercall_record, member)
#define PACKET(member) (AT(packet) + offsetof(struct ht_packet, member))
#define RECORD(n)      (AT(packet) + sizeof(struct ht_packet) + (n))
	{"the packet could not be copied", AT(copied), (uint32_t)-EFAULT, 4, TRACE_LOST_OVERWRITTEN, 0},
	{"another length in the packet", PACKET(content_bytes), 4096, 4, TRACE_LOST_DAMAGED, 0},
	{"another count in the packet", PACKET(events), 9, 4, TRACE_LOST_DAMAGED, 0},
	{"its end before its beginning", PACKET(end_tsc), 5, 8, TRACE_LOST_DAMAGED, 0},
	{"begun after its first record", PACKET(begin_tsc), 1050, 8, TRACE_LOST_DAMAGED, 0},
	{"ended before its last record", PACKET(end_tsc), 1050, 8, TRACE_LOST_DAMAGED, 0},
	{"no such event", RECORD(0), 47u << 5 | 31, 4, TRACE_LOST_DAMAGED, 0},
	{"text longer than the packet", RECORD(0), 32u << 5 | 31, 4, TRACE_LOST_DAMAGED, 0},
	{"a record that was never finished", RECORD(13), 0, 1, TRACE_LOST_TORN, 1},
	{"a time in the far future first", RECORD(4), UINT64_MAX, 8, TRACE_LOST_DAMAGED, 0},
#undef AT
#undef PACKET
#undef RECORD
};

static void test_lies(void **state)
{
	struct hypercall_maker *maker = *state;
	struct hypercall_cpu *cpu = &maker->machine->cpus[0];
	uint8_t records[256];

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const uint64_t recorded = cpu->recorded, lost = cpu->lost[lies[i].cause];
		const size_t bytes = hypercall_maker_flush(
			maker, 0, records, make_calls(records, 10, 1000), 10, 1000, 1095);

		cpu->last_tsc = 0;
		memcpy((uint8_t *)maker->record + lies[i].offset, &lies[i].value, lies[i].bytes);
		hypercall_machine_batch(maker->machine, maker->record, bytes);
		if (cpu->recorded - recorded != lies[i].recorded ||
			cpu->lost[lies[i].cause] - lost != 10 - lies[i].recorded)
			fail_msg("%s: %u recorded, %u lost", lies[i].what,
				(unsigned)(cpu->recorded - recorded),
				(unsigned)(cpu->lost[lies[i].cause] - lost));
		maker->common.disk_full = false;
		cpu->last_tsc = 0;
		maker->machine->output.streams[0].stream.last_end_tsc = 0;
	}
}

static void test_no_vcpu_of_this_guest(void **state)
{
	struct hypercall_maker *maker = *state;
	uint8_t records[64];
	size_t bytes = hypercall_maker_flush(maker, 2, records, make_calls(records, 2, 10), 2, 10, 20);

	hypercall_machine_batch(maker->machine, maker->record, bytes);
	bytes = hypercall_maker_flush(maker, 60000, records, 26, 2, 10, 20);
	hypercall_machine_batch(maker->machine, maker->record, bytes);
	assert_int_equal(maker->machine->misplaced, 4);
	assert_int_equal(maker->machine->cpus[0].recorded + maker->machine->cpus[1].recorded, 0);
}

static void test_header(void **state)
{
	struct hypercall_maker *maker = *state;
	struct ht_region header = maker->header;
	struct error error = {0};

	assert_int_equal(hypercall_machine_check(&header, &error), 0);
	header.nr_rings = HT_MAX_RINGS + 1;
	assert_int_equal(hypercall_machine_check(&header, &error), -EBADMSG);
	header.abi_version++;
	assert_int_equal(hypercall_machine_check(&header, &error), -EPROTO);
	header.magic = 0;
	assert_int_equal(hypercall_machine_check(&header, &error), -EBADMSG);
}

static void test_text(void **state)
{
	struct hypercall_marks marks;
	struct hypercall_record record = {.number = HT_HYPERCALL_TEXT, .tid = 5};

	(void)state;
	assert_int_equal(hypercall_marks_init(&marks), 0);
	for (unsigned i = 0; i < 12; i++) { /* longer than is kept, and more bytes than a call has */
		record.args[0] = 200 | (i < 11 ? HT_TEXT_MORE : 0);
		memset(&record.args[1], 'a' + (int)i, 24);
		hypercall_marks_take(&marks, &record);
	}
	assert_int_equal(marks.count, 1);
	assert_int_equal(hypercall_marks_oldest(&marks)->bytes, HT_TEXT_MAX_TOTAL);
	assert_memory_equal(hypercall_marks_oldest(&marks)->text + 24, "bbbbbbbbbbbbbbbbbbbbbbbb", 24);
	/* a message of a STAGE is no mark */
	record.args[0] = 3 | HT_TEXT_STAGE;
	hypercall_marks_take(&marks, &record);
	assert_int_equal(marks.count, 1);
	assert_int_equal(marks.stage.bytes, 3);
	/* unfinished ones push each other out, and too many are counted */
	for (unsigned i = 0; i < 2 * HYPERCALL_TEXTS; i++) {
		record.tid = 100 + i;
		record.args[0] = 1 | HT_TEXT_MORE;
		hypercall_marks_take(&marks, &record);
	}
	assert_int_equal(marks.dropped, HYPERCALL_TEXTS);
	record.number = HT_HYPERCALL_MARK;
	for (unsigned i = 0; i < HYPERCALL_MARKS_MAX; i++)
		hypercall_marks_take(&marks, &record);
	assert_int_equal(marks.count, HYPERCALL_MARKS_MAX);
	assert_int_equal(marks.dropped, HYPERCALL_TEXTS + 1);
	hypercall_marks_deinit(&marks);
}

static void test_clock(void **state)
{
	struct hypercall_flushed flushed = {0};
	struct hypercall_clock clock;
	struct clock_point point;
	uint64_t tsc;

	(void)state;
	/* 3 units in a ns; a call takes 3000 units there and 3000 back; what the guest believes is wrong */
	hypercall_clock_init(&clock, 1);
	for (unsigned i = 0; i <= 100; i++) {
		const uint64_t sent = 3000000ull * (i + 1);
		const int64_t host_ns = (int64_t)sent / 3 + 1000;

		if (hypercall_clock_flush(
			    &clock, &flushed, sent, host_ns, i ? sent - 3000000 + 6000 : 0, &point))
			break;
	}
	assert_int_equal(clock.last.host_ns / 1000000, 101);
	assert_int_equal(hypercall_clock_khz(&clock), 3000000);
	assert_int_equal((int64_t)point.tsc / 3, point.host_ns);
	assert_in_range(point.bound_ns, 1000, 1002);
	assert_true(hypercall_clock_tsc(&clock, clock.last.host_ns + 1000, &tsc));
	assert_int_equal(tsc, clock.last.tsc + 3000);
	/* nonsense is no pair */
	assert_false(hypercall_clock_flush(&clock, &flushed, 5, clock.last.host_ns + 1, 1, &point));
	assert_false(hypercall_clock_rest(&clock, &point));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_batches_by_page_and_by_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks_lie_where_they_belong, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_guest_s_own_losses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_vcpu_of_this_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header, setup, teardown),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
