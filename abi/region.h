/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The shared-memory region: what a guest's hypertrace module and the recorder on its host both see.
 *
 *   offset 0        struct ht_region        written by the guest only
 *   4096            struct ht_host          written by the host only (also before the guest boots)
 *   HT_VCPUS_OFFSET struct ht_vcpu, a page for each vCPU, written by the host only: as many as there is room for before
 *                   rings_offset; none in regions of older modules
 *   rings_offset    struct ht_ring [nr_rings]   written by the guest only
 *   data_offset     nr_rings * nr_packets * packet_bytes of packets, written by the guest only
 *   region_bytes    what the guest passes on to guests of its own: nested_parts regions of equal size, laid out like
 *                   this one, up to the end of the memory that it was given
 *
 * Ring i < nr_cpus belongs to vCPU i; the last ring (nr_rings - 1) is the names ring, written by the module's own
 * thread, which waits for the host where it is full, so that no name is ever lost.
 *
 * Neither side trusts the other: each keeps its own copy of sizes and positions, reads a shared word once, checks it,
 * then uses it. All integers are little-endian. Times are raw TSC values of the guest unless named otherwise.
 */
#ifndef HT_REGION_H
#define HT_REGION_H

#include <linux/types.h>

#define HT_MAGIC       0x4543415254505948ULL /* "HYPTRACE" */
#define HT_HOST_MAGIC  0x54534f4854505948ULL /* "HYPTHOST" */
#define HT_ABI_VERSION 3

#define HT_PAGE_BYTES       4096
#define HT_HOST_OFFSET      4096
#define HT_HOST_BYTES       20480
#define HT_VCPUS_OFFSET     (HT_HOST_OFFSET + HT_HOST_BYTES)
#define HT_MAX_CPUS         512
#define HT_MAX_RINGS        (HT_MAX_CPUS + 1)
#define HT_MIN_PACKET_BYTES 4096
#define HT_MAX_PACKET_BYTES (1 << 20)
#define HT_MIN_PACKETS      4
#define HT_MAX_PACKETS      (1 << 16)
#define HT_MIN_REGION_BYTES (256 << 10)
#define HT_MAX_NESTED_PARTS 8
#define HT_CODE_WORD_BYTES  4         /* what events of 24 bits count the kernel's text in */
#define HT_NESTED_ALIGN     (2 << 20) /* a part's place and size are multiples of it */

enum ht_state {
	HT_STATE_NONE = 0,
	HT_STATE_RUNNING = 1,
	HT_STATE_STOPPED = 2, /* the module was unloaded, or the device taken away */
	HT_STATE_REBOOT = 3,  /* reboot, halt or power-off was asked for; message says which */
	HT_STATE_PANIC = 4,   /* message is the panic's */
};

enum ht_mode {
	HT_MODE_OVERWRITE = 0, /* flight recorder: the oldest packet is overwritten */
	HT_MODE_DISCARD = 1,   /* what finds no room is dropped and counted */
};

/* `reason` of the event `guest_end`: how a guest ends, or nearly. */
enum ht_end {
	HT_END_PANIC = 1,
	HT_END_OOPS = 2,
	HT_END_REBOOT = 3,
	HT_END_HALT = 4,
	HT_END_POWER_OFF = 5,
};

/* Why an event of the guest is not in its ring. Events overwritten before the host read them it counts itself. */
enum ht_lost {
	HT_LOST_FULL = 0,     /* discard mode, the host is behind */
	HT_LOST_NESTED = 1,   /* in an NMI that interrupted a change of packet */
	HT_LOST_OVERSIZE = 2, /* larger than a packet holds */
	HT_LOST_PAIRING = 3,  /* minimum duration asked for, and no room to remember the start */
	HT_LOST_CAUSES = 4,
};

/* One reading of the guest's clocks, taken with interrupts off: tsc lies between the readings of the others. */
struct ht_clock_sample {
	__u64 tsc;
	__u64 monotonic_ns;
	__u64 boottime_ns;
	__u64 realtime_ns;
};

