/* SPDX-License-Identifier: MIT */
/* What the collector's records said last of each vCPU thread: for those who want the newest, not the history. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "abi/collector.h"

struct vcpu_exits;

enum vcpu_place { VCPU_PLACE_UNKNOWN, VCPU_PLACE_ON_PCPU, VCPU_PLACE_PREEMPTED, VCPU_PLACE_ASLEEP };

struct vcpu_last {
	uint64_t exits;   /* so many were seen */
	uint64_t exit_ns; /* when the last was, CLOCK_MONOTONIC */
	uint32_t reason;  /* its, KVM's number */
	uint32_t isa;     /* 1 VMX, 2 SVM */
	enum vcpu_place place;
};

/* NULL: no memory. */
struct vcpu_exits *vcpu_exits_create(void);
void vcpu_exits_destroy(struct vcpu_exits *exits); /* NULL is allowed */

/* Learns from a record; a thread for which there is no memory stays unknown. `exits`: NULL is allowed. */
void vcpu_exits_add(struct vcpu_exits *exits, const struct collector_record *record);

/* NULL: no record was of that thread. Until the next call of vcpu_exits_add(). `exits`: NULL is allowed. */
const struct vcpu_last *vcpu_exits_of(const struct vcpu_exits *exits, pid_t tid);
