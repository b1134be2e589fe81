/* SPDX-License-Identifier: MIT */
/* Events of a boot, through the schema, to its analysis; and two boots compared. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/analysis/boot.h"
#include "lib/analysis/boot_compare.h"
#include "tests/unit/trace_maker.h"

#define MS 1000000ull

static struct event_schema *schema;
static struct event_type lost = {.id = 0, .name = "lost"};

struct machine {
	struct boot *boot;
	struct names *names; /* where it stays, for the analysis keeps it */
};

static struct machine begin(const char *until, uint64_t power_on_ns)
{
	static const char symbols[] = "ffffffff81000000 t con_init\nffffffff81000100 t acpi_init\n"
				      "ffffffff81000200 t net_init\nffffffff81000300 t other\n";
	struct machine machine = {.names = calloc(1, sizeof(*machine.names))};
	struct boot_options options = {
		.schema = schema,
		.lost_type = &lost,
		.nr_cpus = 2,
		.until = until,
		.power_on_ns = power_on_ns,
	};

	assert_non_null(machine.names);
	assert_int_equal(names_parse_symbols(machine.names, symbols, strlen(symbols)), 0);
	options.names = machine.names;
	assert_int_equal(boot_create(&options, &machine.boot), 0);
	return machine;
}

static void end(struct machine *machine)
{
	boot_destroy(machine->boot);
	names_deinit(machine->names);
	free(machine->names);
}

/* `payload` is copied, so that the analyses must take what they keep. */
static void feed(struct machine *machine, uint32_t id, const void *payload, size_t bytes, uint32_t cpu,
	uint32_t pid, uint64_t now)
{
	uint8_t copy[256] = {0};

	memcpy(copy, payload, bytes);
	boot_add(machine->boot, id ? schema->types[id] : &lost, copy, cpu, pid, now);
	memset(copy, 0xff, sizeof(copy));
}

static void number(
	struct machine *machine, uint32_t id, uint64_t value, uint32_t cpu, uint32_t pid, uint64_t now)
{
	feed(machine, id, &value, sizeof(value), cpu, pid, now);
}

static void text(struct machine *machine, uint32_t id, const char *value, uint32_t pid, uint64_t now)
{
	uint8_t payload[128] = {0};
	uint32_t fixed = schema->types[id]->fixed_bytes;
	uint16_t length = (uint16_t)strlen(value);

	memcpy(payload + fixed - 2, &length, 2);
	memcpy(payload + fixed, value, length);
	feed(machine, id, payload, fixed + length, 0, pid, now);
}

static void start(struct machine *machine, uint64_t func, uint32_t cpu, uint32_t pid, uint64_t now)
{
	number(machine, MAKER_INITCALL_START, func, cpu, pid, now);
}

static void finish(
	struct machine *machine, uint64_t func, int32_t ret, uint32_t cpu, uint32_t pid, uint64_t now)
{
	struct {
		uint64_t func;
		int32_t ret;
	} __attribute__((packed)) payload = {func, ret};

	feed(machine, MAKER_INITCALL_FINISH, &payload, sizeof(payload), cpu, pid, now);
}

static void fork_task(struct machine *machine, uint32_t parent, uint32_t child, uint32_t tgid,
	const char *comm, uint64_t now)
{
	struct {
		uint32_t parent, child, tgid;
		char comm[16];
	} payload = {parent, child, tgid, ""};

	memcpy(payload.comm, comm, strlen(comm));
	feed(machine, MAKER_TASK, &payload, sizeof(payload), 0, parent, now);
}

static void name(
	struct machine *machine, uint32_t id, uint32_t pid, const char *comm, uint32_t cpu, uint64_t now)
{
	struct {
		uint32_t pid;
		char comm[16];
	} payload = {pid, ""};

	memcpy(payload.comm, comm, strlen(comm));
	feed(machine, id, &payload, sizeof(payload), cpu, pid, now);
}

