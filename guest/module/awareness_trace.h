/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of the module's own, for ftrace, perf and LTTng in the guest: what its host did to its vCPUs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hypertrace

#if !defined(HT_AWARENESS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HT_AWARENESS_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(vcpu_preempted,
	TP_PROTO(unsigned int vcpu, unsigned int pcpu, u64 preemptions, u64 stolen_ns),
	TP_ARGS(vcpu, pcpu, preemptions, stolen_ns),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu)
		__field(unsigned int, pcpu)
		__field(u64, preemptions)
		__field(u64, stolen_ns)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->pcpu = pcpu;
		__entry->preemptions = preemptions;
		__entry->stolen_ns = stolen_ns;
	),
	TP_printk("vcpu=%u pcpu=%u preemptions=%llu stolen_ns=%llu", __entry->vcpu, __entry->pcpu,
		  __entry->preemptions, __entry->stolen_ns)
);

TRACE_EVENT(vcpu_migrated,
	TP_PROTO(unsigned int vcpu, unsigned int orig_cpu, unsigned int dest_cpu, u64 migrations),
	TP_ARGS(vcpu, orig_cpu, dest_cpu, migrations),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu)
		__field(unsigned int, orig_cpu)
		__field(unsigned int, dest_cpu)
		__field(u64, migrations)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->orig_cpu = orig_cpu;
		__entry->dest_cpu = dest_cpu;
		__entry->migrations = migrations;
	),
	TP_printk("vcpu=%u orig_cpu=%u dest_cpu=%u migrations=%llu", __entry->vcpu, __entry->orig_cpu,
		  __entry->dest_cpu, __entry->migrations)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE awareness_trace
#include <trace/define_trace.h>
