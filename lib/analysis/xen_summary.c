/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUBCLASS(code)      ((code) >> 12 & 0xf)
#define EMPTY_INTERVALS_MAX 10000u /* in a row */

const char *const xen_activity_names[XEN_ACTIVITIES] = {
	[XEN_ACT_RUNS] = "runs",
	[XEN_ACT_MIGRATIONS] = "migrations",
	[XEN_ACT_HYPERCALLS] = "hypercalls",
	[XEN_ACT_TRAPS] = "traps",
	[XEN_ACT_FAULTS] = "page_faults",
	[XEN_ACT_EXITS] = "exits",
	[XEN_ACT_EXIT_TSC] = "in_exits",
	[XEN_ACT_INTERRUPTS] = "interrupts",
	[XEN_ACT_IO] = "io",
	[XEN_ACT_GRANTS] = "grants",
	[XEN_ACT_POD] = "pod",
	[XEN_ACT_MEMORY] = "memory_ops",
};

/* --- rooms --- */

/* NULL: no memory. */
static struct xen_vcpu_summary *vcpu_of(struct xen_summary *summary, const struct xen_vcpu_place *place)
{
	struct xen_vcpu_summary *vcpu;

	if (place->number < summary->nr_vcpus)
		return summary->vcpus + place->number;
	if (place->number >= summary->vcpus_room) {
		uint32_t room = summary->vcpus_room ? 2 * summary->vcpus_room : 8;
		struct xen_vcpu_summary *more;

		while (room <= place->number)
			room *= 2;
		more = reallocarray(summary->vcpus, room, sizeof(*more));
		if (!more) {
			summary->no_memory = true;
			return NULL;
		}
		summary->vcpus = more;
		summary->vcpus_room = room;
	}
	while (summary->nr_vcpus <= place->number) {
		vcpu = summary->vcpus + summary->nr_vcpus;
		*vcpu = (struct xen_vcpu_summary){.place = summary->states.vcpus[summary->nr_vcpus]};
		vcpu->domain = xen_domains_at(&summary->domains, vcpu->place->dom);
		if (!vcpu->domain)
			summary->no_memory = true;
		summary->nr_vcpus++;
	}
	return summary->vcpus + place->number;
}

static struct xen_pcpu_summary *pcpu_of_slow(struct xen_summary *summary, uint32_t pcpu)
{
	uint32_t room = summary->nr_pcpus ? summary->nr_pcpus : 8;
	struct xen_pcpu_summary *more;

	while (room <= pcpu)
		room *= 2;
	more = reallocarray(summary->pcpus, room, sizeof(*more));
	if (!more) {
		summary->no_memory = true;
		return NULL;
	}
	memset(more + summary->nr_pcpus, 0, (room - summary->nr_pcpus) * sizeof(*more));
	for (uint32_t i = summary->nr_pcpus; i < room; i++)
		more[i].last = XEN_NO_VCPU;
	summary->pcpus = more;
	summary->nr_pcpus = room;
	return summary->pcpus + pcpu;
}

static inline struct xen_pcpu_summary *pcpu_of(struct xen_summary *summary, uint32_t pcpu)
{
	if (__builtin_expect(pcpu < summary->nr_pcpus, 1))
		return summary->pcpus + pcpu;
	return pcpu_of_slow(summary, pcpu);
}

static struct xen_pair *pair_of(struct xen_summary *summary, uint32_t vcpu, uint32_t pcpu)
{
	return capped_table_at(&summary->pairs, (uint64_t)vcpu << 32 | pcpu);
}

static struct xen_hvm_counts hvm_counts(struct xen_summary *summary)
{
	return (struct xen_hvm_counts){&summary->tally, &summary->budget, &summary->svm};
}

/* --- scheduling --- */

static void keep_longest(struct xen_summary *summary, const struct xen_wait *wait)
{
	uint32_t place = summary->nr_longest;

	if (place == XEN_LONGEST_MAX && summary->longest[place - 1].ticks >= wait->ticks)
		return;
	while (place && summary->longest[place - 1].ticks < wait->ticks)
		place--;
	if (summary->nr_longest < XEN_LONGEST_MAX)
		summary->nr_longest++;
	memmove(summary->longest + place + 1, summary->longest + place,
		(summary->nr_longest - place - 1) * sizeof(*wait));
	summary->longest[place] = *wait;
}