/* `state`: 1 sleeps, 256 preempted */
static void run(
	struct machine *machine, uint32_t cpu, uint32_t prev, uint32_t next, unsigned state, uint64_t now)
{
	number(machine, MAKER_SWITCH, next | (uint64_t)state << 22, cpu, prev, now);
}

#define CON  0xffffffff81000000
#define ACPI 0xffffffff81000100
#define NET  0xffffffff81000200
#define MOD  0xffffffffc0001000

/*
 * A boot of 100 ms from its first event, at 1000 ms on. acpi_init sleeps 20 ms of its 30; the module's initcall takes
 * `module_ms`.
 */
static void feed_boot(struct machine *m, uint64_t module_ms)
{
	uint64_t t = 1000 * MS, late = module_ms * MS;

	text(m, MAKER_CONSOLE, "Linux version\n", 0, t);
	text(m, MAKER_INITCALL_LEVEL, "console", 0, t + 2 * MS);
	start(m, CON, 0, 0, t + 3 * MS);
	finish(m, CON, 0, 0, 0, t + 4 * MS);
	fork_task(m, 0, 1, 1, "swapper/0", t + 9 * MS);
	fork_task(m, 0, 2, 2, "swapper/0", t + 9 * MS);
	run(m, 0, 0, 1, 256, t + 10 * MS);
	text(m, MAKER_INITCALL_LEVEL, "early", 1, t + 12 * MS);
	fork_task(m, 2, 20, 20, "kthreadd", t + 13 * MS);
	text(m, MAKER_INITCALL_LEVEL, "subsys", 1, t + 15 * MS);
	text(m, MAKER_CONSOLE, "ACPI: something", 1, t + 19 * MS);
	start(m, ACPI, 0, 1, t + 20 * MS);
	run(m, 0, 1, 0, 1, t + 25 * MS);
	run(m, 0, 0, 1, 0, t + 45 * MS);
	finish(m, ACPI, -19, 0, 1, t + 50 * MS);
	start(m, NET, 0, 1, t + 51 * MS);
	finish(m, NET, 0, 0, 1, t + 52 * MS);
	text(m, MAKER_CONSOLE, "Run /init as init process", 1, t + 59 * MS);
	name(m, MAKER_EXEC, 1, "init", 0, t + 60 * MS);
	fork_task(m, 1, 30, 30, "init", t + 61 * MS);
	fork_task(m, 30, 31, 30, "init", t + 61 * MS); /* a thread */
	run(m, 0, 1, 30, 1, t + 62 * MS);
	name(m, MAKER_EXEC, 30, "modprobe", 0, t + 63 * MS);
	text(m, MAKER_MODULE_LOAD, "slow", 30, t + 64 * MS);
	start(m, MOD, 0, 30, t + 65 * MS);
	finish(m, MOD, 0, 0, 30, t + 65 * MS + late);
	number(m, MAKER_EXIT, 30, 0, 30, t + 67 * MS + late);
	run(m, 0, 30, 1, 16, t + 68 * MS + late);
	fork_task(m, 1, 40, 40, "init", t + 69 * MS + late);
	name(m, MAKER_RENAME, 40, "worker", 1, t + 69 * MS + late);
	name(m, MAKER_EXEC, 40, "sshd", 1, t + 70 * MS + late);
	name(m, MAKER_EXEC, 40, "sshd", 1, t + 80 * MS + late);
	run(m, 0, 1, 0, 1, t + 100 * MS + late);
	boot_finish(m->boot);
}

static const struct boot_stage *stage(const struct boot *boot, const char *name)
{
	for (uint32_t i = 0; i < boot->nr_stages; i++)
		if (!strcmp(boot->stages[i].name, name))
			return &boot->stages[i];
	fail_msg("no stage %s", name);
	return NULL;
}