/* Offset 0. `magic` is stored last, with release; the host checks it first. */
struct ht_region {
	__u64 magic;
	__u32 abi_version;
	__u32 header_bytes;   /* sizeof(struct ht_region): less in older modules, which lack the last fields */
	__u64 region_bytes;   /* what the guest uses of the region for itself */
	__u64 generation;     /* new whenever the rings start anew: module load, reboot, change of mode or size */
	__u32 nr_rings;       /* vCPUs + 1 */
	__u32 nr_packets;     /* per ring, a power of two */
	__u32 packet_bytes;   /* a power of two */
	__u32 mode;           /* enum ht_mode */
	__u64 rings_offset;
	__u64 data_offset;
	__u32 state;          /* enum ht_state; stored with release after message */
	__u32 control_done;   /* the ht_control.seq that is in force */
	__s32 control_error;  /* 0, or the negative errno of the part that could not be done */
	__u32 names_done;     /* the ht_control.names_seq whose names are all in the names ring */
	__u32 clock_answer;   /* ht_host.clock_request, echoed after clock_tsc */
	__u32 tsc_khz;        /* the guest's own belief: a hint only, it is wrong under emulation */
	__u64 clock_tsc;      /* TSC read between seeing the request and answering it */
	struct ht_clock_sample clock_first; /* when the module started */
	__u64 text_address;   /* run-time address of _stext, or of the lowest symbol found; 0: unknown. Never changes: events count from it */
	__u64 kaslr_offset;   /* text_address - link-time address of _stext */
	char release[64];     /* utsname */
	char version[128];
	char hostname[64];
	char control_message[256]; /* why control_error is not 0 */
	char message[512];    /* of the panic or reboot */
	__u32 nested_parts;   /* regions for guests of its own from region_bytes on; 0: none */
	__u32 reserved;
};

/*
 * What the host asks of the module. The module copies it whole when `seq` has changed, checks that seq and
 * seq_end are still equal and unchanged (else it tries again at the next poll), and puts it in force.
 */
#define HT_CONTROL_PIDS             32
#define HT_CONTROL_COMMS            16
#define HT_CONTROL_COMM_BYTES       16
#define HT_CONTROL_TRACEPOINT_BYTES 4096
#define HT_CONTROL_FUNCTION_BYTES   3072
#define HT_PATTERN_CHARACTERS       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$*?[]-" /* of functions */
#define HT_CONTROL_DROPPED          2048

enum ht_control_flags {
	HT_CONTROL_PIDS_EXCLUDE = 1 << 0,  /* record all but those pids */
	HT_CONTROL_COMMS_EXCLUDE = 1 << 1, /* record all but those comms */
	HT_CONTROL_CPUS = 1 << 2,          /* only the CPUs in `cpus` */
	HT_CONTROL_SYSCALL_ARGS = 1 << 3,  /* sys_enter_args in place of sys_enter */
	HT_CONTROL_SYMBOLS = 1 << 4,       /* names: also the kernel's symbols */
};

struct ht_control {
	__u32 seq;             /* written last (release) */
	__u32 flags;           /* enum ht_control_flags */
	__u64 events;          /* bit n: event id n of events.def is on */
	__u32 mode;            /* enum ht_mode */
	__u32 packet_bytes;    /* 0: the module chooses */
	__u32 nr_packets;      /* 0: as many as fit. Another geometry starts the rings anew */
	__u32 names_seq;       /* changed: send the names (tasks, irqs, formats) again */
	__u32 nr_pids;
	__u32 nr_comms;
	__s32 pids[HT_CONTROL_PIDS];
	char comms[HT_CONTROL_COMMS][HT_CONTROL_COMM_BYTES];
	__u64 cpus[HT_MAX_CPUS / 64];
	__u64 min_duration_ns[8];                      /* by enum ht_pair; 0: every entry and exit is recorded */
	char tracepoints[HT_CONTROL_TRACEPOINT_BYTES]; /* "system:event\n" …, recorded by way of ftrace, NUL-ended */
	char functions[HT_CONTROL_FUNCTION_BYTES]; /* "PATTERN\n!PATTERN\n" …, ftrace's globs, '!' takes out, NUL-ended; "": none */
	__u32 function_probe; /* enum ht_function_probe */
	__u32 function_depth; /* of calls in calls that are recorded; 0: all. Not with HT_FUNCTION_ENTRY */
	__u32 nr_dropped;
	__u32 dropped[HT_CONTROL_DROPPED]; /* functions that are taken out, too: low halves of their addresses in func_entry */
	__u32 seq_end;
	__u32 reserved;
};

