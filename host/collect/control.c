/* SPDX-License-Identifier: MIT */
#include "host/collect/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/ring_access.h"
#include "lib/base/text.h"

#define FILTER_LATER "record without that condition and filter when reading: hypertrace dump -f"

_Static_assert((int)HT_PAIR_IRQ == FILTER_PAIR_IRQ && (int)HT_PAIR_SOFTIRQ == FILTER_PAIR_SOFTIRQ &&
		(int)HT_PAIR_SYSCALL == FILTER_PAIR_SYSCALL && (int)HT_PAIR_HRTIMER == FILTER_PAIR_HRTIMER &&
		(int)HT_PAIR_TIMER == FILTER_PAIR_TIMER,
	"pairs have the same numbers");
_Static_assert(EVENT_SELECTION_TRACEPOINTS_BYTES <= HT_CONTROL_TRACEPOINT_BYTES, "all tracepoints fit");

#define ALWAYS (1ull << EVENT_ID_guest_end | 1ull << EVENT_ID_cpu_state)

static uint64_t count_values(const struct filter_ranges *ranges)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ranges->count; i++)
		sum += (uint64_t)ranges->items[i].last - ranges->items[i].first + 1;
	return sum;
}

int control_check(const struct control_request *request, struct error *error)
{
	const struct filter *filter = request->filter;

	if (!filter)
		return 0;
	if (count_values(&filter->pids) > HT_CONTROL_PIDS) {
		error_set(error, -ENOTSUP, "-f: pid: a guest can look for %d at most", HT_CONTROL_PIDS);
		return error_hint(error, FILTER_LATER);
	}
	if (filter->nr_comms > HT_CONTROL_COMMS) {
		error_set(error, -ENOTSUP, "-f: comm: a guest can look for %d at most", HT_CONTROL_COMMS);
		return error_hint(error, FILTER_LATER);
	}
	for (size_t i = 0; i < filter->cpus.count; i++)
		if (filter->cpus.items[i].first >= HT_MAX_CPUS)
			return error_set(error, -ENOTSUP, "-f: cpu: a guest has no CPU %u: %d at most",
				filter->cpus.items[i].first, HT_MAX_CPUS);
	return 0;
}

static void fill_cpus(struct ht_control *control, const struct filter_ranges *cpus)
{
	if (!cpus->count)
		return;
	control->flags |= HT_CONTROL_CPUS;
	for (uint32_t cpu = 0; cpu < HT_MAX_CPUS; cpu++)
		if (filter_ranges_match(cpus, cpu))
			control->cpus[cpu / 64] |= 1ull << (cpu % 64);
}

static void fill_filter(struct ht_control *control, const struct filter *filter)
{
	for (size_t i = 0; i < filter->pids.count; i++)
		for (uint64_t pid = filter->pids.items[i].first;
			pid <= filter->pids.items[i].last && control->nr_pids < HT_CONTROL_PIDS; pid++)
			control->pids[control->nr_pids++] = (int32_t)pid;
	if (filter->pids.exclude)
		control->flags |= HT_CONTROL_PIDS_EXCLUDE;
	for (size_t i = 0; i < filter->nr_comms && i < HT_CONTROL_COMMS; i++)
		memcpy(control->comms[control->nr_comms++], filter->comms[i], HT_CONTROL_COMM_BYTES);
	if (filter->comms_exclude)
		control->flags |= HT_CONTROL_COMMS_EXCLUDE;
	fill_cpus(control, &filter->cpus);
	for (unsigned pair = 0; pair < FILTER_PAIRS; pair++)
		control->min_duration_ns[pair] = filter->min_duration_ns[pair];
	if (filter_has_durations(filter))
		control->events |= 1ull << EVENT_ID_span;
}

