/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the collector's eBPF programs (host/bpf/collector.bpf.c) and hypertrace (host/collect/collector.c) both see: one
 * ring of records per pCPU, read through mmap, and the cells of the level `histogram`. Not a wire format: both sides are
 * of one build. All times are CLOCK_MONOTONIC in ns.
 *
 * A ring is an array of slots of one size, its length a power of two. A program reserves slots by one atomic add to
 * `head`, so that an interrupt's programs may write in between, fills them, and stores the first one's `seq`, the position
 * + 1, last. The reader takes slots whose seq is theirs, in order, and then moves `tail`. Where a ring is full, the
 * record is dropped and counted.
 */
#ifndef HT_COLLECTOR_H
#define HT_COLLECTOR_H

#include <linux/types.h>

#define COLLECTOR_CPUS_MAX    1024 /* power of two */
#define COLLECTOR_THREADS_MAX 4096 /* vCPU threads at one time; power of two */
#define COLLECTOR_MARGIN      16   /* slots that nested programs may reserve past the check for a full ring */
#define COLLECTOR_REASONS     256  /* exit reasons with a cell: collector_reason_index() */
#define COLLECTOR_BUCKETS     64
#define COLLECTOR_CELLS_MAX   16384 /* power of two */

enum collector_level {
	COLLECTOR_HISTOGRAM,
	COLLECTOR_AGGREGATED,
	COLLECTOR_FULL,
};

enum collector_type {
	COLLECTOR_EXIT = 1,       /* value: reason; words: duration, rip */
	COLLECTOR_HYPERCALL,      /* as EXIT; words 2-4: nr, a0, a1; a slot more: a2, a3 */
	COLLECTOR_MORE,           /* that slot */
	COLLECTOR_VCPU_OUT,       /* value: prev_state; task: who came */
	COLLECTOR_VCPU_IN,        /* task: who went */
	COLLECTOR_VCPU_WAKING,    /* value: target_cpu; task: the waker */
	COLLECTOR_VCPU_MIGRATE,   /* value: orig_cpu; words: dest_cpu */
	COLLECTOR_TSC_OFFSET,     /* words: previous, next, tgid; any thread of the VMM */
	COLLECTOR_USERSPACE_EXIT, /* value: reason; words: errno */
	COLLECTOR_PAGE_FAULT,     /* words: address, error_code, rip */
	COLLECTOR_INJ_VIRQ,       /* value: vector */
	COLLECTOR_HALT_POLL,      /* value: waited, valid << 1; words: ns */
	COLLECTOR_EXIT_INFO,      /* value: intr_info; words: info1, info2, error_code; before its EXIT */
	COLLECTOR_THREAD,         /* value: its index; task: itself. It runs this vCPU from here on */
	COLLECTOR_THREAD_END,     /* value: its index */
};

/* In the order of host/collect/collector_events.def's flags. */
enum collector_flags {
	COLLECTOR_ISA_MASK = 3,
	COLLECTOR_USERSPACE = 1 << 2,
	COLLECTOR_PREEMPTED = 1 << 3,
	COLLECTOR_HALTED = 1 << 4,
	COLLECTOR_NO_BEGIN = 1 << 5,
	COLLECTOR_USER_MODE = 1 << 6, /* set by the host: by rip */
	COLLECTOR_NESTED = 1 << 7,
};

struct collector_task {
	__u32 pid, tgid;
	char comm[16];
};

struct collector_record {
	__u32 seq;        /* of its position, + 1 */
	__u8 type, flags; /* these are stored with seq, in one */
	__u16 vcpu;
	__u64 time_ns;
	__u32 tid; /* of the vCPU's thread */
	__u32 value;
	union {
		__u64 words[5];
		struct collector_task task;
	};
};
_Static_assert(sizeof(struct collector_record) == 64, "a line of the cache");

/*
 * The vCPU that a thread runs, and its exit that has not ended. Of the programs only: in the pCPU's slot while the thread
 * runs there, with the thread while it does not.
 */
struct collector_exit {
	__u64 vcpu;     /* KVM's struct of it (or its number * 2 + 2), to notice another; 0: none */
	__u64 begin_ns; /* 0: it is in the guest, or not seen before */
	__u64 vmcb;     /* AMD: its own control block, while `hflags` are these */
	__u32 hflags;
	__u32 thread;   /* its index + 1 */
	__u8 type, flags; /* from here on as in a record */
	__u16 vcpu_id;
	__u32 row;      /* of its cells' numbers */
	__u32 tid;
	__u32 reason;
	__u64 rip;
	__u64 hypercall[5]; /* nr, a0-a3 */
};

/* Of one pCPU; written by programs on that pCPU only. */
struct collector_cpu {
	__u64 head;  /* slots reserved */
	__u64 limit; /* of head, for as long as the reader's tail need not be read again */
	__u64 lost;  /* records that found no room */
	struct collector_exit exit;
	__u64 reserved;
};
_Static_assert(sizeof(struct collector_cpu) == 128, "two lines of the cache");

/* Written by the reader; a line for each pCPU. */
struct collector_tail {
	__u64 tail;
	__u64 reserved[7];
};

/* Exits of one vCPU thread for one reason. min_ns and max_ns are since the reader exchanged them for ~0 and 0. */
struct collector_cell {
	__u32 thread; /* index */
	__u32 reason;
	__u8 flags; /* isa */
	__u8 used;  /* stored last */
	__u8 reserved[6];
	__u64 total_ns, min_ns, max_ns;
	__u32 buckets[COLLECTOR_BUCKETS]; /* counts, by the log2 of ns; 0 is with 1 */
};

#endif