/* Pairs of events that min_duration_ns filters; a pair that passes is one `span` event at its end. */
enum ht_pair {
	HT_PAIR_IRQ = 0,
	HT_PAIR_SOFTIRQ = 1,
	HT_PAIR_SYSCALL = 2,
	HT_PAIR_HRTIMER = 3,
	HT_PAIR_TIMER = 4,
	HT_PAIR_FUNCTION = 5, /* func_span instead of span */
	HT_PAIRS = 6,
};

/* What is recorded of a function. */
enum ht_function_probe {
	HT_FUNCTION_NONE = 0,
	HT_FUNCTION_ENTRY = 1,
	HT_FUNCTION_RETURN = 2, /* entry and exit, by fprobe or kretprobes */
	HT_FUNCTION_GRAPH = 3,  /* entry and exit, by the kernel's function graph, which is not exported to modules */
};

/* `cause` of the event func_missed. */
enum ht_function_missed {
	HT_MISSED_SWITCHED = 0,  /* other functions, or none, from here on */
	HT_MISSED_RECURSION = 1, /* called while a call was judged by the filter on the same CPU */
	HT_MISSED_RETURN = 2,    /* no room to remember where to return to, or in a probe of the kernel's */
	HT_MISSED_IDLE = 3,      /* where RCU does not watch, as in an idle CPU: there the kernel hooks no return */
	HT_MISSED_CAUSES = 4,
};

/* Offset HT_HOST_OFFSET. read_packets[i]: packets of ring i that the host has copied (discard mode, names ring). */
struct ht_host {
	__u64 magic;
	__u32 abi_version;
	__u32 attached;      /* counts up while a recorder is attached; 0: none */
	__u32 clock_request; /* changed: answer in ht_region.clock_answer as fast as possible */
	__u32 clock_rounds;  /* further requests that follow at once: the module waits for them, for a bounded time */
	/* for guests of the guest: so many regions of so many MiB at the end of this one; the module's start takes it up */
	__u32 nested_mib;   /* of each; 0: as the module's own parameters say */
	__u32 nested_parts; /* 0: one */
	struct ht_control control;
	__u64 read_packets[HT_MAX_RINGS];
};

/*
 * What the host does to a vCPU. Vcpu i is the guest's CPU i. The host makes `seq` odd, writes, and makes it even again; a
 * reader copies the page, and takes the copy if seq was even and is the same after it. Nothing of it is true because it
 * stands there. Times are the host's CLOCK_MONOTONIC, durations ns; sums count from the start of the vCPU's thread, like
 * the guest's own steal clock, and never go back while it lives.
 */
#define HT_VCPU_MAGIC 0x5550435654505948ULL /* "HYPTVCPU" */

enum ht_vcpu_fields { /* which fields the host can keep: it may lack rights, or KVM, or its collector */
	HT_VCPU_PCPU = 1 << 0,
	HT_VCPU_STATE = 1 << 1,
	HT_VCPU_TIMES = 1 << 2, /* run_ns, stolen_ns */
	HT_VCPU_PREEMPTIONS = 1 << 3,
	HT_VCPU_MIGRATIONS = 1 << 4,
	HT_VCPU_EXITS = 1 << 5, /* exits, exit_reason, exit_isa, exit_ns */
};