static void test_stages(void **state)
{
	struct machine m = begin(NULL, 700 * MS);
	static const char *const names[] = {"before the first event", "kernel start", "console",
		"set-up after console", "early", "start of other CPUs", "subsys", "after the initcalls",
		"user space: init"};
	const struct boot *b = m.boot;

	(void)state;
	feed_boot(&m, 1);
	assert_int_equal(b->nr_stages, sizeof(names) / sizeof(names[0]));
	for (uint32_t i = 0; i < b->nr_stages; i++) {
		assert_string_equal(b->stages[i].name, names[i]);
		if (i) /* no time is left out, and none is there twice */
			assert_int_equal(b->stages[i].from_ns, b->stages[i - 1].to_ns);
	}
	assert_int_equal(boot_total_ns(b), 401 * MS);
	assert_int_equal(stage(b, "before the first event")->to_ns, 1000 * MS);
	assert_int_equal(stage(b, "console")->to_ns, 1004 * MS);
	assert_int_equal(stage(b, "early")->to_ns, 1012 * MS); /* it has no initcall */
	assert_int_equal(stage(b, "subsys")->to_ns, 1052 * MS);
	assert_true(stage(b, "subsys")->knows_busy);
	assert_int_equal(stage(b, "subsys")->busy_ns, 17 * MS);
	assert_false(stage(b, "console")->knows_busy);
	assert_int_equal(stage(b, "user space: init")->busy_ns, 72 * MS); /* CPU 1 from its first event on */
	end(&m);
}

static void test_initcalls(void **state)
{
	struct machine m = begin(NULL, 0);
	const struct initcalls *i = &m.boot->initcalls;

	(void)state;
	feed_boot(&m, 1);
	assert_int_equal(i->finished, 4);
	assert_int_equal(i->own, 3);
	assert_int_equal(i->rows[1].away_ns, 20 * MS);
	assert_int_equal(i->rows[1].ret, -19);
	assert_string_equal(i->levels[i->rows[1].level].name, "subsys");
	assert_string_equal(i->rows[3].module, "slow");
	assert_int_equal(i->rows[3].level, INITCALL_NO_LEVEL);
	assert_string_equal(initcall_full_name(m.names, 0, &i->rows[1]).text, "acpi_init");
	assert_string_equal(initcall_full_name(m.names, 0, &i->rows[3]).text, "init [slow]");
	assert_string_equal(initcall_full_name(NULL, 0xffffffff81000000, &i->rows[1]).text, "0x100");
	assert_int_equal(i->gaps[0].to_ns - i->gaps[0].from_ns, 5 * MS);
	end(&m);
}

static void test_programs(void **state)
{
	struct machine m = begin(NULL, 0);
	const struct boot_processes *p = &m.boot->processes;

	(void)state;
	feed_boot(&m, 1);
	assert_int_equal(p->forks, 3); /* init, modprobe, sshd */
	assert_int_equal(p->execs, 4);
	assert_int_equal(p->threads, 1);
	assert_int_equal(p->kernel_threads, 2);
	assert_int_equal(p->nr_rows, 4);
	assert_string_equal(p->rows[0].comm, "init");
	assert_int_equal(p->rows[0].end_ns, 0);
	assert_int_equal(p->rows[0].run_ns, 34 * MS); /* from its exec on: 60..62, 69..101 */
	assert_string_equal(p->rows[1].comm, "modprobe");
	assert_string_equal(p->rows[1].parent_comm, "init");
	assert_int_equal(p->rows[1].exec_ns, 1063 * MS);
	assert_int_equal(p->rows[1].end_ns, 1068 * MS);
	assert_int_equal(p->rows[1].run_ns, 5 * MS);
	assert_true(p->rows[2].replaced);
	assert_int_equal(p->rows[2].end_ns, 1081 * MS);
	assert_int_equal(p->rows[3].exec_ns, 1081 * MS);
	assert_int_equal(p->rows[3].parent_pid, 1);
	assert_int_equal(activity_between(&m.boot->busy, 1000 * MS, 1200 * MS), 102 * MS);
	assert_int_equal(activity_between(p->rows[1].activity, 1000 * MS, 1200 * MS),
		6 * MS); /* before its exec, too */
	end(&m);
}

