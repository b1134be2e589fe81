/* SPDX-License-Identifier: MIT */
/*
 * A Xen summary fed with events that no hypervisor writes. The input is a list of events: pCPU, code, a signed step in
 * time, words. What must hold: no state lasts longer than the trace, and sums do not shrink.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/analysis/xen_scatter.h"
#include "lib/analysis/xen_summary.h"

#define BEGIN_TSC 1000000u
#define PCPUS     4

const char fuzz_name[] = "xen_summary";

struct input_event {
	uint8_t code, pcpu, n_extra, flags; /* code: of the table below; flags: runstates, 64 bits, lost */
	int16_t step;
	uint16_t words[5];
} __attribute__((packed));

static const uint32_t codes[] = {0x21001, 0x21001, 0x21002, 0x1f001, 0x81002, 0x81001, 0x82004, 0x82016,
	0x82009, 0x82012, 0x8200f, 0x82017, 0x82021, 0x20100d, 0x201001, 0x201003, 0x20200e, 0x10f001,
	0x10f010, 0x10f011, 0x40f001, 0x40f00d, 0x802008, 0x801002, 0x801003, 0x2800e, 0x41001, 0x8201a};

static const struct input_event seed[] = {
	{0, 0, 1, 0x10, 100, {1, 0}},
	{4, 0, 3, 1, 100, {30, 1, 2}},
	{7, 0, 2, 2, 10, {0x60, 1}},
	{5, 0, 0, 0, 10, {0}},
	{13, 0, 1, 0, 10, {1}},
	{0, 0, 1, 0x02, 100, {1, 0}},
	{0, 1, 1, 0x20, 100, {1, 0}},
	{0, 1, 1, 0x10, 100, {1, 0}},
	{3, 1, 4, 4, 1000, {3, 1, 200}},
	{2, 0, 1, 0, 500, {1, 0}},
	{17, 0, 1, 0, 5, {7}},
	{18, 0, 6, 0, 5, {7, 7, 7, 7, 7}},
	{22, 1, 3, 0, 5, {9, 1, 50}},
};

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	*data = (const uint8_t *)seed;
	return index ? 0 : sizeof(seed);
}

static void take_point(void *context, const struct xen_point *point)
{
	const struct xen_summary *summary = context;

	if (point->vcpu && point->vcpu->number >= summary->states.nr_vcpus)
		abort();
}

static void take_interval(void *context, struct xen_summary *summary, uint64_t begin_tsc, uint64_t end_tsc)
{
	(void)context;
	if (begin_tsc > end_tsc)
		abort();
	for (uint32_t i = 0; i < summary->nr_vcpus; i++)
		for (int state = 0; state < XEN_STATES; state++)
			if (xen_summary_state_tsc(summary->vcpus + i, (enum xen_state)state, begin_tsc,
				    end_tsc) < summary->vcpus[i].before.state_tsc[state])
				abort();
}

static struct xen_event event_of(const struct input_event *input, uint64_t tsc)
{
	struct xen_event event = {.tsc = tsc,
		.order_tsc = tsc,
		.pcpu = input->pcpu % PCPUS,
		.code = codes[input->code % (sizeof(codes) / sizeof(*codes))],
		.has_tsc = true,
		.n_extra = input->n_extra % (XEN_EXTRAS_MAX + 1)};

	for (unsigned i = 0; i < event.n_extra; i++)
		event.extra[i] = input->words[i % 5];
	if (event.code == 0x21001 || event.code == 0x21002) { /* few vCPUs, so that they meet */
		event.code |= (uint32_t)input->flags << 4;
		event.extra[0] = event.n_extra ? (input->words[0] % 3u) << 16 | input->words[1] % 2u : 0;
	} else if (event.code == XEN_LOST_RECORDS) {
		uint64_t first_tsc = tsc - input->words[2];

		event.extra[1] = (input->words[0] % 3u) | (input->words[1] % 2u) << 16;
		event.extra[2] = event.n_extra > 2 ? (uint32_t)first_tsc : 0;
		event.extra[3] = event.n_extra > 3 ? (uint32_t)(first_tsc >> 32) : 0;
		event.order_tsc = first_tsc;
	} else {
		event.code |= (input->flags & 3u) << 8;
	}
	return event;
}

/* Every row has its address, and exits are counted once. */
static void check_rips(const struct xen_summary *summary)
{
	uint64_t exits = 0, counted = 0;

	for (uint32_t i = 0; i < summary->nr_vcpus; i++)
		if (summary->vcpus[i].hvm)
			exits += summary->vcpus[i].hvm->exits;
	for (size_t i = 0; summary->rips && i < summary->rips->rows.count; i++) {
		const struct xen_rip_row *row = capped_table_row(&summary->rips->rows, i);

		if (!row->count || row->max_tsc > row->sum_tsc ||
			(uint32_t)row->key >= summary->rips->addresses.count)
			abort();
		counted += xen_rip_kind(row) == XEN_RIP_EXIT ? row->count : 0;
	}
	if (counted > exits)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xen_summary summary;
	struct xen_scatter scatter = {XEN_SCATTER_RUNSTATE_TIME, true, &summary, take_point};
	uint64_t tsc = BEGIN_TSC, first_tsc = UINT64_MAX, last_tsc = 0;

	if (xen_summary_init(&summary) < 0)
		abort();
	if (size & 1)
		xen_summary_intervals(&summary, 777, take_interval, NULL);
	if (size & 4 && xen_summary_want_rips(&summary))
		abort();
	scatter.kind = size / 2 % XEN_SCATTER_KINDS;
	xen_scatter_attach(&scatter, &summary);
	for (size_t at = 0; at + sizeof(struct input_event) <= size; at += sizeof(struct input_event)) {
		struct input_event input;
		struct xen_event event;

		memcpy(&input, data + at, sizeof(input));
		tsc += input.step > 0 || tsc > BEGIN_TSC ? (uint64_t)(int64_t)input.step : 0;
		event = event_of(&input, tsc);
		first_tsc = event.order_tsc < first_tsc ? event.order_tsc : first_tsc;
		last_tsc = event.tsc > last_tsc ? event.tsc : last_tsc;
		xen_summary_event(&summary, &event);
		if (input.flags == 0xa5)
			xen_summary_pcpu_end(&summary, event.pcpu, tsc + input.words[3]);
		last_tsc = tsc + input.words[3] > last_tsc ? tsc + input.words[3] : last_tsc;
	}
	xen_summary_end(&summary);
	for (uint32_t i = 0; i < summary.nr_vcpus; i++)
		for (int state = 0; state < XEN_STATES; state++)
			if (summary.vcpus[i].states[state].max_tsc > last_tsc - first_tsc)
				abort();
	check_rips(&summary);
	xen_summary_deinit(&summary);
	return 0;
}
