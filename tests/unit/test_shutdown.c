/* SPDX-License-Identifier: MIT */
/* The end of a machine, out of a function graph and without one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/shutdown.h"
#include "tests/unit/trace_maker.h"

#define MS 1000000ull

/* Addresses of the symbols below, 0x100 apart. */
enum {
	RESTART,
	PREPARE,
	CHAIN,
	CHAIN2,
	DOWN_READ,
	MD_NOTIFY,
	MSLEEP,
	TIMEOUT,
	SCHEDULE,
	OTHER_NOTIFY,
	DEVICES,
	LOCK,
	PCI_SHUTDOWN,
	SYSCORE,
	CORE_SHUTDOWN,
	MACHINE,
	NATIVE,
	LAST,
	REBOOT_CALL,
};
static const char *const symbols[] = {"kernel_restart", "kernel_restart_prepare",
	"blocking_notifier_call_chain", "notifier_call_chain.isra.0", "down_read", "md_notify_reboot",
	"msleep", "schedule_timeout_uninterruptible", "schedule", "other_notify", "device_shutdown",
	"mutex_lock", "pci_device_shutdown", "syscore_shutdown", "mce_syscore_shutdown", "machine_restart",
	"native_machine_restart", "acpi_reboot", "__do_sys_reboot"};

static struct names names;
static struct event_schema *schema;
static struct event_type lost = {.id = 0, .name = "lost"};

static uint64_t at(int symbol)
{
	return 0xffffffff81000000 + 0x100 * (uint64_t)symbol + 4; /* behind its endbr64 */
}

/* --- the graph alone --- */

static void enter(struct shutdown_graph *graph, int symbol, uint32_t depth, uint64_t now)
{
	shutdown_graph_enter(graph, 1, 0, at(symbol), depth, now);
}

static void leave(struct shutdown_graph *graph, int symbol, uint32_t depth, uint64_t took, uint64_t now)
{
	shutdown_graph_leave(graph, 1, 0, at(symbol), depth, took, now);
}

/* kernel_restart() with a notifier that sleeps a second in it, from 1000 on. */
static void feed_whole(struct shutdown_graph *graph)
{
	enter(graph, RESTART, 0, 1000 * MS);
	enter(graph, PREPARE, 1, 1001 * MS);
	enter(graph, CHAIN, 2, 1002 * MS);
	enter(graph, DOWN_READ, 3, 1002 * MS);
	leave(graph, DOWN_READ, 3, 0, 1002 * MS + 500);
	enter(graph, CHAIN2, 3, 1003 * MS);
	enter(graph, MD_NOTIFY, 4, 1004 * MS);
	enter(graph, MSLEEP, 5, 1005 * MS);
	enter(graph, TIMEOUT, 6, 1005 * MS);
	enter(graph, SCHEDULE, 7, 1006 * MS);
	leave(graph, SCHEDULE, 7, 0, 2005 * MS);
	leave(graph, TIMEOUT, 6, 0, 2005 * MS);
	leave(graph, MSLEEP, 5, 0, 2006 * MS);
	leave(graph, MD_NOTIFY, 4, 0, 2010 * MS);
	enter(graph, OTHER_NOTIFY, 4, 2010 * MS);
	enter(graph, CHAIN, 5, 2010 * MS); /* a notifier's own chain */
	enter(graph, MD_NOTIFY, 6, 2010 * MS);
	leave(graph, MD_NOTIFY, 6, 0, 2011 * MS);
	leave(graph, CHAIN, 5, 0, 2011 * MS);
	leave(graph, OTHER_NOTIFY, 4, 0, 2012 * MS);
	leave(graph, CHAIN2, 3, 0, 2013 * MS);
	leave(graph, CHAIN, 2, 0, 2014 * MS);
	enter(graph, DEVICES, 2, 2015 * MS);
	enter(graph, LOCK, 3, 2015 * MS);
	leave(graph, LOCK, 3, 0, 2015 * MS + 100);
	enter(graph, LOCK, 3, 2016 * MS);
	leave(graph, LOCK, 3, 0, 2018 * MS); /* somebody had it */
	shutdown_graph_message(graph, "nvme 0000:00:04.0: shutdown", 27);
	shutdown_graph_message(graph, ": shutdown", 10); /* of none */
	enter(graph, PCI_SHUTDOWN, 3, 2018 * MS);
	leave(graph, PCI_SHUTDOWN, 3, 0, 2028 * MS);
	leave(graph, DEVICES, 2, 0, 2030 * MS);
	leave(graph, PREPARE, 1, 0, 2031 * MS);
	enter(graph, SYSCORE, 1, 2032 * MS);
	enter(graph, CORE_SHUTDOWN, 2, 2032 * MS);
	leave(graph, CORE_SHUTDOWN, 2, 0, 2033 * MS);
	leave(graph, SYSCORE, 1, 0, 2034 * MS);
	enter(graph, MACHINE, 1, 2035 * MS);
	enter(graph, NATIVE, 2, 2035 * MS);
	enter(graph, LAST, 3, 2036 * MS);
}