static void test_messages(void **state)
{
	struct machine m = begin(NULL, 0);
	const struct message_gaps *g = &m.boot->messages;

	(void)state;
	feed_boot(&m, 1);
	assert_int_equal(g->count, 3);
	assert_int_equal(g->nr_items, 2);
	assert_int_equal(g->items[0].gap_ns, 40 * MS);
	assert_int_equal(g->items[0].bytes, strlen("Run /init as init process"));
	assert_memory_equal(g->items[1].text, "ACPI", 4);
	end(&m);
}

static void test_until(void **state)
{
	struct machine m = begin("modprobe", 0), never = begin("nginx", 0);

	(void)state;
	feed_boot(&m, 1);
	assert_true(m.boot->until_found);
	assert_int_equal(boot_total_ns(m.boot), 63 * MS);
	assert_int_equal(m.boot->initcalls.finished, 3);
	feed_boot(&never, 1);
	assert_false(never.boot->until_found);
	assert_int_equal(boot_total_ns(never.boot), 101 * MS);
	end(&m);
	end(&never);
}

static void test_lost_events(void **state)
{
	struct machine m = begin(NULL, 0);
	const struct boot *b = m.boot;

	(void)state;
	text(&m, MAKER_CONSOLE, "one", 1, 5);
	text(&m, MAKER_INITCALL_LEVEL, "device", 1, 10);
	run(&m, 0, 0, 1, 0, 15);
	start(&m, ACPI, 0, 1, 20);
	text(&m, MAKER_MODULE_LOAD, "m", 30, 25);
	number(&m, 0, 7, 1, 0, 30);
	finish(&m, ACPI, 0, 0, 1, 40);
	start(&m, MOD, 1, 30, 50);
	finish(&m, MOD, 0, 1, 30, 60);
	text(&m, MAKER_CONSOLE, "two", 1, 90);
	boot_finish(m.boot);
	assert_int_equal(b->lost, 7);
	assert_int_equal(b->initcalls.finished, 2);
	assert_int_equal(b->initcalls.rows[0].end_ns, 40);
	assert_int_equal(b->initcalls.rows[0].away_ns, INITCALL_AWAY_UNKNOWN);
	assert_string_equal(b->initcalls.rows[1].module, "");
	assert_false(b->initcalls.rows[1].own);
	assert_int_equal(b->messages.nr_items, 0);
	end(&m);
}

static void test_parts_of_a_boot(void **state)
{
	struct machine user = begin(NULL, 10), late = begin(NULL, 0), none = begin(NULL, 0);

	(void)state;
	name(&user, MAKER_EXEC, 50, "sh", 0, 100); /* no start of the kernel, none of init */
	boot_finish(user.boot);
	assert_false(boot_has_kernel(user.boot) || boot_has_init(user.boot));
	assert_int_equal(user.boot->nr_stages, 1);
	assert_string_equal(user.boot->stages[0].name, "user space");

	start(&late, NET, 0, 1, 100); /* the trace begins within the levels */
	finish(&late, NET, 0, 0, 1, 150);
	name(&late, MAKER_EXEC, 1, "init", 0, 170);
	name(&late, MAKER_EXEC, 1, "systemd", 0, 190);
	number(&late, MAKER_EXIT, 99, 0, 1, 250);
	boot_finish(late.boot);
	assert_true(boot_has_kernel(late.boot) && boot_has_init(late.boot));
	assert_int_equal(late.boot->nr_stages, 4);
	assert_int_equal(late.boot->initcalls.rows[0].level, INITCALL_NO_LEVEL);
	assert_int_equal(stage(late.boot, "initcalls of unknown levels")->to_ns, 150);
	assert_int_equal(stage(late.boot, "user space: init")->to_ns, 190);
	assert_int_equal(stage(late.boot, "user space: systemd")->to_ns, 250);

	boot_finish(none.boot);
	assert_int_equal(none.boot->nr_stages, 0);
	assert_int_equal(boot_total_ns(none.boot), 0);
	end(&user);
	end(&late);
	end(&none);
}

