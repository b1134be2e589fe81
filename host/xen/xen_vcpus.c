/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_vcpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/xen/xen_codes.h"

#define STATE_PREEMPTED 0x100 /* as host/collect/collector_events.def */
#define STATE_SLEEPS    1     /* TASK_INTERRUPTIBLE */
#define STATE_OFFLINE   4     /* stopped */
#define NO_PCPU         UINT32_MAX

int xen_vcpus_init(
	struct xen_vcpus *vcpus, const struct xen_vcpus_options *options, const struct xen_vcpus_sink *sink)
{
	*vcpus = (struct xen_vcpus){
		.sink = *sink,
		.ns_per_tsc = 1e9 / (double)options->hz,
		.isa = options->isa,
		.has_runstates = options->has_runstates,
		.nr_pcpus = options->nr_pcpus,
	};
	vcpus->pcpus = calloc(options->nr_pcpus + 1, sizeof(*vcpus->pcpus));
	return vcpus->pcpus ? 0 : -ENOMEM;
}

void xen_vcpus_deinit(struct xen_vcpus *vcpus)
{
	free(vcpus->vcpus);
	free(vcpus->pcpus);
	hash_map_deinit(&vcpus->by_number);
	*vcpus = (struct xen_vcpus){0};
}

/* --- who is who --- */