static const struct shutdown_call *call(const struct shutdown_graph *graph, int symbol)
{
	for (size_t i = 0; i < graph->nr_calls; i++)
		if (graph->calls[i].func == at(symbol))
			return &graph->calls[i];
	fail_msg("no call of %s", symbols[symbol]);
	return NULL;
}

static void test_graph(void **state)
{
	struct shutdown_graph g;

	(void)state;
	assert_int_equal(shutdown_graph_init(&g, &names), 0);
	feed_whole(&g);
	shutdown_graph_end(&g);
	assert_int_equal(g.root_ns, 1000 * MS);
	assert_int_equal(g.pid, 1);
	assert_int_equal(g.unmatched, 0);
	assert_int_equal(g.nr_calls, 6);
	assert_int_equal(call(&g, MD_NOTIFY)->section, SHUTDOWN_SECTION_NOTIFIERS);
	assert_int_equal(call(&g, MD_NOTIFY)->end_ns - call(&g, MD_NOTIFY)->start_ns, 1006 * MS);
	assert_int_equal(
		call(&g, MD_NOTIFY)->wait_ns, 1001 * MS); /* msleep, and not what it calls once more */
	assert_int_equal(call(&g, MD_NOTIFY)->waiter, at(MSLEEP));
	assert_int_equal(call(&g, OTHER_NOTIFY)->wait_ns, 0);
	assert_int_equal(call(&g, PCI_SHUTDOWN)->section, SHUTDOWN_SECTION_DEVICES);
	assert_int_equal(call(&g, LOCK)->end_ns - call(&g, LOCK)->start_ns, 2 * MS);
	assert_string_equal(call(&g, PCI_SHUTDOWN)->device, "nvme 0000:00:04.0");
	assert_true(call(&g, LOCK)->helper);
	assert_false(call(&g, PCI_SHUTDOWN)->helper);
	assert_int_equal(call(&g, CORE_SHUTDOWN)->section, SHUTDOWN_SECTION_SYSCORE);
	assert_string_equal(call(&g, CORE_SHUTDOWN)->device, "");
	assert_int_equal(call(&g, LAST)->section, SHUTDOWN_SECTION_MACHINE);
	assert_int_equal(call(&g, LAST)->end_ns, 0);
	assert_int_equal(g.nr_waits, 2);
	assert_int_equal(g.waits[0].func, at(MSLEEP));
	assert_int_equal(g.waits[0].caller, at(MD_NOTIFY));
	assert_int_equal(g.waits[0].ns, 1001 * MS);
	assert_int_equal(g.nr_open, 4);
	assert_int_equal(g.open[3], at(LAST));
	assert_int_equal(g.nr_spans, 5); /* chain, devices, core, machine, root; those within are none */
	shutdown_graph_deinit(&g);
}

static void test_what_is_no_shutdown(void **state)
{
	struct shutdown_graph g;

	(void)state;
	assert_int_equal(shutdown_graph_init(&g, &names), 0);
	enter(&g, REBOOT_CALL, 0, 100 * MS); /* sets what Ctrl-Alt-Del does */
	enter(&g, LAST, 1, 100 * MS);
	leave(&g, LAST, 1, 0, 101 * MS);
	leave(&g, REBOOT_CALL, 0, 0, 102 * MS);
	enter(&g, CHAIN, 0, 200 * MS); /* some other chain, by some other task */
	enter(&g, OTHER_NOTIFY, 1, 200 * MS);
	leave(&g, OTHER_NOTIFY, 1, 0, 201 * MS);
	leave(&g, CHAIN, 0, 0, 202 * MS);
	shutdown_graph_end(&g);
	assert_int_equal(g.root_ns, 0);
	assert_int_equal(g.nr_calls, 0);
	assert_int_equal(g.nr_spans, 0);
	shutdown_graph_deinit(&g);
}

