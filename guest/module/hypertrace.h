/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module's files share. One section per file; each file's own comment says what it is for. */
#ifndef HYPERTRACE_H
#define HYPERTRACE_H

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <linux/types.h>
#include "abi/hypercall.h"
#include "abi/region.h"
#include "ring_env.h"

#undef pr_fmt
#define pr_fmt(fmt) "hypertrace: " fmt

enum {
#define HT_LAYOUT(id, identifier, name, group, ...) HT_ID_##identifier = id,
#include "abi/events.def"
};

/* region.c: the mapping */
struct ht_mapping {
	void *base;
	size_t bytes;
	struct ht_region *region;
	const struct ht_host *host;
};
extern struct ht_mapping ht_map;
int ht_region_init(void);
void ht_region_exit(void);

/* nested.c: parts of the region for guests of our own */
u32 ht_nested_parts(void);
void ht_nested_start(phys_addr_t address);
void ht_nested_stop(void);
void ht_nested_allow(bool allow);

/* main.c: what happens when a region comes and goes */
int ht_start(void);
void ht_stop(void);

/* rings.c */
int ht_rings_check(const struct ht_control *control);
int ht_rings_start(const struct ht_control *control);
void ht_rings_stop(enum ht_state state);
u32 ht_rings_vcpus(void); /* vCPUs that have a page in the region: all or none */
bool ht_rings_fit(const struct ht_control *control);
int ht_write(u32 id, const void *payload, u32 bytes, const void *tail, u32 tail_bytes);
int ht_write_text(u32 id, const void *payload, u32 bytes, const char *text);
void ht_lost(enum ht_lost cause);
void ht_flush_this_cpu(void);
void ht_flush_all_cpus(void);
void ht_rings_begin_wishes(void);
bool ht_names_write(u32 id, const void *payload, u32 bytes, const char *text);
void ht_names_begin(void);
void ht_names_flush(void);
void ht_set_state(enum ht_state state, const char *message);

/* filter.c */
void ht_filter_set(const struct ht_control *control);
bool ht_filter_active(void);
bool ht_filter_judge(s32 pid, const char *comm);
void ht_filter_renamed(const struct task_struct *task, const char *comm);
/* What was judged of this CPU's last tasks, by pid % HT_VERDICTS: pid << 1 | passes. Preemption is off. */
#define HT_VERDICTS 16
DECLARE_PER_CPU(u32, ht_verdicts[HT_VERDICTS]);
static __always_inline bool ht_filter_match(const struct task_struct *task)
{
	u32 pid = task->pid, verdict = this_cpu_read(ht_verdicts[pid % HT_VERDICTS]);

	return likely(verdict >> 1 == pid) ? verdict & 1 : ht_filter_judge(pid, task->comm);
}

/* The short way to the same answer: true is sure, false is to be asked again by ht_filter_match(). */
static __always_inline bool ht_filter_passes(const struct task_struct *task)
{
	u32 pid = task->pid;

	return compat_this_cpu_compare("l", "e", ht_verdicts[pid % HT_VERDICTS], pid << 1 | 1);
}

/* In a probe's body: `filtered` is a constant, so that the plain variant has no trace of the filter. */
#define ht_pass(filtered, task) (!(filtered) || ht_filter_match(task))
#define ht_pass_either(filtered, a, b) (ht_pass(filtered, a) || ht_pass(filtered, b))

/* durations.c: minimum duration of a pair */
void ht_durations_set(const struct ht_control *control);
bool ht_duration_wanted(enum ht_pair pair);
u64 ht_duration_tsc(enum ht_pair pair);
void ht_span_begin(enum ht_pair pair);
void ht_span_end(enum ht_pair pair, u32 key, s64 value);

/*
 * probes.c: which tracepoint calls which probe. A probe has up to three variants, and the one that fits the wishes in
 * force is registered: nobody pays for a filter or a minimum duration that is not there.
 */
