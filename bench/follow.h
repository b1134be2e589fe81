/* SPDX-License-Identifier: MIT */
/* bench follow's parts: each adds its figures of one kernel's guest. */
#pragma once
#include "bench/attachment.h"
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

/* What a guest does, and what of it is traced. */
struct follow_load {
	const char *name;
	const char *events;   /* that the guest traces, as set_event has them */
	const char *selected; /* as -e has it; NULL: all of them */
	const char *work;     /* a line of shell */
};

struct follow_outcome {
	struct attachment_counts counts;
	uint64_t start_ns, follow_ns,
		end_ns;   /* the follower's CPU time: until it records, while it does, and after that */
	uint64_t work_ns; /* how long the guest worked */
	uint64_t written, ring_events,
		ring_bytes; /* by the guest's own count: all, and what its rings still hold */
};

/* How long something took, and of that the CPU time of this thread. */
struct follow_time {
	uint64_t wall_ns, cpu_ns;
};

struct follow_time follow_now(void);
struct follow_time follow_since(struct follow_time start);

int follow_find(struct follow *follow, struct error *error);
int follow_snapshot(struct follow *follow, struct error *error);
int follow_rate(struct follow *follow, struct error *error);
int follow_size(struct follow *follow, struct error *error);
int follow_icount(struct follow *follow, struct error *error); /* in a guest of its own */

/* Finds the kernel anew. -EIO: it was in the cache, or was not, unlike `cached` says. */
int follow_find_once(
	struct follow *follow, const char *cache, bool cached, struct follow_time *time, struct error *error);

/* -EIO: recorded and lost events are not as many as the guest says it wrote. */
int follow_work(struct follow *follow, const struct follow_load *load, struct follow_outcome *outcome,
	struct error *error);

/*
 * The shortest and the median of so many times, which are sorted, and the least of their CPU times, in the case
 * `what`=`how` and guest=`state`.
 */
void follow_show_times(struct follow *follow, struct follow_time *times, size_t count, uint64_t lost,
	const char *what, const char *how, const char *state);

/* Lets the guest trace these events, as set_event has them, into rings of so many KiB; they are empty, and off. */
int follow_set_events(struct follow *follow, const char *events, unsigned ring_kb, struct error *error);
