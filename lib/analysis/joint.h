/* SPDX-License-Identifier: MIT */
/*
 * Hosts and their guests together: the events of all machines of a trace, in the order of time, become intervals of
 * vCPUs (lib/model/vcpu_model.h), exits, and guests' events with the vCPU that they happened on. The listener's owner makes
 * an analysis of them: joint_states.h, joint_tasks.h, joint_exits.h, joint_latency.h.
 *
 * A vCPU is known by its thread: hypertrace.json says which VM it belongs to, and which machine of the trace is that VM's
 * guest; CPU n of the guest is KVM's vCPU n. A thread that it does not know is a vCPU of no VM.
 *
 * Order: an interval is delivered when it is certain, so after every event that happened in it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/vcpu_event.h"
#include "lib/analysis/kernel_event.h"
#include "lib/analysis/task_table.h"
#include "lib/base/hash_map.h"
#include "lib/model/trace_info.h"
#include "lib/model/vcpu_model.h"

#define JOINT_NONE UINT32_MAX

/* One machine of the trace. */
struct joint_machine {
	const struct event_schema *schema;
	const struct trace_machine_info *info;
	const void *trace;         /* machines of one recording have the same */
	const struct names *names; /* of a guest's tasks, or NULL */
	uint32_t nr_cpus;          /* events of CPUs from there on are left out */
};

struct joint_vcpu {
	uint32_t host;                  /* machine */
	const struct trace_vm_info *vm; /* NULL: of none that is known */
	uint32_t number;                /* KVM's, and the guest's CPU */
	uint32_t tid;                   /* of the host's thread */
	uint32_t guest;                 /* machine; JOINT_NONE: not in this trace */
	struct task *task; /* that the guest runs there, as far as its events say; NULL: not known */
	bool wanted;       /* for the caller: by the user's filter; true at first */
};

struct joint_guest_event {
	uint32_t machine, cpu, vcpu; /* vcpu JOINT_NONE: the host said nothing of it */
	const struct kernel_event_layout *layout;
	const uint8_t *payload;
	uint32_t pid; /* that ran: of a sched_switch, the one that leaves */
	uint64_t now_ns;
	bool in_range;
};

struct joint_listener {
	void *context;
	/* each may be NULL; interval->vcpu and vcpu are joint_vcpu()'s */
	void (*interval)(void *context, const struct vcpu_interval *interval); /* cut to the range */
	void (*host)(
		void *context, uint32_t vcpu, const struct vcpu_event *event, uint64_t now_ns); /* in range */
	void (*guest)(
		void *context, const struct joint_guest_event *event); /* of known kinds, lost ones too */
};

struct joint_options {
	const struct joint_machine *machines; /* must live as long, with all they point to */
	uint32_t nr_machines;
	const struct event_type *lost_type; /* see kernel_events_init() */
	uint64_t begin_ns;                  /* of the trace */
	uint64_t from_ns, to_ns;            /* what is of interest; 0 and UINT64_MAX: all */
	task_wanted_fn *wanted;             /* or NULL: all tasks of guests */
	const void *wanted_context;
	struct joint_listener listener;
};

struct joint_host; /* joint.c */

struct joint {
	const struct joint_machine *machines;
	uint32_t nr_machines;
	uint64_t begin_ns, from_ns, to_ns, last_ns;
	struct joint_listener listener;
	struct joint_host **hosts;            /* by machine; NULL: it is none */
	struct kernel_events **kernel_events; /* by machine; NULL: it is a host */
	struct task_table *tasks;             /* by machine, of guests */
	uint32_t **vcpu_of_cpu;               /* by machine and CPU, of guests */
	struct joint_vcpu *vcpus;
	uint32_t nr_vcpus, vcpus_room;
	uint32_t nr_hosts, nr_guests;     /* guests: that a host of the trace runs */
	uint64_t left_out;                /* events of vCPUs that found no room */
	bool exits, histograms, switches; /* there were such events, in range or not */
};

/* -ENOMEM. Heap; NULL after an error. */
int joint_create(const struct joint_options *options, struct joint **joint);
void joint_destroy(struct joint *joint);

/* One event, of what machine and type, its payload (checked by the reader), CPU, running task and time: not 0. */
void joint_add(struct joint *joint, uint32_t machine, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns);

/* Delivers what is open. */
void joint_finish(struct joint *joint);

static inline bool joint_is_host(const struct joint *joint, uint32_t machine)
{
	return joint->hosts[machine] != NULL;
}

/* Does a host of the trace say what this guest's vCPUs did? */
bool joint_is_hosted(const struct joint *joint, uint32_t machine);

/* The part of the trace that is looked at, after joint_finish(). */
uint64_t joint_start_ns(const struct joint *joint);
uint64_t joint_end_ns(const struct joint *joint);

/* Of a host's vCPUs: events earlier than the one before, and events that do not fit. */
uint64_t joint_backwards(const struct joint *joint);
uint64_t joint_odd(const struct joint *joint);