enum ht_vcpu_state {
	HT_VCPU_UNKNOWN = 0,
	HT_VCPU_RUNNABLE = 1,  /* has a pCPU, or waits for one */
	HT_VCPU_HALTED = 2,    /* its thread sleeps */
	HT_VCPU_STOPPED = 3,   /* somebody has stopped its thread */
	HT_VCPU_GONE = 4,      /* its thread has ended */
	HT_VCPU_RUNNING = 5,   /* has a pCPU; from the collector */
	HT_VCPU_PREEMPTED = 6, /* waits for one; from the collector */
	HT_VCPU_STATES = 7,
};

struct ht_vcpu {
	__u64 magic;       /* HT_VCPU_MAGIC while a recorder keeps the page */
	__u32 seq;
	__u32 fields;      /* enum ht_vcpu_fields */
	__u64 update_ns;   /* when the rest was true */
	__u32 pcpu;        /* it runs on, or did last */
	__u32 state;       /* enum ht_vcpu_state */
	__u64 run_ns;      /* its thread had a pCPU: guest code, exits and the VMM's user space */
	__u64 stolen_ns;   /* it could have run and had none */
	__u64 preemptions; /* times that it lost its pCPU while it could run */
	__u64 migrations;  /* to another pCPU */
	__u64 exits;       /* from guest mode */
	__u64 exit_ns;     /* when the last of them was */
	__u32 exit_reason; /* of the last, KVM's number */
	__u32 exit_isa;    /* which numbers: 1 VMX, 2 SVM */
};

/* One per ring, written by the guest. */
struct ht_ring {
	__u64 head;                 /* packets opened so far; packet k lies in slot k % nr_packets */
	__u64 lost[HT_LOST_CAUSES];
	__u64 wishes_packet;        /* 1 + the first packet opened under the wishes in force; 0: there are none */
	__u64 wishes_lost[HT_LOST_CAUSES]; /* `lost` when they came in force */
	__u64 reserved[6];          /* no two rings share a cache line, nor its prefetched neighbour */
};

/*
 * The first bytes of every packet; records follow. A packet is opened by: ring->head = k + 1, then zeroing all of its
 * memory, then the fields below, then seq = k + 1. It is closed by content_bytes, stored last. The host's copy of
 * packet k is good if after copying ring->head <= k + nr_packets.
 */
struct ht_packet {
	__u64 seq;           /* k + 1; 0 while it is being opened */
	__u64 begin_tsc;     /* not after the first record */
	__u64 end_tsc;       /* not before the last record; valid once closed */
	__u64 events_before; /* records this ring took before this packet, lost ones not counted */
	__u32 events;        /* records in it; valid once closed */
	__u32 content_bytes; /* with this header; 0 while open */
	__u32 current_pid;   /* the task that ran when it was opened */
	__u32 flags;         /* enum ht_packet_flags; valid once closed */
	__u64 lost;          /* sum of ring->lost[] when it was opened */
	__u64 returned_tsc;  /* channel hypercall: when the FLUSH of the packet before had returned; else 0 */
};

enum ht_packet_flags {
	/* closed in an interrupt: a record that the interrupt interrupted may still be on its way, its id 0 until then */
	HT_PACKET_IN_FLIGHT = 1 << 0,
};

#ifndef __cplusplus
_Static_assert(sizeof(struct ht_region) <= HT_PAGE_BYTES, "the guest's page");
_Static_assert(sizeof(struct ht_host) <= HT_HOST_BYTES, "the host's pages");
_Static_assert(sizeof(struct ht_vcpu) <= HT_PAGE_BYTES, "a page");
_Static_assert(sizeof(struct ht_ring) == 128, "two cache lines");
_Static_assert(sizeof(struct ht_packet) == 64, "one cache line");
#endif

#endif