static void test_lost_functions(void **state)
{
	struct shutdown_graph g;

	(void)state;
	assert_int_equal(shutdown_graph_init(&g, &names), 0);
	enter(&g, RESTART, 0, 1000 * MS);
	enter(&g, DEVICES, 1, 1001 * MS);
	enter(&g, PCI_SHUTDOWN, 2, 1002 * MS);
	shutdown_graph_lost(&g); /* its exit, and the next one's entry */
	leave(&g, PCI_SHUTDOWN, 2, 5 * MS, 1100 * MS);
	enter(&g, PCI_SHUTDOWN, 2, 1101 * MS);
	shutdown_graph_lost(&g);
	leave(&g, PCI_SHUTDOWN, 2, 9 * MS, 1110 * MS); /* took as long as between the two: it is this one */
	enter(&g, PCI_SHUTDOWN, 2, 1111 * MS);
	shutdown_graph_lost(&g);
	leave(&g, PCI_SHUTDOWN, 2, 0, 1120 * MS); /* cannot be told: no pair */
	shutdown_graph_lost(&g);                  /* an entry without its exit: back in device_shutdown() */
	enter(&g, PCI_SHUTDOWN, 2, 1130 * MS);
	enter(&g, MSLEEP, 3, 1131 * MS);
	enter(&g, LOCK, 2, 1150 * MS);
	leave(&g, LOCK, 2, 0, 1151 * MS);
	leave(&g, DEVICES, 1, 160 * MS, 1161 * MS);
	shutdown_graph_end(&g);
	assert_int_equal(g.nr_calls, 3);
	assert_int_equal(g.calls[0].start_ns, 1095 * MS);
	assert_int_equal(g.calls[1].start_ns, 1101 * MS);
	assert_int_equal(g.calls[2].func, at(LOCK));
	assert_int_equal(g.unmatched, 4);
	assert_int_equal(g.nr_open, 1);
	assert_int_equal(g.spans[0].class, SHUTDOWN_DEVICES);
	assert_int_equal(g.spans[0].start_ns, 1001 * MS);
	shutdown_graph_deinit(&g);
}

static void test_absurd_graphs(void **state)
{
	struct shutdown_graph g;

	(void)state;
	assert_int_equal(shutdown_graph_init(&g, NULL), 0); /* no symbols: nothing is known */
	feed_whole(&g);
	enter(&g, RESTART, UINT32_MAX, 3000 * MS);
	leave(&g, RESTART, SHUTDOWN_DEPTH_MAX, 0, 3000 * MS);
	leave(&g, RESTART, SHUTDOWN_DEPTH_MAX - 1, UINT64_MAX, 3000 * MS);
	for (uint32_t pid = 2; pid < 2 * SHUTDOWN_TASKS_MAX; pid++)
		shutdown_graph_enter(&g, pid, 0, at(RESTART), 0, 3000 * MS);
	shutdown_graph_end(&g);
	assert_int_equal(g.root_ns, 0);
	assert_int_equal(g.nr_calls, 0);
	shutdown_graph_deinit(&g);

	assert_int_equal(shutdown_graph_init(&g, &names), 0);
	enter(&g, DEVICES, 0, 1);
	for (uint64_t i = 0; i < 2 * SHUTDOWN_CALLS_MAX; i++) {
		enter(&g, PCI_SHUTDOWN, 1, (2 + i) * MS);
		enter(&g, MSLEEP, 2, (2 + i) * MS);
		leave(&g, MSLEEP, 2, 0, (3 + i) * MS);
		leave(&g, PCI_SHUTDOWN, 1, 0, (3 + i) * MS);
	}
	assert_int_equal(g.nr_calls, SHUTDOWN_CALLS_MAX);
	assert_int_equal(g.left_out, SHUTDOWN_CALLS_MAX);
	assert_int_equal(g.nr_waits, SHUTDOWN_WAITS_MAX);
	shutdown_graph_deinit(&g);
}

static void test_classes(void **state)
{
	(void)state;
	assert_int_equal(shutdown_class_of("kernel_power_off"), SHUTDOWN_ROOT);
	assert_int_equal(shutdown_class_of("notifier_call_chain.constprop.0"), SHUTDOWN_CHAIN);
	assert_int_equal(shutdown_class_of("usleep_range_state"), SHUTDOWN_WAIT);
	assert_int_equal(shutdown_class_of("schedule_timeout_killable"), SHUTDOWN_WAIT);
	assert_int_equal(shutdown_class_of("schedules"), SHUTDOWN_NONE);
	assert_int_equal(shutdown_class_of(""), SHUTDOWN_NONE);
}

/* --- a whole machine --- */

static struct shutdown *begin(void)
{
	const struct shutdown_options options = {
		.schema = schema, .lost_type = &lost, .nr_cpus = 2, .names = &names};
	struct shutdown *shutdown;

	assert_int_equal(shutdown_create(&options, &shutdown), 0);
	return shutdown;
}

