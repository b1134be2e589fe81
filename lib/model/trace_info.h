/* SPDX-License-Identifier: MIT */
/*
 * What hypertrace.json says of a trace: its machines, clocks, configuration and losses. Written by the
 * recorder at the start (state "recording") and at the end ("complete"), read by every verb. Format:
 * docs/design/trace.md.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/clock_point.h"

#define TRACE_FORMAT       1
#define TRACE_CHANNEL_XEN  "xentrace" /* of machines that a Xen trace was converted to */
#define TRACE_INFO_FILE    "hypertrace.json"
#define TRACE_INFO_LIMIT   (256u << 20) /* bytes */
#define TRACE_MACHINES_MAX 64
#define TRACE_CPUS_MAX     4096
#define TRACE_POINTS_MAX   (1u << 20)
#define TRACE_VMS_MAX      4096
#define TRACE_EPOCHS_MAX   65536 /* of a VM */
#define TRACE_LEFT_OUT_MAX 65536 /* functions, of a machine */

/* Why an event is not in the trace. */
enum trace_lost {
	TRACE_LOST_FULL,        /* discard mode: the recorder was behind */
	TRACE_LOST_NESTED,      /* in an NMI that interrupted a change of packet */
	TRACE_LOST_OVERSIZE,    /* larger than a packet */
	TRACE_LOST_PAIRING,     /* minimum duration asked for, and no room to remember the start */
	TRACE_LOST_OVERWRITTEN, /* overwrite mode: the recorder was behind */
	TRACE_LOST_TORN,        /* never finished by the guest: it panicked, for example */
	TRACE_LOST_DAMAGED,     /* what the guest wrote was no record */
	TRACE_LOST_UNWRITTEN,   /* the disk was full */
	TRACE_LOST_CAUSES,
};

/* "full", "nested", … as in the JSON. */
const char *trace_lost_name(enum trace_lost cause);

struct trace_cpu_info {
	uint32_t cpu;
	uint64_t events, packets, bytes; /* in the trace */
	uint64_t lost[TRACE_LOST_CAUSES];
};

struct trace_vcpu_info {
	uint32_t vcpu; /* KVM's number; the guest's CPU of the same number */
	uint32_t tid;  /* the host's thread */
};

/* How a vCPU's TSC follows from the host's, from a moment on: guest = (host * ratio >> ratio_bits) + offset, mod 2^64. */
struct trace_tsc_epoch {
	uint32_t vcpu;
	int64_t from_host_ns; /* CLOCK_MONOTONIC */
	int64_t offset;
	uint64_t ratio; /* 0: not scaled */
	uint32_t ratio_bits;
};

/* A virtual machine that a host's collector saw. */
struct trace_vm_info {
	char name[64];                 /* as `hypertrace list` shows it */
	char machine[64];              /* of the guest in this trace; "": it is not recorded */
	uint32_t pid;                  /* of its VMM */
	struct trace_vcpu_info *vcpus; /* heap, owned: trace_vm_info_vcpu() */
	size_t nr_vcpus;
	struct trace_tsc_epoch *epochs; /* heap, owned: trace_vm_info_add_epoch() */
	size_t nr_epochs;
};

/* What a recording with a budget for function tracing did: recorder_options.budget. */
struct trace_budget_info {
	uint32_t budget_ppm; /* of the vCPUs' time; 0: there was none */
	uint32_t share_ppm;  /* as last estimated */
	char **left_out;     /* functions, in the order in which they were; heap, owned: trace_machine_info_leave_out() */
	size_t nr_left_out;
};