static void waited(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, enum xen_state next,
	uint64_t ticks, uint64_t tsc)
{
	const struct xen_vcpu_place *place = vcpu->place;

	xen_times_add(&vcpu->waits[place->why], &summary->budget, ticks);
	/* place() comes first: the vCPU's pCPU is the new one, and still has who was there before */
	if (next == XEN_RUNNING && place->dom != XEN_DOMAIN_IDLE && place->pcpu < summary->nr_pcpus)
		keep_longest(summary,
			&(struct xen_wait){
				.ticks = ticks,
				.end_tsc = tsc,
				.vcpu = place->number,
				.pcpu = place->pcpu,
				.after = summary->pcpus[place->pcpu].last,
				.why = place->why,
			});
}

static void tell_halts(struct xen_summary *summary, const struct xen_vcpu_summary *vcpu, uint64_t tsc)
{
	for (uint32_t i = 0; summary->listener.halt && i < vcpu->hvm->nr_pending; i++) {
		const struct xen_hvm_pending *pending = &vcpu->hvm->pending[i];

		if (pending->entry_tsc && pending->entry_tsc < tsc)
			summary->listener.halt(summary->listener.context, vcpu->place, pending, tsc,
				tsc - pending->entry_tsc);
	}
}

static void change_hvm(
	struct xen_summary *summary, struct xen_vcpu_summary *vcpu, enum xen_state next, uint64_t tsc)
{
	const struct xen_hvm_counts counts = hvm_counts(summary);
	enum xen_state before = vcpu->place->state;

	if (next == XEN_LOST) {
		xen_hvm_lost(vcpu->hvm);
	} else if (next == XEN_RUNNABLE) {
		bool was_in_exit = vcpu->hvm->in_exit;
		uint64_t ticks = xen_hvm_runnable(vcpu->hvm, &counts, before == XEN_BLOCKED, tsc);

		vcpu->all.acts[XEN_ACT_EXIT_TSC] += ticks;
		if (was_in_exit && summary->listener.exit)
			summary->listener.exit(summary->listener.context, vcpu->place, vcpu->hvm, tsc, ticks);
	} else if (next == XEN_BLOCKED && before == XEN_RUNNING) {
		tell_halts(summary, vcpu, tsc);
		xen_hvm_blocked(vcpu->hvm, &counts, tsc);
	}
}

static void take_change(void *context, const struct xen_vcpu_place *place, enum xen_state next, uint64_t tsc)
{
	struct xen_summary *summary = context;
	struct xen_vcpu_summary *vcpu = vcpu_of(summary, place);
	enum xen_state state = place->state;

	if (!vcpu)
		return;
	if (summary->listener.change)
		summary->listener.change(summary->listener.context, place, next, tsc);
	if (place->since_tsc && place->since_tsc < tsc) {
		uint64_t ticks = tsc - place->since_tsc;

		xen_times_add(&vcpu->states[state], &summary->budget, ticks);
		/* what lies before the interval has been counted there */
		vcpu->all.state_tsc[state] += place->since_tsc >= summary->begin_tsc ? ticks
			: tsc > summary->begin_tsc ? tsc - summary->begin_tsc
						   : 0;
		if (state == XEN_RUNNABLE)
			waited(summary, vcpu, next, ticks, tsc);
	}
	if (next == XEN_RUNNING && state != XEN_RUNNING)
		vcpu->all.acts[XEN_ACT_RUNS]++;
	if (vcpu->hvm)
		change_hvm(summary, vcpu, next, tsc);
	if (vcpu->domain)
		xen_domain_change(vcpu->domain, &summary->budget, state, next, tsc);
}

static void stayed(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, uint64_t tsc)
{
	const struct xen_vcpu_place *place = vcpu->place;

	if (place->pcpu == XEN_NO_PCPU || place->placed_tsc >= tsc)
		return;
	xen_times_add(&vcpu->stays, &summary->budget, tsc - place->placed_tsc);
	xen_times_add(&pair_of(summary, place->number, place->pcpu)->stays, &summary->budget,
		tsc - place->placed_tsc);
}

static void take_place(void *context, const struct xen_vcpu_place *place, uint32_t pcpu, uint64_t tsc)
{
	struct xen_summary *summary = context;
	struct xen_vcpu_summary *vcpu = vcpu_of(summary, place);

	(void)pcpu;
	if (!vcpu)
		return;
	stayed(summary, vcpu, tsc);
	if (place->pcpu != XEN_NO_PCPU)
		vcpu->all.acts[XEN_ACT_MIGRATIONS]++;
}

