/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder_wishes.h"

#include <errno.h>
#include <stdio.h>

#include "host/collect/event_table.h"
#include "lib/base/cleanup.h"

/* Unless the list takes them out ("!sched_switch"), the events are in that tell the others' tasks, and their names. */
static int select_events(struct event_selection *events, const char *list, struct error *error)
{
	cleanup_free char *whole = NULL;
	int code = event_selection_parse(
		events, list, event_table_choices, error); /* for messages of the user's words */

	if (code)
		return code;
	if (asprintf(&whole, "sched_switch,sched_process_fork,sched_process_exec,task_rename,%s", list) < 0) {
		whole = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	return event_selection_parse(events, whole, event_table_choices, error);
}

/* Beside exits only these events show addresses; listing some 60,000 symbols costs the guest up to a second of its idle time. */
static bool need_symbols(const struct event_selection *events)
{
	static const uint32_t with_addresses[] = {EVENT_ID_hrtimer_expire_entry, EVENT_ID_timer_expire_entry,
		EVENT_ID_page_fault_user, EVENT_ID_page_fault_kernel};

	for (size_t i = 0; i < sizeof(with_addresses) / sizeof(with_addresses[0]); i++)
		if (event_selection_has(events, with_addresses[i]))
			return true;
	return events->nr_tracepoints != 0;
}

int recorder_wishes_init(
	struct recorder_wishes *wishes, const struct recorder_options *options, struct error *error)
{
	const char *list = options->events && options->events[0] ? options->events : RECORDER_EVENTS;
	uint64_t packet_bytes = options->ring_bytes / 16;
	int code = select_events(&wishes->events, list, error);

	if (!code)
		code = filter_parse(&wishes->filter, options->filter, error);
	if (!code)
		code = function_wishes_parse(&wishes->functions, &options->functions, error);
	if (code)
		return code;
	wishes->request = (struct control_request){.events = &wishes->events,
		.filter = &wishes->filter,
		.mode = options->mode,
		.functions = &wishes->functions,
		.symbols = !options->no_symbols &&
			(options->rips || wishes->functions.probe || need_symbols(&wishes->events)),
		.syscall_args = event_selection_has(&wishes->events, EVENT_ID_sys_enter_args)};
	if (options->ring_bytes) {
		if (options->ring_bytes & (options->ring_bytes - 1) ||
			options->ring_bytes < HT_MIN_PACKETS * HT_MIN_PACKET_BYTES ||
			options->ring_bytes > 1ull << 30) {
			error_set(error, -EINVAL, "--size: a ring has a power of two of bytes from %dK to 1G",
				HT_MIN_PACKETS * HT_MIN_PACKET_BYTES >> 10);
			return error_hint(error, "for example 256K, 1M or 4M");
		}
		packet_bytes = packet_bytes < HT_MIN_PACKET_BYTES ? HT_MIN_PACKET_BYTES : packet_bytes;
		packet_bytes = packet_bytes > 65536 ? 65536 : packet_bytes;
		wishes->request.packet_bytes = (uint32_t)packet_bytes;
		wishes->request.nr_packets = (uint32_t)(options->ring_bytes / packet_bytes);
	}
	return control_check(&wishes->request, error);
}