struct trace_machine_info {
	char name[64];    /* also the sub-directory's: letters, digits, '-', '_', '.'; not ".." */
	char channel[16]; /* "shm", … */
	char hostname[65], release[65], version[129];
	char end_state[16]; /* "" while recording; "running", "stopped", "reboot", "panic", "gone" */
	char message[513];  /* the panic's or reboot's */
	/* configuration, as the command line would say it */
	char events[1024], filter[1024], functions[1024], mode[16];
	uint32_t layer; /* 0: the hardware's own */
	uint32_t packet_bytes, nr_packets, nr_cpus;
	char clock
		[16]; /* what its time stamps count: "tsc", or a trace clock of ftrace ("local", "mono", …) */
	uint32_t tsc_khz;      /* units of that clock in a ms, as the guest believes: a hint */
	int64_t start_host_ns; /* CLOCK_MONOTONIC of the host when its VMM started; 0: not known */
	uint64_t text_address, kaslr_offset;
	struct clock_point *points; /* heap, owned: trace_machine_info_add_point() */
	size_t nr_points;
	struct trace_cpu_info *cpus; /* heap, owned: trace_machine_info_cpu() */
	size_t nr_cpu_infos;
	struct trace_budget_info budget;
	struct trace_vm_info *vms; /* of a host; heap, owned: trace_machine_info_vm() */
	size_t nr_vms;
};

struct trace_info {
	uint32_t format;
	char program_version[32];
	char state[16]; /* "recording", "complete" */
	char host_name[65];
	char host_boot_id[40];               /* clocks of traces with the same one are the same clock */
	int64_t start_unix_ns, end_unix_ns;  /* end: 0 while recording */
	int64_t realtime_offset_ns;          /* Unix time = CLOCK_MONOTONIC + this, taken once at the start */
	struct trace_machine_info *machines; /* heap, owned: trace_info_add_machine() */
	size_t nr_machines;
};

void trace_info_deinit(struct trace_info *info);

/*
 * Appends a machine. -EINVAL: no good name; -EEXIST: taken; -E2BIG; -ENOMEM. The pointer holds until the next
 * call.
 */
int trace_info_add_machine(
	struct trace_info *info, const char *name, struct trace_machine_info **machine, struct error *error);

/* Appends an exchange point; thins the older ones out when there are too many. -ENOMEM. */
int trace_machine_info_add_point(struct trace_machine_info *machine, struct clock_point point);

/* Leaves out the exchange points that are known less exactly than bound_ns, where there are others. */
void trace_machine_info_keep_exact(struct trace_machine_info *machine, uint64_t bound_ns);

/* The entry of a vCPU, made if there is none. NULL: no memory, or too many. */
struct trace_cpu_info *trace_machine_info_cpu(struct trace_machine_info *machine, uint32_t cpu);

/* Says that a function was left out, by its name (raw). -E2BIG, -ENOMEM. */
int trace_machine_info_leave_out(struct trace_machine_info *machine, const char *function);

/* Nothing is left out any more. */
void trace_machine_info_leave_none_out(struct trace_machine_info *machine);

/* The VM of that VMM, made if there is none; until the next call. NULL: no memory, or too many. */
struct trace_vm_info *trace_machine_info_vm(struct trace_machine_info *machine, uint32_t pid);

/* Says that `tid` runs `vcpu`, in place of whatever ran it before. -E2BIG, -ENOMEM. */
int trace_vm_info_vcpu(struct trace_vm_info *vm, uint32_t vcpu, uint32_t tid);

/* -E2BIG, -ENOMEM. */
int trace_vm_info_add_epoch(struct trace_vm_info *vm, const struct trace_tsc_epoch *epoch);

/* Is it the guest of that VM: vm->machine, or one that it went on as after a reboot (vm1.2 of vm1)? */
bool trace_vm_info_is_of(const struct trace_vm_info *vm, const char *machine);

/* The VM whose guest is the machine of that name, in any host of the trace; *host is that. NULL: none. */
const struct trace_vm_info *trace_info_vm_of(
	const struct trace_info *info, const char *machine, const struct trace_machine_info **host);

uint64_t trace_cpu_info_lost(const struct trace_cpu_info *cpu);
uint64_t trace_machine_info_lost(const struct trace_machine_info *machine);
uint64_t trace_machine_info_events(const struct trace_machine_info *machine);

/* The JSON text, heap. -ENOMEM. */
int trace_info_format(const struct trace_info *info, char **text, struct error *error);

/* Fills an info that is { 0 } or deinited. -EINVAL: what is wrong, and where; -ENOTSUP: of another format. */
int trace_info_parse(struct trace_info *info, const char *text, size_t bytes, struct error *error);