static void take_pcpu(void *context, uint32_t number, const struct xen_vcpu_place *place, uint64_t from_tsc,
	uint64_t to_tsc)
{
	struct xen_summary *summary = context;
	struct xen_pcpu_summary *pcpu = pcpu_of(summary, number);
	struct xen_pair *pair;

	if (!pcpu)
		return;
	if (!place) {
		xen_times_add(&pcpu->states[XEN_PCPU_LOST], &summary->budget, to_tsc - from_tsc);
		pcpu->last = XEN_NO_VCPU;
		return;
	}
	xen_times_add(&pcpu->states[place->dom == XEN_DOMAIN_IDLE ? XEN_PCPU_IDLE : XEN_PCPU_BUSY],
		&summary->budget, to_tsc - from_tsc);
	pcpu->last = place->number;
	pair = pair_of(summary, place->number, number);
	pair->runs++;
	pair->ran_tsc += to_tsc - from_tsc;
}

/* --- events of the vCPU that runs --- */

static void add_pv(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, const struct xen_event *event)
{
	if (!vcpu->pv)
		vcpu->pv = calloc(1, sizeof(*vcpu->pv));
	if (!vcpu->pv) {
		summary->no_memory = true;
		return;
	}
	switch (xen_pv_add(vcpu->pv, event)) {
	case XEN_PV_HYPERCALL:
	case XEN_PV_HYPERCALL_V2:
		vcpu->all.acts[XEN_ACT_HYPERCALLS]++;
		break;
	case XEN_PV_TRAP:
		vcpu->all.acts[XEN_ACT_TRAPS]++;
		break;
	case XEN_PV_PAGE_FAULT:
		vcpu->all.acts[XEN_ACT_FAULTS]++;
		break;
	default:
		break;
	}
}

static void add_hvm(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, const struct xen_event *event)
{
	const struct xen_hvm_counts counts = hvm_counts(summary);
	struct xen_hvm_result result;

	if (!vcpu->hvm) {
		vcpu->hvm = calloc(1, sizeof(*vcpu->hvm));
		if (!vcpu->hvm) {
			summary->no_memory = true;
			return;
		}
		vcpu->hvm->vcpu = vcpu->place->number;
	}
	result = xen_hvm_event(vcpu->hvm, &counts, event);
	if (result.closed && summary->listener.exit)
		summary->listener.exit(summary->listener.context, vcpu->place, vcpu->hvm, event->order_tsc,
			result.exit_ticks);
	vcpu->all.acts[XEN_ACT_EXITS] += result.exit;
	vcpu->all.acts[XEN_ACT_EXIT_TSC] += result.exit_ticks;
	vcpu->all.acts[XEN_ACT_INTERRUPTS] += result.interrupt;
	vcpu->all.acts[XEN_ACT_FAULTS] += result.fault;
	vcpu->all.acts[XEN_ACT_IO] += result.io;
	vcpu->all.acts[XEN_ACT_HYPERCALLS] += result.vmcall;
}

static enum xen_reclaim why_reclaimed(const struct xen_vcpu_summary *vcpu)
{
	if (!vcpu->hvm || !vcpu->hvm->in_exit)
		return XEN_RECLAIM_UNKNOWN;
	switch (vcpu->hvm->reason) {
	case 0:     /* VMX: exception */
	case 48:    /* VMX: EPT violation */
	case 0x400: /* SVM: nested page fault */
		return XEN_RECLAIM_FAULT;
	case 18:   /* VMX: VMCALL */
	case 0x81: /* SVM: VMMCALL */
		return XEN_RECLAIM_BALLOON;
	}
	return XEN_RECLAIM_UNKNOWN;
}

/* `vcpu`: who did it; NULL: not known. */
static void add_memory(
	struct xen_summary *summary, struct xen_vcpu_summary *vcpu, const struct xen_event *event)
{
	int op = xen_memory_op(event->code);
	struct xen_memory_counts *by = NULL, *of = NULL;
	struct xen_domain *domain;
	uint32_t order;
	uint16_t id;

