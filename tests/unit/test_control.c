/* SPDX-License-Identifier: MIT */
/* What the host writes for the module: the order in which it appears, and what a guest cannot do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "host/collect/control.h"
#include "host/collect/event_table.h"

static struct ht_host host;
static struct ht_region guest;
static struct region region = {.host = &host, .guest = &guest};

static int set_up(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&guest, 0, sizeof(guest));
	return 0;
}

static struct filter filter_of(const char *expression)
{
	struct filter filter;

	assert_int_equal(filter_parse(&filter, expression, NULL), 0);
	return filter;
}

static void publishes(void **state)
{
	struct filter filter = filter_of("pid!=1|7,comm==sh,cpu==0-2|64,irq.duration>1us");
	struct event_selection events;
	struct control_request request = {
		.events = &events,
		.filter = &filter,
		.mode = HT_MODE_DISCARD,
		.packet_bytes = 4096,
		.nr_packets = 8,
		.symbols = true,
	};
	const struct ht_control *control = &host.control;

	(void)state;
	assert_int_equal(
		event_selection_parse(&events, "sched_switch,block:x", event_table_choices, NULL), 0);
	assert_int_equal(control_publish(&region, &request), 1);
	assert_int_equal(host.magic, HT_HOST_MAGIC);
	assert_int_equal(host.abi_version, HT_ABI_VERSION);
	assert_int_equal(control->seq, 1);
	assert_int_equal(control->seq_end, 1);
	assert_int_equal(control->events,
		1ull << EVENT_ID_sched_switch | 1ull << EVENT_ID_tracepoint | 1ull << EVENT_ID_span |
			1ull << EVENT_ID_guest_end | 1ull << EVENT_ID_cpu_state);
	assert_string_equal(control->tracepoints, "block:x\n");
	assert_int_equal(control->mode, HT_MODE_DISCARD);
	assert_int_equal(control->packet_bytes, 4096);
	assert_int_equal(control->nr_packets, 8);
	assert_int_equal(control->flags, HT_CONTROL_PIDS_EXCLUDE | HT_CONTROL_CPUS | HT_CONTROL_SYMBOLS);
	assert_int_equal(control->nr_pids, 2);
	assert_int_equal(control->pids[1], 7);
	assert_int_equal(control->nr_comms, 1);
	assert_string_equal(control->comms[0], "sh");
	assert_int_equal(control->cpus[0], 7);
	assert_int_equal(control->cpus[1], 1);
	assert_int_equal(control->min_duration_ns[HT_PAIR_IRQ], 1000);
	assert_int_equal(control->min_duration_ns[HT_PAIR_TIMER], 0);
	assert_int_equal(control->names_seq, 1);

	control_stop(&region);
	assert_int_equal(control->seq, 2);
	assert_int_equal(control->seq_end, 2);
	assert_int_equal(control->events, 0);
	assert_string_equal(control->tracepoints, "");
	assert_int_equal(control->mode, HT_MODE_DISCARD); /* the rings stay as they are */
}

static void counts_round(void **state)
{
	struct event_selection events = {0};
	struct control_request request = {.events = &events};

	(void)state;
	host.control.seq = UINT32_MAX;
	host.control.names_seq = UINT32_MAX;
	assert_int_equal(control_publish(&region, &request), 1); /* 0 means: never written */
	assert_int_equal(host.control.seq_end, 1);
	assert_int_equal(host.control.names_seq, 1);

	host.attached = UINT32_MAX;
	control_heartbeat(&region, true);
	assert_int_equal(host.attached, 1); /* 0 means: nobody */
	control_heartbeat(&region, false);
	assert_int_equal(host.attached, 0);

	host.read_packets[HT_MAX_RINGS - 1] = 5;
	control_reset_positions(&region);
	assert_int_equal(host.read_packets[HT_MAX_RINGS - 1], 0);
}

static void hears_the_guest(void **state)
{
	struct error error = {0};

	(void)state;
	guest.control_done = 4;
	assert_int_equal(control_done(&region, 5, &error), -EAGAIN);
	assert_int_equal(control_done(&region, 4, &error), 0);
	guest.control_error = (uint32_t)-ENOENT;
	strcpy(guest.control_message, "no event \033[2J");
	assert_int_equal(control_done(&region, 4, &error), -ENOENT);
	assert_string_equal(error.text, "the guest's module: no event \\x1b[2J");
	/* noise: a code that is none, a message without an end */
	guest.control_error = 77;
	memset(guest.control_message, 'x', sizeof(guest.control_message));
	assert_int_equal(control_done(&region, 4, &error), -EBADMSG);
	guest.control_error = 1u << 31;
	assert_int_equal(control_done(&region, 4, &error), -EBADMSG);
	guest.control_message[0] = '\0';
	assert_int_equal(control_done(&region, 4, &error), -EBADMSG);
	assert_string_equal(error.text, "the guest's module: Bad message");

	host.control.names_seq = 3;
	assert_false(control_names_done(&region));
	guest.names_done = 3;
	assert_true(control_names_done(&region));
}

static void knows_limits(void **state)
{
	static const struct {
		const char *filter;
		int code;
	} cases[] = {
		{"", 0},
		{"pid==1-32", 0},
		{"pid==1-33", -ENOTSUP},
		{"pid==0-2147483647", -ENOTSUP},
		{"pid==1-16|20-36", -ENOTSUP},
		{"comm==a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p", 0},
		{"cpu==0-1", 0},
		{"cpu==4095", HT_MAX_CPUS > 4095 ? 0 : -ENOTSUP},
	};
	struct event_selection events = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter filter = filter_of(cases[i].filter);
		struct control_request request = {.events = &events, .filter = &filter};
		struct error error = {0};

		assert_int_equal(control_check(&request, &error), cases[i].code);
		assert_int_equal(error.code, cases[i].code);
		control_publish(&region, &request); /* unchecked it is bounded all the same */
		assert_true(host.control.nr_pids <= HT_CONTROL_PIDS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(publishes, set_up),
		cmocka_unit_test_setup(counts_round, set_up),
		cmocka_unit_test_setup(hears_the_guest, set_up),
		cmocka_unit_test_setup(knows_limits, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