struct ht_probe {
	u64 events;          /* the bits of ht_control.events any of which asks for it */
	const char *name;    /* of the tracepoint */
	void *plain, *filtered;
	void *timed;         /* while its pair has a minimum duration; NULL: it has none */
	enum ht_pair pair;
	struct tracepoint *tracepoint;
	void *registered;
};
/* Makes NAME() and NAME_filtered() of NAME_body(bool filtered, …). PROTO and ARGS stand in parentheses. */
#define HT_VARIANTS(name, PROTO, ARGS)                                                         \
	static void name(void *data_, HT_STRIP PROTO) { name##_body(false, HT_STRIP ARGS); }   \
	static void name##_filtered(void *data_, HT_STRIP PROTO) { name##_body(true, HT_STRIP ARGS); }
/* The same of NAME_body(…) without that argument, for events that belong to the current task alone. */
#define HT_VARIANTS_CURRENT(name, PROTO, ARGS)                                                 \
	static void name(void *data_, HT_STRIP PROTO) { name##_body(HT_STRIP ARGS); }          \
	static noinline __used void name##_ask(void *data_, HT_STRIP PROTO)                    \
	{                                                                                      \
		if (ht_filter_match(current))                                                  \
			name##_body(HT_STRIP ARGS);                                            \
	}                                                                                      \
	static void name##_filtered(void *data_, HT_STRIP PROTO)                               \
	{                                                                                      \
		if (unlikely(!ht_filter_passes(current)))                                      \
			name##_ask(data_, HT_STRIP ARGS);                                      \
		else                                                                           \
			name##_body(HT_STRIP ARGS);                                            \
	}
#define HT_STRIP(...) __VA_ARGS__
#define HT_BIT(event) BIT_ULL(HT_ID_##event)
#define HT_PROBE(event, function) \
	{ .events = HT_BIT(event), .name = #event, .plain = function, .filtered = function##_filtered }
#define HT_PROBE_PAIR(event, function, timed_function, pair_)                                  \
	{ .events = HT_BIT(event), .name = #event, .plain = function, .filtered = function##_filtered, \
	  .timed = timed_function, .pair = pair_ }
/* sys_enter and sys_exit have several layouts: the host asks for them all. */
#define HT_SYS_ENTER_BITS (HT_BIT(sys_enter) | HT_BIT(sys_enter_short))
#define HT_SYS_EXIT_BITS  (HT_BIT(sys_exit) | HT_BIT(sys_exit_short) | HT_BIT(sys_exit_long))
extern struct ht_probe ht_probes_sched[], ht_probes_irq[], ht_probes_syscalls[], ht_probes_timers[], ht_probes_faults[];
struct tracepoint *ht_tracepoint(const char *name);
int ht_probes_init(void);
int ht_probes_set(const struct ht_control *control, char *message, size_t size);
void ht_probes_stop(void);

/* functions.c */
int ht_functions_set(const struct ht_control *control, char *message, size_t size);
void ht_functions_poll(void);
void ht_functions_end(const struct ht_control *control);
void ht_functions_stop(void);

/* generic.c: any other tracepoint, by way of ftrace */
int ht_generic_set(const char *tracepoints, char *message, size_t size);
void ht_generic_names(void);
void ht_generic_stop(void);

/* names.c and symbols.c */
void ht_names_start(u32 seq, bool symbols);
void ht_names_wait(void);
void ht_names_stop(void);
bool ht_names_put(u32 id, const void *payload, u32 bytes, const char *text);
extern unsigned long ht_text_address;
void ht_symbols_write(void);
void ht_symbols_find_text(struct ht_region *region);
int ht_symbols_each(bool (*each)(unsigned long address, const char *name, void *data), void *data);

/* control.c */
extern const struct ht_control ht_control_none; /* no events, no filter, a geometry of the module's choice */
int ht_control_start(void);
void ht_control_stop(void);
void ht_control_apply_first(void);

/* awareness.c: what the host says of our vCPUs */
int ht_awareness_init(void);
void ht_awareness_exit(void);
void ht_awareness_set(const struct ht_control *control);
void ht_awareness_poll(void);

/* hypercall.c */
bool ht_hypercalls_possible(void);
void ht_hypercall(u32 number, u64 a0, u64 a1, u64 a2, u64 a3);
void ht_hypercall_stage(enum ht_stage stage, const char *message);

/* batch.c: in place of rings, where there is no region */
int ht_batches_init(struct ht_producer *names);
void ht_batches_start(void);
void ht_batches_exit(void);
void ht_batches_ending(void);
void ht_batches_panic(void);
void ht_batch_cpu(bool online);
int ht_batch_write(u32 id, const void *payload, u32 bytes, const void *tail, u32 tail_bytes);
void ht_batch_flush(void);
void ht_batch_flush_names(struct ht_producer *names);

/* channel.c: which channel, and what stands for a region where there is none */
extern bool ht_batches; /* channel hypercall: rings.c has a packet to a ring, and batch.c flushes it */
int ht_channel_init(void);
void ht_channel_exit(void);
void ht_channel_start(void);
void ht_channel_stop(void);

/* stages.c */
void ht_stages_start(void);
void ht_stages_stop(void);
void ht_stage(enum ht_stage stage, const char *message);

/* wishes.c: what is traced, by the module's parameters */
int ht_wishes_start(void);
void ht_wishes_poll(void);
void ht_wishes_stop(void);

/* marker.c, notifiers.c */
int ht_marker_init(void);
void ht_marker_exit(void);
int ht_notifiers_init(void);
void ht_notifiers_exit(void);

#endif