static void feed(
	struct shutdown *shutdown, uint32_t id, const void *payload, size_t bytes, uint32_t pid, uint64_t now)
{
	uint8_t copy[256] = {0};

	memcpy(copy, payload, bytes);
	shutdown_add(shutdown, id ? schema->types[id] : &lost, copy, 0, pid, now);
	memset(copy, 0xff, sizeof(copy));
}

static void number(struct shutdown *shutdown, uint32_t id, uint64_t value, uint32_t pid, uint64_t now)
{
	feed(shutdown, id, &value, sizeof(value), pid, now);
}

static void exec(struct shutdown *shutdown, uint32_t pid, const char *comm, uint64_t now)
{
	struct {
		uint32_t pid;
		char comm[16];
	} payload = {pid, ""};

	memcpy(payload.comm, comm, strlen(comm));
	feed(shutdown, MAKER_EXEC, &payload, sizeof(payload), pid, now);
}

static void message(struct shutdown *shutdown, const char *text, uint64_t now)
{
	uint8_t payload[128];
	uint16_t length = (uint16_t)strlen(text);

	memcpy(payload, &length, 2);
	memcpy(payload + 2, text, length);
	feed(shutdown, MAKER_CONSOLE, payload, 2u + length, 1, now);
}

static void test_without_a_graph(void **state)
{
	struct shutdown *s = begin();

	(void)state;
	number(s, MAKER_SYS_ENTER, SHUTDOWN_SYSCALL_NR, 1, 50 * MS); /* Ctrl-Alt-Del, at the start: returns */
	number(s, MAKER_SYS_EXIT, 0, 1, 51 * MS);
	exec(s, 20, "systemctl", 55 * MS); /* asked for something else */
	number(s, MAKER_EXIT, 20, 20, 58 * MS);
	exec(s, 30, "daemon", 60 * MS);
	message(s, "old news\n", 70 * MS);
	exec(s, 40, "poweroff", 100 * MS);
	exec(s, 41, "halt", 110 * MS); /* what poweroff calls */
	number(s, MAKER_EXIT, 30, 30, 150 * MS);
	number(s, MAKER_SWITCH, 1, 0, 160 * MS);
	number(s, MAKER_SYS_ENTER, SHUTDOWN_SYSCALL_NR, 1, 200 * MS);
	number(s, MAKER_SWITCH, 0 | 1u << 22, 1, 210 * MS); /* sleeps */
	number(s, MAKER_SWITCH, 1, 0, 260 * MS);
	number(s, MAKER_SWITCH, 9 | 256u << 22, 1, 270 * MS); /* preempted */
	number(s, MAKER_SWITCH, 1, 9, 275 * MS);
	message(s, "reboot: Power down\n", 300 * MS);
	feed(s, MAKER_END, "\x05\0\0", 3, 1, 310 * MS);
	shutdown_finish(s);

	assert_true(shutdown_is_there(s));
	assert_int_equal(s->source, SHUTDOWN_BY_SYSCALL);
	assert_string_equal(s->command, "poweroff");
	assert_int_equal(s->command_ns, 100 * MS);
	assert_int_equal(s->kernel_ns, 200 * MS);
	assert_int_equal(s->pid, 1);
	assert_int_equal(s->end_reason, 5);
	assert_int_equal(s->nr_sleeps, 2);
	assert_int_equal(s->sleeps[0].ns, 50 * MS);
	assert_false(s->sleeps[0].preempted);
	assert_true(s->sleeps[1].preempted);
	assert_int_equal(s->slept_ns, 55 * MS);
	assert_int_equal(s->nr_stages, 3);
	assert_int_equal(s->stages[0].kind, SHUTDOWN_STAGE_USER);
	assert_int_equal(s->stages[1].to_ns, 300 * MS);
	assert_string_equal(s->stages[2].name, "after the last message");
	assert_int_equal(s->nr_messages, 2);
	assert_memory_equal(shutdown_message_at(s, 1)->text, "reboot: Power down", 18);
	assert_null(shutdown_message_at(s, 2));
	shutdown_destroy(s);
}

static void graph_event(
	struct shutdown *s, uint32_t id, int symbol, int32_t depth, uint64_t took, uint64_t now)
{
	struct {
		uint64_t func;
		int32_t depth;
		uint64_t calltime, rettime;
	} __attribute__((packed)) payload = {at(symbol), depth, 500, 500 + took};

	feed(s, id, &payload, sizeof(payload), 1, now);
}