	if (op < 0 || !xen_memory_target(event, op, &id, &order))
		return;
	domain = xen_domains_at(&summary->domains, id);
	if (domain)
		of = xen_domain_memory(domain);
	if (vcpu && vcpu->domain)
		by = xen_domain_memory(vcpu->domain);
	if (by)
		by->by[op]++;
	if (vcpu) {
		vcpu->all.acts[XEN_ACT_MEMORY]++;
		if (op <= XEN_MEMORY_GRANT_TRANSFER)
			vcpu->all.acts[XEN_ACT_GRANTS]++;
		if (op >= XEN_MEMORY_POD_POPULATE)
			vcpu->all.acts[XEN_ACT_POD]++;
	}
	if (!of)
		return;
	of->of[op]++;
	if (op == XEN_MEMORY_POD_POPULATE)
		of->populated[order]++;
	else if (op == XEN_MEMORY_POD_SPLINTER)
		of->splintered[order]++;
	else if (op == XEN_MEMORY_POD_RECLAIM)
		of->reclaimed[vcpu ? why_reclaimed(vcpu) : XEN_RECLAIM_UNKNOWN][order]++;
}

static void add_hardware(
	struct xen_summary *summary, struct xen_pcpu_summary *pcpu, const struct xen_event *event)
{
	uint32_t number = event->code & 0xfff;
	struct xen_tally_row *row;

	if (SUBCLASS(event->code) == 2 && number == 8 &&
		event->n_extra >= 3) { /* irq, begin, end: low words */
		uint32_t ticks = event->extra[2] - event->extra[1];

		row = xen_tally_at(&summary->tally, XEN_TALLY_ANY, XEN_TALLY_IRQ, event->extra[0]);
		row->count++;
		xen_times_add(&row->times, &summary->budget, ticks);
		pcpu->irqs++;
		pcpu->irq_tsc += ticks;
	} else if (SUBCLASS(event->code) == 1 && number == 2) {
		pcpu->cstate_entries++;
		pcpu->entered_tsc = event->order_tsc;
	} else if (SUBCLASS(event->code) == 1 && number == 3 && pcpu->entered_tsc) {
		if (event->order_tsc > pcpu->entered_tsc)
			pcpu->cstate_tsc += event->order_tsc - pcpu->entered_tsc;
		pcpu->entered_tsc = 0;
	}
}

static void add_running(struct xen_summary *summary, struct xen_pcpu_summary *pcpu,
	const struct xen_pcpu_place *where, const struct xen_event *event, uint32_t class)
{
	const struct xen_vcpu_place *place = xen_runstates_current(&summary->states, where);
	struct xen_vcpu_summary *vcpu = place ? vcpu_of(summary, place) : NULL;

	switch (class) {
	case XEN_CLASS_MEM:
		add_memory(summary, vcpu, event);
		break;
	case XEN_CLASS_HW:
		add_hardware(summary, pcpu, event);
		break;
	default:
		/* xenalyze, too, takes an idle vCPU for one that cannot have done this */
		if (!vcpu || place->dom == XEN_DOMAIN_IDLE)
			summary->unplaced++;
		else if (class == XEN_CLASS_PV)
			add_pv(summary, vcpu, event);
		else
			add_hvm(summary, vcpu, event);
	}
}

/* --- the whole --- */

/* After the one that begins at begin_tsc; false: that one reaches beyond all TSCs. */
static bool expect_interval(struct xen_summary *summary)
{
	bool ends = summary->interval_tsc && summary->begin_tsc < UINT64_MAX - summary->interval_tsc;

	summary->next_tsc = ends ? summary->begin_tsc + summary->interval_tsc : UINT64_MAX;
	return ends;
}

static void end_intervals(struct xen_summary *summary, uint64_t tsc)
{
	for (unsigned empty = 0; tsc >= summary->next_tsc; empty++) {
		/* a TSC that jumps is no reason to write a billion of them: the last one is long */
		if (empty == EMPTY_INTERVALS_MAX)
			summary->next_tsc +=
				(tsc - summary->next_tsc) / summary->interval_tsc * summary->interval_tsc;
		xen_runstates_advance(&summary->states, summary->next_tsc);
		summary->interval(summary->interval_context, summary, summary->begin_tsc, summary->next_tsc);
		for (uint32_t i = 0; i < summary->nr_vcpus; i++) {
			struct xen_vcpu_summary *vcpu = summary->vcpus + i;
			enum xen_state state = vcpu->place->state;

			vcpu->all.state_tsc[state] =
				xen_summary_state_tsc(vcpu, state, summary->begin_tsc, summary->next_tsc);
			vcpu->before = vcpu->all;
		}
		for (uint32_t i = 0; i < summary->nr_pcpus; i++)
			for (int state = 0; state < XEN_PCPU_STATES; state++)
				summary->pcpus[i].before_tsc[state] = xen_summary_pcpu_tsc(
					summary, i, (enum xen_pcpu_state)state, summary->next_tsc);
		summary->begin_tsc = summary->next_tsc;
		if (!expect_interval(summary))
			return;
	}
}