static int add_vcpu(struct xen_vcpus *vcpus, uint16_t domain, uint16_t number, struct xen_vcpu **vcpu)
{
	if (vcpus->nr_vcpus == vcpus->room) {
		uint32_t room = vcpus->room ? 2 * vcpus->room : 64;
		struct xen_vcpu *grown = reallocarray(vcpus->vcpus, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		vcpus->vcpus = grown;
		vcpus->room = room;
	}
	*vcpu = &vcpus->vcpus[vcpus->nr_vcpus++];
	**vcpu = (struct xen_vcpu){.domain = domain, .vcpu = number, .pcpu = NO_PCPU};
	if (domain == XEN_DOMAIN_IDLE) {
		snprintf((*vcpu)->name, sizeof((*vcpu)->name), "idle");
		return 0;
	}
	(*vcpu)->tid = ++vcpus->nr_tids;
	snprintf((*vcpu)->name, sizeof((*vcpu)->name), "d%uv%u", domain, number);
	vcpus->sink.vcpu(vcpus->sink.context, *vcpu);
	return 0;
}

/* NULL: no room; counted. */
static struct xen_vcpu *find_vcpu(struct xen_vcpus *vcpus, uint32_t domain, uint32_t number)
{
	const uint64_t key = (uint64_t)(domain & 0xffff) << 16 | (number & 0xffff);
	const uint64_t *known = hash_map_get(&vcpus->by_number, key);
	struct xen_vcpu *vcpu = NULL;
	uint64_t *place;

	if (known && *known)
		return &vcpus->vcpus[*known - 1];
	if (vcpus->nr_vcpus < XEN_VCPUS_MAX) {
		place = hash_map_put(&vcpus->by_number, key);
		if (place && !add_vcpu(vcpus, (uint16_t)domain, (uint16_t)number, &vcpu))
			*place = vcpus->nr_vcpus;
	}
	vcpus->left_out += !vcpu;
	return vcpu;
}

static struct xen_vcpu *find_packed(struct xen_vcpus *vcpus, uint32_t word)
{
	return find_vcpu(vcpus, word >> 16, word & 0xffff);
}

static uint32_t place_of(const struct xen_vcpus *vcpus, const struct xen_vcpu *vcpu)
{
	return (uint32_t)(vcpu - vcpus->vcpus) + 1;
}

static struct xen_vcpu *at_place(const struct xen_vcpus *vcpus, uint32_t place)
{
	return place ? &vcpus->vcpus[place - 1] : NULL;
}

static uint32_t tid_of(const struct xen_vcpu *vcpu)
{
	return vcpu ? vcpu->tid : 0;
}

const struct xen_vcpu *xen_vcpus_current(const struct xen_vcpus *vcpus, uint32_t pcpu)
{
	return pcpu < vcpus->nr_pcpus ? at_place(vcpus, vcpus->pcpus[pcpu].current) : NULL;
}

/* --- what is said --- */

static struct collector_event event_of(uint8_t type, const struct xen_vcpu *vcpu, uint32_t value)
{
	return (struct collector_event){
		.record = {.type = type, .vcpu = vcpu->vcpu, .tid = vcpu->tid, .value = value}};
}

static void name_task(struct collector_event *event, const struct xen_vcpu *vcpu)
{
	event->record.task = (struct collector_task){.pid = tid_of(vcpu), .tgid = tid_of(vcpu)};
	if (vcpu)
		memcpy(event->record.task.comm, vcpu->name, sizeof(vcpu->name));
}

static void say(const struct xen_vcpus *vcpus, const struct xen_event *at, uint64_t tsc,
	const struct xen_vcpu *running, const struct collector_event *event)
{
	vcpus->sink.host(vcpus->sink.context, at->pcpu, tsc, tid_of(running), event);
}

/* A duration, or none: `from` 0. */
static uint64_t ns_between(const struct xen_vcpus *vcpus, uint64_t from, uint64_t to)
{
	return from && to > from ? (uint64_t)((double)(to - from) * vcpus->ns_per_tsc + 0.5) : 0;
}

static void say_exit(const struct xen_vcpus *vcpus, const struct xen_event *at, const struct xen_vcpu *vcpu,
	const struct xen_vcpu *exit, uint64_t from)
{
	struct collector_event event =
		event_of(exit->hypercall ? COLLECTOR_HYPERCALL : COLLECTOR_EXIT, vcpu, exit->reason);

	event.record.flags = exit->flags;
	event.record.words[0] = ns_between(vcpus, from, at->order_tsc);
	event.record.words[1] = exit->rip;
	event.record.words[2] = exit->nr;
	say(vcpus, at, at->order_tsc, vcpu, &event);
}

/* The one that left a pCPU, now that it is known who comes. */
static void say_left(struct xen_vcpus *vcpus, const struct xen_event *at, const struct xen_vcpu *next)
{
	struct xen_vcpus_pcpu *pcpu = &vcpus->pcpus[at->pcpu];
	const struct xen_vcpu *left = at_place(vcpus, pcpu->left);
	struct collector_event event;

	if (left && left->tid) {
		event = event_of(COLLECTOR_VCPU_OUT, left, pcpu->left_state);
		name_task(&event, next);
		say(vcpus, at, pcpu->left_tsc, left, &event);
	}
	pcpu->left = 0;
}

/* --- runstates --- */

static void come(struct xen_vcpus *vcpus, const struct xen_event *at, struct xen_vcpu *vcpu)
{
	struct xen_vcpus_pcpu *pcpu = &vcpus->pcpus[at->pcpu];
	const struct xen_vcpu *left = at_place(vcpus, pcpu->left);
	const uint32_t left_state = pcpu->left_state;
	struct collector_event event;

	say_left(vcpus, at, vcpu);
	if (vcpu->tid && vcpu->pcpu != at->pcpu && vcpu->pcpu != NO_PCPU) {
		event = event_of(COLLECTOR_VCPU_MIGRATE, vcpu, vcpu->pcpu);
		event.record.words[0] = at->pcpu;
		say(vcpus, at, at->order_tsc, left, &event);
	}
	if (vcpu->tid) {
		event = event_of(COLLECTOR_VCPU_IN, vcpu, 0);
		name_task(&event, left);
		say(vcpus, at, at->order_tsc, left, &event);
	}
	if (left && left != vcpu)
		vcpus->sink.sched_switch(
			vcpus->sink.context, at->pcpu, at->order_tsc, left->tid, left_state, vcpu->tid);
	vcpu->pcpu = at->pcpu;
	pcpu->current = place_of(vcpus, vcpu);
	if (vcpu->block_tsc && vcpu->tid) {
		const struct xen_vcpu exit = {.reason = EXIT_XEN_PV_BLOCK,
			.flags = EXIT_ISA_XEN_PV | COLLECTOR_HALTED | COLLECTOR_PREEMPTED};

		say_exit(vcpus, at, vcpu, &exit, vcpu->block_tsc);
	}
	vcpu->block_tsc = 0;
}

static void leave(
	struct xen_vcpus *vcpus, const struct xen_event *at, struct xen_vcpu *vcpu, enum xen_runstate to)
{
	struct xen_vcpus_pcpu *pcpu = &vcpus->pcpus[at->pcpu];

	say_left(vcpus, at, NULL);
	vcpus->odd += pcpu->current && at_place(vcpus, pcpu->current) != vcpu;
	pcpu->current = 0;
	pcpu->left = place_of(vcpus, vcpu);
	pcpu->left_tsc = at->order_tsc;
	pcpu->left_state = to == XEN_RUNNABLE ? STATE_PREEMPTED
		: to == XEN_OFFLINE           ? STATE_OFFLINE
					      : STATE_SLEEPS;
	vcpu->pcpu = at->pcpu;
	if (vcpu->exit_tsc)
		vcpu->flags |= COLLECTOR_PREEMPTED;
	if (to == XEN_RUNNABLE)
		vcpu->block_tsc = 0; /* it wanted to block, and there was an event already */
}

static void wake(struct xen_vcpus *vcpus, const struct xen_event *at, struct xen_vcpu *vcpu)
{
	const struct xen_vcpu *by = xen_vcpus_current(vcpus, at->pcpu);
	const uint32_t target = vcpu->pcpu == NO_PCPU ? at->pcpu : vcpu->pcpu;
	struct collector_event event;

	if (!vcpu->tid)
		return;
	event = event_of(COLLECTOR_VCPU_WAKING, vcpu, target);
	name_task(&event, by);
	say_left(vcpus, at, NULL);
	say(vcpus, at, at->order_tsc, by, &event);
	vcpus->sink.sched_waking(vcpus->sink.context, at->pcpu, at->order_tsc, tid_of(by), vcpu->tid, target);
}

static void change_runstate(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	const enum xen_runstate from = at->code >> 8 & 0xf, to = at->code >> 4 & 0xf;
	struct xen_vcpu *vcpu = find_packed(vcpus, at->extra[0]);

	if (!vcpu || from >= XEN_RUNSTATES || to >= XEN_RUNSTATES || from == to)
		return;
	if (from == XEN_RUNNING)
		leave(vcpus, at, vcpu, to);
	else if (to == XEN_RUNNING)
		come(vcpus, at, vcpu);
	else if (to == XEN_RUNNABLE)
		wake(vcpus, at, vcpu);
}

/* --- the scheduler's own records --- */

static void switch_vcpus(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *prev = find_vcpu(vcpus, at->extra[0], at->extra[1]);
	const uint32_t place = prev ? place_of(vcpus, prev) : 0;
	struct xen_vcpu *next = find_vcpu(vcpus, at->extra[2], at->extra[3]);

	if (!place || !next)
		return;
	prev = at_place(vcpus, place); /* finding the other may have moved it */
	leave(vcpus, at, prev, prev->block_tsc ? XEN_BLOCKED : XEN_RUNNABLE);
	come(vcpus, at, next);
}

/* It has nothing to do until an event comes. */
static void block(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *vcpu = find_vcpu(vcpus, at->extra[0], at->extra[1]);

	if (!vcpu)
		return;
	if (vcpu->exit_tsc)
		vcpu->flags |= COLLECTOR_HALTED;
	else
		vcpu->block_tsc = at->order_tsc;
}

static void wake_by_scheduler(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *vcpu = find_vcpu(vcpus, at->extra[0], at->extra[1]);

	if (vcpu)
		wake(vcpus, at, vcpu);
}

/* --- exits --- */

static struct xen_vcpu *running(const struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *vcpu = at_place(vcpus, vcpus->pcpus[at->pcpu].current);

	return vcpu && vcpu->tid ? vcpu : NULL;
}

static uint64_t address(const struct xen_event *at, unsigned first)
{
	const bool wide = at->code & XEN_CODE_64;

	if (first + wide >= at->n_extra)
		return 0;
	return at->extra[first] | (wide ? (uint64_t)at->extra[first + 1] << 32 : 0);
}

/* Of an HVM event: of guests and of their guests, with narrow and with wide addresses. */
static uint32_t plain_code(const struct xen_event *at)
{
	return at->code & ~(XEN_CODE_HVM_NESTED | XEN_CODE_64);
}

static void exit_hvm(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	const bool svm = plain_code(at) == XEN_CODE_SVM_EXIT;
	struct xen_vcpu *vcpu = running(vcpus, at);

	if (!vcpu || !at->n_extra)
		return;
	vcpu->exit_tsc = at->order_tsc;
	vcpu->reason = at->extra[0];
	vcpu->rip = address(at, 1);
	vcpu->flags = (uint8_t)((svm ? EXIT_ISA_SVM : vcpus->isa) |
		(at->code & XEN_CODE_HVM_NESTED ? COLLECTOR_NESTED : 0));
	vcpu->hypercall = false;
	vcpu->nr = 0;
}

static void enter_hvm(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *vcpu = running(vcpus, at);

	if (!vcpu)
		return;
	if (vcpu->exit_tsc)
		say_exit(vcpus, at, vcpu, vcpu, vcpu->exit_tsc);
	vcpu->exit_tsc = 0;
}

static void call_hvm(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *vcpu = running(vcpus, at);

	if (!vcpu || !vcpu->exit_tsc || !at->n_extra)
		return;
	vcpu->hypercall = true;
	vcpu->nr = at->extra[0];
}

/* The arguments that are there, at most four; 2 bits of each say how wide. */
static void take_arguments(const struct xen_event *at, struct collector_event *event)
{
	for (unsigned i = 0, word = 1; i < 6; i++) {
		const unsigned words = at->extra[0] >> (20 + 2 * i) & 3;
		uint64_t value = 0;

		if (words && word + words <= at->n_extra)
			value = at->extra[word] | (words > 1 ? (uint64_t)at->extra[word + 1] << 32 : 0);
		word += words;
		if (i < 2)
			event->record.words[3 + i] = value;
		else if (i < 4)
			event->more[i - 2] = value;
	}
}

static void enter_pv(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	const unsigned what = at->code & 0xff;
	const struct xen_vcpu *vcpu = running(vcpus, at);
	struct collector_event event;

	if (!vcpu || !at->n_extra || what < XEN_PV_HYPERCALL || what > XEN_PV_HYPERCALL_V2)
		return;
	event = event_of(COLLECTOR_EXIT, vcpu, what);
	event.record.flags = EXIT_ISA_XEN_PV;
	if (what == XEN_PV_HYPERCALL_V2) {
		event.record.type = COLLECTOR_HYPERCALL;
		event.record.value = XEN_PV_HYPERCALL;
		event.record.words[2] = at->extra[0] & 0xfffff;
		take_arguments(at, &event);
	} else if (what == XEN_PV_HYPERCALL) {
		event.record.type = COLLECTOR_HYPERCALL;
		event.record.words[1] = address(at, 0);
		event.record.words[2] = at->extra[at->n_extra - 1];
	} else {
		event.record.words[1] = address(at,
			what != XEN_PV_PTWR && what != XEN_PV_PTWR_PAE ? 0
				: at->code & XEN_CODE_64               ? 4
								       : 3);
	}
	say(vcpus, at, at->order_tsc, vcpu, &event);
}

/* --- all of them --- */

static void add_sched(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	if (at->code == XEN_CODE_BLOCK && at->n_extra >= 2)
		block(vcpus, at);
	if (vcpus->has_runstates)
		return;
	if (at->code == XEN_CODE_SWITCH && at->n_extra >= 4)
		switch_vcpus(vcpus, at);
	else if (at->code == XEN_CODE_WAKE && at->n_extra >= 2)
		wake_by_scheduler(vcpus, at);
}

static void go_on(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	struct xen_vcpu *vcpu = find_packed(vcpus, at->extra[0]);

	if (!vcpu)
		return;
	vcpu->pcpu = at->pcpu;
	vcpus->pcpus[at->pcpu].current = place_of(vcpus, vcpu);
}

void xen_vcpus_add(struct xen_vcpus *vcpus, const struct xen_event *at)
{
	const uint32_t plain = plain_code(at);

	if (at->pcpu >= vcpus->nr_pcpus)
		return;
	if ((at->code & ~0xff0u) == (XEN_CODE_RUNSTATE | 1) && at->n_extra)
		change_runstate(vcpus, at);
	else if (at->code == XEN_CODE_CONTINUE && at->n_extra)
		go_on(vcpus, at);
	else if (xen_code_class(at->code) == XEN_CLASS_SCHED)
		add_sched(vcpus, at);
	else if (plain == XEN_CODE_HVM_EXIT || plain == XEN_CODE_SVM_EXIT)
		exit_hvm(vcpus, at);
	else if (plain == XEN_CODE_HVM_ENTRY)
		enter_hvm(vcpus, at);
	else if (at->code == XEN_CODE_HVM_VMMCALL)
		call_hvm(vcpus, at);
	else if ((at->code & XEN_CODE_SUBCLASS) == XEN_CODE_PV)
		enter_pv(vcpus, at);
}

void xen_vcpus_lost(struct xen_vcpus *vcpus, uint32_t number)
{
	struct xen_event at = {.pcpu = number};
	struct xen_vcpus_pcpu *pcpu;
	struct xen_vcpu *vcpu;

	if (number >= vcpus->nr_pcpus)
		return;
	pcpu = &vcpus->pcpus[number];
	say_left(vcpus, &at, NULL);
	for (uint32_t i = 0; i < vcpus->nr_vcpus; i++) {
		vcpu = &vcpus->vcpus[i];
		if (vcpu->pcpu == number)
			vcpu->exit_tsc = vcpu->block_tsc = 0;
	}
	pcpu->current = 0;
}

void xen_vcpus_finish(struct xen_vcpus *vcpus)
{
	for (uint32_t i = 0; i < vcpus->nr_pcpus; i++)
		say_left(vcpus, &(struct xen_event){.pcpu = i}, NULL);
}
