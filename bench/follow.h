/* SPDX-License-Identifier: MIT */
/* bench follow's parts: each adds its figures of one kernel's guest. */
#pragma once
#include "bench/bench.h"
#include "bench/stock_guest.h"
#include "host/vm/kernel_package.h"

#define FOLLOW_MEMORY_BYTES (1024ULL << 20)

/* What bench/size_guest.sh has trace-cmd record of the workload "mixed". */
#define FOLLOW_MIXED                                                                                        \
	"sched:sched_switch sched:sched_waking sched:sched_wakeup_new sched:sched_migrate_task "            \
	"sched:sched_process_fork sched:sched_process_exec sched:sched_process_exit irq:irq_handler_entry " \
	"irq:irq_handler_exit irq:softirq_raise irq:softirq_entry irq:softirq_exit raw_syscalls:*"

struct follow {
	struct bench *bench;
	const char *kernel_name; /* as asked for */
	struct kernel_package kernel;
	char *directory; /* for traces and caches */
	char *cache;     /* where the guest's kernel is known from */
	struct stock_guest *guest;
	unsigned traces; /* made so far */
};

int follow_find(struct follow *follow, struct error *error);
int follow_snapshot(struct follow *follow, struct error *error);
int follow_rate(struct follow *follow, struct error *error);
int follow_size(struct follow *follow, struct error *error);
int follow_icount(struct follow *follow, struct error *error); /* in a guest of its own */

/* Finds the kernel anew. *ns: how long it took. -EIO: it was in the cache, or was not, unlike `cached` says. */
int follow_find_once(
	struct follow *follow, const char *cache, bool cached, uint64_t *ns, struct error *error);

/* The best and the median of so many times, which are sorted, in the case `what`=`how` and guest=`state`. */
void follow_show_ms(struct follow *follow, uint64_t *ns, size_t count, uint64_t lost, const char *what,
	const char *how, const char *state);

/* Lets the guest trace these events, as set_event has them, into rings of so many KiB; they are empty, and off. */
int follow_set_events(struct follow *follow, const char *events, unsigned ring_kb, struct error *error);