uint64_t xen_summary_state_tsc(
	const struct xen_vcpu_summary *vcpu, enum xen_state state, uint64_t begin_tsc, uint64_t end_tsc)
{
	uint64_t from_tsc = vcpu->place->since_tsc > begin_tsc ? vcpu->place->since_tsc : begin_tsc;
	uint64_t ticks = vcpu->all.state_tsc[state];

	if (vcpu->place->state == state && vcpu->place->since_tsc && from_tsc < end_tsc)
		ticks += end_tsc - from_tsc;
	return ticks;
}

uint64_t xen_summary_pcpu_tsc(
	const struct xen_summary *summary, uint32_t pcpu, enum xen_pcpu_state state, uint64_t end_tsc)
{
	const struct xen_pcpu_place *place = summary->states.pcpus + pcpu;
	uint64_t ticks = summary->pcpus[pcpu].states[state].sum_tsc;
	const struct xen_vcpu_place *vcpu;

	if (pcpu >= summary->states.nr_pcpus || !place->seen)
		return ticks;
	vcpu = xen_runstates_current(&summary->states, place);
	if (state == XEN_PCPU_LOST)
		return ticks + (place->lost && place->lost_tsc < end_tsc ? end_tsc - place->lost_tsc : 0);
	if (vcpu && (state == XEN_PCPU_IDLE) == (vcpu->dom == XEN_DOMAIN_IDLE) && place->current_tsc &&
		place->current_tsc < end_tsc)
		ticks += end_tsc - place->current_tsc;
	return ticks;
}

void xen_summary_event(struct xen_summary *summary, const struct xen_event *event)
{
	uint32_t class = xen_code_class(event->code);
	uint64_t tsc = event->order_tsc;
	struct xen_pcpu_summary *pcpu;
	const struct xen_pcpu_place *where;
	unsigned bit;

	if (__builtin_expect(!class || class & (class - 1), 0)) {
		summary->odd_codes++;
		return;
	}
	if (__builtin_expect(!summary->first_tsc && tsc, 0)) {
		summary->first_tsc = summary->begin_tsc = tsc;
		expect_interval(summary);
	}
	if (__builtin_expect(tsc >= summary->next_tsc, 0))
		end_intervals(summary, tsc);
	if (tsc > summary->last_tsc)
		summary->last_tsc = tsc;
	summary->events++;
	where = xen_runstates_record(&summary->states, event->pcpu, tsc);
	if (!where)
		return;
	pcpu = pcpu_of(summary, event->pcpu);
	if (!pcpu)
		return;
	bit = (unsigned)__builtin_ctz(class);
	pcpu->events[bit]++;
	pcpu->bytes[bit] += 4 + (event->has_tsc ? 8 : 0) + 4u * event->n_extra;
	if (__builtin_expect(summary->listener.event != NULL, 0))
		summary->listener.event(
			summary->listener.context, xen_runstates_current(&summary->states, where), event);
	switch (class) {
	case XEN_CLASS_SCHED:
		if (SUBCLASS(event->code) == 1)
			xen_runstates_change(&summary->states, event);
		break;
	case XEN_CLASS_GEN:
		if (event->code == XEN_LOST_RECORDS)
			xen_runstates_lost(&summary->states, event);
		break;
	case XEN_CLASS_HVM:
	case XEN_CLASS_SHADOW:
	case XEN_CLASS_PV:
	case XEN_CLASS_MEM:
	case XEN_CLASS_HW:
		add_running(summary, pcpu, where, event, class);
		break;
	}
}

bool xen_summary_wants(uint32_t code)
{
	uint32_t class = xen_code_class(code);

	if (class == XEN_CLASS_SCHED)
		return SUBCLASS(code) == 1;
	return class &
		(XEN_CLASS_GEN | XEN_CLASS_HVM | XEN_CLASS_SHADOW | XEN_CLASS_PV | XEN_CLASS_MEM |
			XEN_CLASS_HW);
}