static void test_a_second_boot(void **state)
{
	struct machine m = begin(NULL, 1), old = begin(NULL, 1000);

	(void)state;
	text(&m, MAKER_INITCALL_LEVEL, "late", 1, 100);
	name(&m, MAKER_EXEC, 1, "init", 0, 200);
	text(&m, MAKER_CONSOLE, "bye", 1, 300);
	text(&m, MAKER_INITCALL_LEVEL, "console", 0, 5000);
	start(&m, CON, 0, 0, 5100);
	boot_finish(m.boot);
	assert_int_equal(m.boot->again_ns, 5000);
	assert_int_equal(boot_total_ns(m.boot), 299); /* from power-on at 1 */
	assert_int_equal(m.boot->events, 3);
	assert_int_equal(m.boot->initcalls.nr_levels, 1);
	assert_int_equal(m.boot->initcalls.unfinished, 0);

	/* hours after power-on: of another start of the same machine */
	text(&old, MAKER_INITCALL_LEVEL, "late", 1, 3600 * 1000 * MS);
	boot_finish(old.boot);
	assert_string_equal(old.boot->stages[0].name, "late");
	end(&m);
	end(&old);
}

/* The channel shm carries what it has no event of its own for as a generic tracepoint, with its format beside it. */
static void test_generic_tracepoints(void **state)
{
	static const char start_format[] =
		"name: initcall_start\nID: 5\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\n\tfield:initcall_t func;\toffset:8;\tsize:8;\tsigned:0;\n\nprint fmt: \"\"\n";
	static const char finish_format[] = "name: initcall_finish\nID: 6\nformat:\n"
					    "\tfield:initcall_t func;\toffset:8;\tsize:8;\tsigned:0;\n"
					    "\tfield:int ret;\toffset:16;\tsize:4;\tsigned:1;\n";
	static const char load_format[] =
		"name: module_load\nformat:\n\tfield:unsigned int taints;\toffset:8;\tsize:4;\tsigned:0;\n"
		"\tfield:__data_loc char[] name;\toffset:12;\tsize:4;\tsigned:1;\n";
	struct machine m = begin(NULL, 0);
	const char *formats[] = {start_format, finish_format, load_format};
	uint8_t payload[64];

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t *place = hash_map_put(&m.names->formats, 5 + i);

		assert_non_null(place);
		*place = (uintptr_t)strdup(formats[i]);
	}
	/* format, length, record: 16 bytes, then "dummy" and a NUL */
	memset(payload, 0, sizeof(payload));
	memcpy(payload, "\x07\0\0\0\x16\0", 6);
	memcpy(payload + 6 + 12,
		"\x10\0\x06\0"
		"dummy",
		10);
	feed(&m, MAKER_RAW, payload, 28, 0, 30, 100);
	memset(payload, 0, sizeof(payload));
	memcpy(payload, "\x05\0\0\0\x10\0", 6);
	memcpy(payload + 6 + 8, &(uint64_t){MOD}, 8);
	feed(&m, MAKER_RAW, payload, 22, 0, 30, 110);
	memcpy(payload, "\x06\0\0\0\x14\0", 6);
	memcpy(payload + 6 + 16, &(int32_t){-5}, 4);
	feed(&m, MAKER_RAW, payload, 26, 0, 30, 150);
	memcpy(payload, "\x06\0\0\0\x12\0", 6); /* `ret` is beyond the record's end */
	feed(&m, MAKER_RAW, payload, 24, 0, 30, 160);
	memcpy(payload, "\x09\0\0\0\x12\0", 6); /* of no known format */
	feed(&m, MAKER_RAW, payload, 24, 0, 30, 160);
	boot_finish(m.boot);
	assert_int_equal(m.boot->initcalls.finished, 1);
	assert_int_equal(m.boot->initcalls.unstarted, 0);
	assert_string_equal(m.boot->initcalls.rows[0].module, "dummy");
	assert_int_equal(m.boot->initcalls.rows[0].ret, -5);
	assert_int_equal(m.boot->initcalls.rows[0].end_ns, 150);
	end(&m);
}

