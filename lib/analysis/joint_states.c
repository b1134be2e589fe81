/* SPDX-License-Identifier: MIT */
#include "lib/analysis/joint_states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int joint_states_init(struct joint_states *states)
{
	int result;

	*states = (struct joint_states){0};
	result = capped_table_init(&states->culprits, sizeof(struct joint_culprit), JOINT_STATES_CULPRITS);
	if (capped_table_init(&states->ways, sizeof(struct joint_way), JOINT_STATES_WAYS) < 0)
		result = -ENOMEM;
	return result;
}

void joint_states_deinit(struct joint_states *states)
{
	for (uint32_t i = 0; i < states->nr_vcpus; i++)
		free(states->vcpus[i]);
	free(states->vcpus);
	capped_table_deinit(&states->culprits);
	capped_table_deinit(&states->ways);
	*states = (struct joint_states){0};
}

const struct joint_vcpu_states *joint_states_of(const struct joint_states *states, uint32_t vcpu)
{
	return vcpu < states->nr_vcpus ? states->vcpus[vcpu] : NULL;
}

static struct joint_vcpu_states *at(struct joint_states *states, uint32_t vcpu)
{
	if (vcpu >= states->nr_vcpus) {
		uint32_t room = (vcpu | 15) + 1;
		struct joint_vcpu_states **vcpus =
			reallocarray(states->vcpus, room, sizeof(struct joint_vcpu_states *));

		if (!vcpus)
			return NULL;
		memset(vcpus + states->nr_vcpus, 0, (room - states->nr_vcpus) * sizeof(*vcpus));
		states->vcpus = vcpus;
		states->nr_vcpus = room;
	}
	if (!states->vcpus[vcpu]) {
		states->vcpus[vcpu] = calloc(1, sizeof(**states->vcpus));
		if (states->vcpus[vcpu])
			states->vcpus[vcpu]->pcpu = VCPU_NO_PCPU;
	}
	return states->vcpus[vcpu];
}

/* --- time without a pCPU --- */

static void keep_longest(struct joint_states *states, const struct joint_preemption *one)
{
	size_t place = states->nr_longest;

	while (place && states->longest[place - 1].duration_ns < one->duration_ns)
		place--;
	if (place == JOINT_STATES_LONGEST)
		return;
	if (states->nr_longest < JOINT_STATES_LONGEST)
		states->nr_longest++;
	memmove(states->longest + place + 1, states->longest + place,
		(states->nr_longest - place - 1) * sizeof(*one));
	states->longest[place] = *one;
}

static void add_culprit(struct joint_states *states, uint32_t host, const struct joint_preemption *one)
{
	struct joint_culprit *culprit =
		capped_table_at(&states->culprits, (uint64_t)host << 32 | one->culprit.pid);

	culprit->task = one->culprit;
	culprit->count++;
	culprit->total_ns += one->duration_ns;
	if (one->duration_ns >= culprit->max_ns) {
		culprit->max_ns = one->duration_ns;
		culprit->victim = one->vcpu;
	}
}

static void add_preemption(struct joint_states *states, struct joint_vcpu_states *vcpu, uint32_t host,
	const struct vcpu_interval *interval)
{
	const struct joint_preemption one = {
		.vcpu = interval->vcpu,
		.pcpu = interval->pcpu,
		.woken = interval->state == VCPU_WAITING,
		.at_ns = interval->from_ns,
		.duration_ns = interval->to_ns - interval->from_ns,
		.culprit = interval->culprit,
	};

	histogram_add(one.woken ? &vcpu->waiting : &vcpu->preempted, one.duration_ns);
	vcpu->waited_ns += one.duration_ns;
	keep_longest(states, &one);
	add_culprit(states, host, &one);
}

/* --- migrations --- */

static void arrive(
	struct joint_states *states, struct joint_vcpu_states *vcpu, const struct vcpu_interval *interval)
{
	if (vcpu->pcpu != VCPU_NO_PCPU && vcpu->pcpu != interval->pcpu) {
		vcpu->migrations++;
		vcpu->way = capped_table_at(&states->ways,
			(uint64_t)interval->vcpu << 32 | (uint64_t)(vcpu->pcpu & 0xffff) << 16 |
				(interval->pcpu & 0xffff));
		vcpu->way->count++;
		vcpu->way->waited_ns += vcpu->waited_ns;
		if (vcpu->waited_ns > vcpu->way->max_waited_ns)
			vcpu->way->max_waited_ns = vcpu->waited_ns;
		vcpu->entry_ns = 0;
	}
	vcpu->pcpu = interval->pcpu;
	vcpu->waited_ns = 0;
}

static void follow_migration(
	struct joint_states *states, struct joint_vcpu_states *vcpu, const struct vcpu_interval *interval)
{
	if (interval->on)
		arrive(states, vcpu, interval);
	if (interval->state == VCPU_UNKNOWN) {
		vcpu->pcpu = VCPU_NO_PCPU; /* from where it comes next is not known */
		vcpu->way = NULL;
	}
	if (!vcpu->way)
		return;
	if (interval->state == VCPU_GUEST) {
		vcpu->way->entries++;
		vcpu->way->entry_ns += vcpu->entry_ns;
		vcpu->way = NULL;
	} else if (interval->on) {
		vcpu->entry_ns += interval->to_ns - interval->from_ns;
	} else {
		vcpu->way = NULL; /* it left the pCPU before it ran guest code */
	}
}

void joint_states_add(struct joint_states *states, uint32_t host, const struct vcpu_interval *interval)
{
	struct joint_vcpu_states *vcpu = at(states, interval->vcpu);

	if (!vcpu)
		return;
	vcpu->ns[interval->state] += interval->to_ns - interval->from_ns;
	vcpu->counts[interval->state]++;
	if (interval->state == VCPU_PREEMPTED || interval->state == VCPU_WAITING)
		add_preemption(states, vcpu, host, interval);
	follow_migration(states, vcpu, interval);
}

void joint_states_exits(struct joint_states *states, uint32_t number, uint64_t count)
{
	struct joint_vcpu_states *vcpu = at(states, number);

	if (vcpu)
		vcpu->exits += count;
}