static void test_with_a_graph(void **state)
{
	struct shutdown *s = begin();
	static const enum shutdown_stage_kind kinds[] = {
		SHUTDOWN_STAGE_OTHER, SHUTDOWN_STAGE_NOTIFIERS, SHUTDOWN_STAGE_OTHER, SHUTDOWN_STAGE_MACHINE};

	(void)state;
	graph_event(s, MAKER_GRAPH_ENTRY, RESTART, 0, 0, 100 * MS);
	graph_event(s, MAKER_GRAPH_ENTRY, PREPARE, 1, 0, 101 * MS);
	graph_event(s, MAKER_GRAPH_ENTRY, CHAIN, 2, 0, 102 * MS);
	graph_event(s, MAKER_GRAPH_ENTRY, MD_NOTIFY, 3, 0, 103 * MS);
	graph_event(s, MAKER_GRAPH_EXIT, MD_NOTIFY, 3, 7 * MS, 110 * MS);
	graph_event(s, MAKER_GRAPH_EXIT, CHAIN, 2, 9 * MS, 111 * MS);
	graph_event(s, MAKER_GRAPH_EXIT, PREPARE, 1, 0, 112 * MS);
	graph_event(s, MAKER_GRAPH_ENTRY, MACHINE, 1, 0, 113 * MS);
	graph_event(s, MAKER_GRAPH_ENTRY, LAST, -1, 0, 114 * MS); /* no depth */
	graph_event(s, MAKER_GRAPH_ENTRY, LAST, 2, 0, 120 * MS);
	shutdown_finish(s);
	assert_int_equal(s->source, SHUTDOWN_BY_GRAPH);
	assert_int_equal(s->nr_stages, 4);
	for (uint32_t i = 0; i < s->nr_stages; i++) {
		assert_int_equal(s->stages[i].kind, kinds[i]);
		assert_int_equal(s->stages[i].from_ns, i ? s->stages[i - 1].to_ns : 100 * MS);
	}
	assert_int_equal(s->stages[1].calls, 1);
	assert_true(s->stages[3].open);
	assert_int_equal(s->stages[3].to_ns, 120 * MS);
	assert_int_equal(s->graph.unmatched, 1);
	shutdown_destroy(s);
}

static void test_other_beginnings(void **state)
{
	struct shutdown *by_notifier = begin(), *by_message = begin(), *none = begin();

	(void)state;
	feed(by_notifier, MAKER_END, "\x03\0\0", 3, 1, 100);
	message(by_notifier, "more", 200);
	shutdown_finish(by_notifier);
	assert_int_equal(by_notifier->source, SHUTDOWN_BY_NOTIFIER);
	assert_int_equal(by_notifier->kernel_ns, 100);

	message(by_message, "reboot: Restarting system", 100);
	shutdown_finish(by_message);
	assert_int_equal(by_message->source, SHUTDOWN_BY_MESSAGE);

	feed(none, MAKER_END, "\x01\0\0", 3, 1, 100); /* a panic is none */
	message(none, "reboot: machine is of that kind", 150);
	exec(none, 30, "reboot", 160);
	shutdown_finish(none);
	assert_false(shutdown_is_there(none));
	shutdown_destroy(by_notifier);
	shutdown_destroy(by_message);
	shutdown_destroy(none);
}

static void test_many_messages(void **state)
{
	struct shutdown *s = begin();
	char text[32];

	(void)state;
	for (uint64_t i = 0; i < SHUTDOWN_MESSAGES_MAX + 10; i++) {
		snprintf(text, sizeof(text), "message %d", (int)i);
		message(s, text, 100 + i);
	}
	assert_memory_equal(shutdown_message_at(s, 0)->text, "message 10", 10);
	assert_int_equal(
		shutdown_message_at(s, SHUTDOWN_MESSAGES_MAX - 1)->at_ns, 100 + SHUTDOWN_MESSAGES_MAX + 9);
	assert_null(shutdown_message_at(s, SHUTDOWN_MESSAGES_MAX));
	shutdown_finish(s);
	shutdown_destroy(s);
}

static int set_up(void **state)
{
	char text[2048] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%llx t %s\n",
			(unsigned long long)at((int)i) - 4, symbols[i]);
	schema = maker_schema();
	return names_parse_symbols(&names, text, strlen(text)) ||
		event_type_add_field(&lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	event_schema_destroy(schema);
	names_deinit(&names);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_what_is_no_shutdown),
		cmocka_unit_test(test_lost_functions),
		cmocka_unit_test(test_absurd_graphs),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_without_a_graph),
		cmocka_unit_test(test_with_a_graph),
		cmocka_unit_test(test_other_beginnings),
		cmocka_unit_test(test_many_messages),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