static void test_compare(void **state)
{
	struct machine a = begin(NULL, 0), b = begin(NULL, 0), c = begin("modprobe", 900 * MS);
	struct boot_comparison x;
	const struct boot_change *cause;

	(void)state;
	feed_boot(&a, 1);
	feed_boot(&b, 501);
	feed_boot(&c, 1);
	assert_int_equal(boot_compare(&x, &(struct boot_side){a.boot, a.names, 0},
				 &(struct boot_side){b.boot, b.names, 0}),
		0);
	assert_int_equal(x.b_total_ns - x.a_total_ns, 500 * MS);
	cause = boot_comparison_cause(&x, MS);
	assert_non_null(cause);
	assert_int_equal(cause->kind, BOOT_CHANGE_INITCALL); /* not its modprobe, nor user space */
	assert_string_equal(cause->name, "init [slow]");
	assert_int_equal(boot_change_ns(cause), 500 * MS);
	assert_string_equal(x.rows[BOOT_CHANGE_INITCALL][0].name, "init [slow]");
	assert_int_equal(x.nr_rows[BOOT_CHANGE_INITCALL], 4);
	assert_string_equal(x.rows[BOOT_CHANGE_PROGRAM][0].name, "modprobe");
	assert_int_equal(
		x.nr_rows[BOOT_CHANGE_PROGRAM], 2); /* the first sshd, too: what runs at the end is not */
	assert_string_equal(x.rows[BOOT_CHANGE_STAGE][0].name, "kernel start");
	boot_comparison_deinit(&x);

	/* the other way round; what is gone; power-on is known of one only */
	assert_int_equal(boot_compare(&x, &(struct boot_side){b.boot, b.names, 0},
				 &(struct boot_side){c.boot, c.names, 0}),
		0);
	assert_false(x.from_power_on);
	assert_int_equal(x.b_total_ns, 63 * MS);
	cause = boot_comparison_cause(&x, MS);
	assert_string_equal(cause->name, "init [slow]");
	assert_false(cause->in_b);
	assert_int_equal(boot_change_ns(cause), -501 * (int64_t)MS);
	boot_comparison_deinit(&x);

	assert_int_equal(
		boot_compare(&x, &(struct boot_side){a.boot, NULL, 0}, &(struct boot_side){a.boot, NULL, 0}),
		0);
	assert_null(boot_comparison_cause(&x, MS));
	assert_int_equal(x.a_total_ns, x.b_total_ns);
	boot_comparison_deinit(&x);
	end(&a);
	end(&b);
	end(&c);
}

static void test_activity(void **state)
{
	struct activity a;

	(void)state;
	activity_init(&a, 1000);
	activity_add(&a, 500, 1000 + 3 * ACTIVITY_FIRST_STEP / 2);
	assert_int_equal(a.busy_ns[0], ACTIVITY_FIRST_STEP);
	assert_int_equal(a.busy_ns[1], ACTIVITY_FIRST_STEP / 2);
	activity_add(&a, 1000 + 600ull * ACTIVITY_FIRST_STEP, 1000 + 601ull * ACTIVITY_FIRST_STEP);
	assert_int_equal(a.step_ns, 4 * ACTIVITY_FIRST_STEP);
	assert_int_equal(a.busy_ns[0], 3 * ACTIVITY_FIRST_STEP / 2);
	assert_int_equal(a.busy_ns[150], ACTIVITY_FIRST_STEP);
	activity_add(&a, 0, UINT64_MAX); /* no time at all */
	assert_int_equal(a.step_ns, 4 * ACTIVITY_FIRST_STEP);
	activity_add(&a, UINT64_MAX / 4, UINT64_MAX / 4 + 10);
	assert_int_equal(activity_between(&a, 0, UINT64_MAX), 5 * ACTIVITY_FIRST_STEP / 2 + 10);
}

static int set_up(void **state)
{
	(void)state;
	schema = maker_schema();
	return event_type_add_field(&lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	event_schema_destroy(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_initcalls),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_lost_events),
		cmocka_unit_test(test_parts_of_a_boot),
		cmocka_unit_test(test_a_second_boot),
		cmocka_unit_test(test_generic_tracepoints),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_activity),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