void xen_summary_left_out(struct xen_summary *summary, uint32_t pcpu_number,
	const uint64_t events[XEN_CLASSES], const uint64_t bytes[XEN_CLASSES], uint64_t last_tsc)
{
	struct xen_pcpu_place *place = xen_runstates_record(&summary->states, pcpu_number, last_tsc);
	struct xen_pcpu_summary *pcpu = place ? pcpu_of(summary, pcpu_number) : NULL;

	if (!pcpu)
		return;
	for (int i = 0; i < XEN_CLASSES; i++) {
		pcpu->events[i] += events[i];
		pcpu->bytes[i] += bytes[i];
		summary->events += events[i];
	}
	if (last_tsc > summary->last_tsc)
		summary->last_tsc = last_tsc;
}

void xen_summary_pcpu_end(struct xen_summary *summary, uint32_t pcpu, uint64_t last_tsc)
{
	xen_runstates_pcpu_end(&summary->states, pcpu, last_tsc);
}

int xen_summary_end(struct xen_summary *summary)
{
	xen_runstates_end(&summary->states);
	if (summary->interval && summary->last_tsc >= summary->next_tsc)
		end_intervals(summary, summary->last_tsc);
	xen_runstates_advance(&summary->states, UINT64_MAX);
	if (summary->interval && summary->last_tsc > summary->begin_tsc)
		summary->interval(summary->interval_context, summary, summary->begin_tsc, summary->last_tsc);
	for (uint32_t i = 0; i < summary->nr_vcpus; i++)
		stayed(summary, summary->vcpus + i, summary->last_tsc);
	return summary->no_memory ? -ENOMEM : 0;
}

int xen_summary_init(struct xen_summary *summary)
{
	const struct xen_runstates_listener listener = {summary, take_change, take_place, take_pcpu};
	int result;

	*summary = (struct xen_summary){.next_tsc = UINT64_MAX};
	xen_runstates_init(&summary->states, &listener);
	result = xen_tally_init(&summary->tally);
	if (capped_table_init(&summary->pairs, sizeof(struct xen_pair), XEN_PAIRS_MAX) < 0)
		result = -ENOMEM;
	return result;
}

void xen_summary_deinit(struct xen_summary *summary)
{
	for (uint32_t i = 0; i < summary->nr_vcpus; i++) {
		struct xen_vcpu_summary *vcpu = summary->vcpus + i;

		for (int j = 0; j < XEN_STATES; j++)
			xen_times_deinit(&vcpu->states[j]);
		for (int j = 0; j < XEN_RUNNABLES; j++)
			xen_times_deinit(&vcpu->waits[j]);
		xen_times_deinit(&vcpu->stays);
		free(vcpu->pv);
		free(vcpu->hvm);
	}
	free(summary->vcpus);
	for (uint32_t i = 0; i < summary->nr_pcpus; i++)
		for (int j = 0; j < XEN_PCPU_STATES; j++)
			xen_times_deinit(&summary->pcpus[i].states[j]);
	free(summary->pcpus);
	for (size_t i = 0; i < summary->pairs.count; i++)
		xen_times_deinit(&((struct xen_pair *)capped_table_row(&summary->pairs, i))->stays);
	if (summary->pairs.others)
		xen_times_deinit(&((struct xen_pair *)summary->pairs.others)->stays);
	capped_table_deinit(&summary->pairs);
	xen_tally_deinit(&summary->tally);
	xen_domains_deinit(&summary->domains);
	xen_runstates_deinit(&summary->states);
	*summary = (struct xen_summary){0};
}

void xen_summary_intervals(
	struct xen_summary *summary, uint64_t ticks, xen_interval_fn interval, void *context)
{
	summary->interval_tsc = ticks;
	summary->interval = interval;
	summary->interval_context = context;
}

static int by_name(const void *a, const void *b, void *context)
{
	const struct xen_summary *summary = context;
	const struct xen_vcpu_place *left = summary->vcpus[*(const uint32_t *)a].place;
	const struct xen_vcpu_place *right = summary->vcpus[*(const uint32_t *)b].place;

	if (left->dom != right->dom)
		return left->dom < right->dom ? -1 : 1;
	return left->vcpu < right->vcpu ? -1 : left->vcpu > right->vcpu;
}

uint32_t *xen_summary_sorted(const struct xen_summary *summary)
{
	uint32_t *order = summary->nr_vcpus ? calloc(summary->nr_vcpus, sizeof(*order)) : NULL;

	for (uint32_t i = 0; order && i < summary->nr_vcpus; i++)
		order[i] = i;
	if (order)
		qsort_r(order, summary->nr_vcpus, sizeof(*order), by_name, (void *)(uintptr_t)summary);
	return order;
}