/* The module takes the page whole or not at all: seq_end first, seq last, and it compares them. */
static uint32_t store(struct region *region, const struct ht_control *control)
{
	struct ht_host *host = region->host;
	struct ht_control *shared = &host->control;
	const size_t begin = offsetof(struct ht_control, flags), end = offsetof(struct ht_control, seq_end);
	uint32_t seq = shared->seq + 1;

	if (seq == 0)
		seq = 1;
	__atomic_store_n(&shared->seq_end, seq, __ATOMIC_RELAXED);
	/* pairs with the read barrier in the module's copy_control(): who sees the new body sees seq_end, too */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((uint8_t *)shared + begin, (const uint8_t *)control + begin, end - begin);
	/* pairs with the acquire load in the module's copy_control() */
	__atomic_store_n(&shared->seq, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&host->abi_version, HT_ABI_VERSION, __ATOMIC_RELAXED);
	__atomic_store_n(&host->magic, HT_HOST_MAGIC, __ATOMIC_RELEASE);
	return seq;
}

static uint32_t publish(struct region *region, const struct control_request *request, uint32_t names_seq)
{
	struct ht_control control = {
		.events = request->events->ids[0] | ALWAYS,
		.mode = request->mode,
		.packet_bytes = request->packet_bytes,
		.nr_packets = request->nr_packets,
		.names_seq = names_seq ? names_seq : 1,
		.flags = (request->symbols ? HT_CONTROL_SYMBOLS : 0) |
			(request->syscall_args ? HT_CONTROL_SYSCALL_ARGS : 0),
	};

	if (request->events->nr_tracepoints) {
		control.events |= 1ull << EVENT_ID_tracepoint;
		snprintf(
			control.tracepoints, sizeof(control.tracepoints), "%s", request->events->tracepoints);
	}
	if (request->filter)
		fill_filter(&control, request->filter);
	if (request->functions)
		function_wishes_fill(request->functions, &control);
	return store(region, &control);
}

uint32_t control_publish(struct region *region, const struct control_request *request)
{
	return publish(region, request, region->host->control.names_seq + 1);
}

uint32_t control_replace(struct region *region, const struct control_request *request)
{
	const struct ht_control *before = &region->host->control;
	/* new tracepoints have formats to be told */
	const bool more = (request->symbols && !(before->flags & HT_CONTROL_SYMBOLS)) ||
		strcmp(request->events->nr_tracepoints ? request->events->tracepoints : "",
			before->tracepoints);

	return publish(region, request, before->names_seq + more);
}

uint32_t control_change_functions(struct region *region, const struct function_wishes *functions)
{
	struct ht_control control = region->host->control;

	function_wishes_fill(functions, &control);
	return store(region, &control);
}

void control_stop(struct region *region)
{
	struct ht_control control = region->host->control;

	control.events = 0;
	memset(control.tracepoints, 0, sizeof(control.tracepoints));
	memset(control.functions, 0, sizeof(control.functions));
	store(region, &control);
}

int control_done(const struct region *region, uint32_t seq, struct error *error)
{
	const struct ht_region *guest = region->guest;
	char message[sizeof(guest->control_message)], shown[4 * sizeof(message) + 1];
	int32_t code;

	/* pairs with the module's release store, its last of the answer */
	if (ring_load32(&guest->control_done) != seq)
		return -EAGAIN;
	code = (int32_t)ring_load32(&guest->control_error);
	if (code == 0)
		return 0;
	if (code > 0 || code < -4095)
		code = -EBADMSG;
	ring_copy(message, guest->control_message, sizeof(message));
	shown[text_escape(shown, message, strnlen(message, sizeof(message)))] = '\0';
	return error_set(error, code, "the guest's module: %s", shown[0] ? shown : strerror(-code));
}

bool control_names_done(const struct region *region)
{
	return ring_load32(&region->guest->names_done) == region->host->control.names_seq;
}

void control_heartbeat(struct region *region, bool attached)
{
	uint32_t count = region->host->attached + 1;

	__atomic_store_n(&region->host->attached, attached ? count + (count == 0) : 0, __ATOMIC_RELAXED);
}

void control_reset_positions(struct region *region)
{
	for (unsigned i = 0; i < HT_MAX_RINGS; i++)
		__atomic_store_n(&region->host->read_packets[i], 0, __ATOMIC_RELAXED);
}
