/* SPDX-License-Identifier: MIT */
/*
 * What each vCPU of a host did at any time, made from what the host's KVM and scheduler said. Fed with plain values in
 * the order of time, it delivers closed intervals: for each vCPU in order, without a hole, from begin_ns on.
 *
 * An exit is told of when it ends, and covers the time since it began, in which the thread may have lost its pCPU and
 * got it again. So what the scheduler said since the last exit is kept as sections, and becomes intervals when the next
 * exit says what was guest code and what was not. There are at most VCPU_MODEL_SECTIONS; the oldest half of more is
 * delivered as what it is without an exit.
 *
 * Nothing is invented: before a vCPU's first event, and where events were lost, its state is not known. A pCPU that
 * lost events says nothing about a vCPU that is on another one; it makes unknown those that were on it, or on none.
 *
 *	struct vcpu_model model;
 *	vcpu_model_init(&model, begin_ns, take_interval, context);
 *	vcpu_model_add(&model, &vcpu);
 *	vcpu_model_out(…); vcpu_model_in(…); vcpu_model_exit(…); …
 *	vcpu_model_finish(&model, end_ns);
 *	vcpu_model_deinit(&model);
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VCPU_MODEL_SECTIONS 32
#define VCPU_MODEL_VCPUS    16384
#define VCPU_MODEL_PCPUS    4096
#define VCPU_NO_PCPU        UINT32_MAX
#define VCPU_COMM_BYTES     17

enum vcpu_state {
	VCPU_UNKNOWN,
	VCPU_GUEST,     /* runs guest code */
	VCPU_EXIT,      /* the host's kernel handles an exit, on the vCPU's pCPU */
	VCPU_USER,      /* an exit that the VMM's user space handles, whether it runs or sleeps there */
	VCPU_HALTED,    /* the guest has nothing to do there: the thread sleeps in an exit that halts */
	VCPU_BLOCKED,   /* the thread sleeps for another reason, or one that is not known: no exit tells */
	VCPU_PREEMPTED, /* could run, but another task got its pCPU */
	VCPU_WAITING,   /* was woken, and waits for a pCPU */
	VCPU_RUNNING,   /* has a pCPU; whether in the guest or in an exit is not known */
	VCPU_STATES,
};

/* "guest", "exit", … as in JSON. */
const char *vcpu_state_name(enum vcpu_state state);

/* Of an exit: the flags of host/collect/collector_events.def. */
#define VCPU_EXIT_ISA        0x03 /* 1 VMX, 2 SVM, 3 a PV guest of Xen */
#define VCPU_EXIT_ISA_XEN_PV 0x03
#define VCPU_EXIT_USER       0x04
#define VCPU_EXIT_LOST_PCPU  0x08
#define VCPU_EXIT_HALTED     0x10
#define VCPU_EXIT_HEADLESS   0x20 /* its beginning was not seen */
#define VCPU_EXIT_GUEST_USER 0x40
#define VCPU_EXIT_NESTED     0x80

/* A task of the host. */
struct vcpu_task {
	uint32_t pid, tgid;         /* pid 0: none, or the idle task */
	char comm[VCPU_COMM_BYTES]; /* raw, with a NUL */
};

struct vcpu_interval {
	uint32_t vcpu; /* as vcpu_model_add() numbered it */
	enum vcpu_state state;
	uint64_t from_ns, to_ns; /* never empty */
	uint32_t pcpu;           /* that the thread has, or had last; VCPU_NO_PCPU: not known */
	bool on;                 /* it has it */
	bool in_exit;            /* reason and flags hold: it is (a part of) that exit */
	uint8_t flags;
	uint32_t reason;
	struct vcpu_task culprit; /* preempted: who got the pCPU; waiting: who had it until then */
};

typedef void vcpu_interval_fn(void *context, const struct vcpu_interval *interval);

struct vcpu; /* vcpu_model.c */

struct vcpu_model {
	struct vcpu **vcpus;
	uint32_t nr_vcpus, room;
	uint64_t begin_ns;
	uint64_t *seen_ns; /* by pCPU: its last event; 0: none yet */
	uint64_t
		backwards; /* events that were earlier than the one before of their vCPU: taken as of that time */
	uint64_t odd; /* events that do not fit what was known: it came to a pCPU that it had, and the like */
	vcpu_interval_fn *take;
	void *context;
};

/* Times are ns of any one clock. -ENOMEM; good for vcpu_model_deinit() all the same. */
int vcpu_model_init(struct vcpu_model *model, uint64_t begin_ns, vcpu_interval_fn *take, void *context);
void vcpu_model_deinit(struct vcpu_model *model);

/* One more vCPU, *vcpu its number: from 0 upwards. -E2BIG, -ENOMEM. */
int vcpu_model_add(struct vcpu_model *model, uint32_t *vcpu);

/* All take the vCPU, the pCPU whose stream the event was in, and the event's time. */

/*
 * The thread left its pCPU for `next`. prev_state as the kernel's task state, 0 or with 0x100: it would have gone on.
 */
void vcpu_model_out(struct vcpu_model *model, uint32_t vcpu, uint32_t pcpu, uint64_t now_ns,
	uint32_t prev_state, const struct vcpu_task *next);

/* The thread got the pCPU that `previous` had. */
void vcpu_model_in(struct vcpu_model *model, uint32_t vcpu, uint32_t pcpu, uint64_t now_ns,
	const struct vcpu_task *previous);

/* Somebody, on that pCPU, woke the thread. */
void vcpu_model_waking(struct vcpu_model *model, uint32_t vcpu, uint32_t pcpu, uint64_t now_ns);

/* The exit it is in goes on in the VMM's user space from now on. */
void vcpu_model_user(struct vcpu_model *model, uint32_t vcpu, uint32_t pcpu, uint64_t now_ns);

/* An exit that took `duration_ns` is over. */
void vcpu_model_exit(struct vcpu_model *model, uint32_t vcpu, uint32_t pcpu, uint64_t now_ns,
	uint64_t duration_ns, uint32_t reason, uint8_t flags);

/* Events of that pCPU were lost since its last event. */
void vcpu_model_lost(struct vcpu_model *model, uint32_t pcpu, uint64_t now_ns);

/* Delivers what is open, until now. Nothing may follow. */
void vcpu_model_finish(struct vcpu_model *model, uint64_t now_ns);
