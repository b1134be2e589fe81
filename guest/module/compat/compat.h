/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the kernels this module builds for, each with the version that made it. */
#ifndef HT_COMPAT_H
#define HT_COMPAT_H

#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/timer.h>
#include <linux/trace.h>
#include <linux/trace_events.h>
#include <linux/version.h>

/* 6.8 added the list of event systems (d23569979ca1, "tracing: Allow creating instances with specified system events"). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define compat_trace_array_get(name) trace_array_get_by_name(name, NULL)
#else
#define compat_trace_array_get(name) trace_array_get_by_name(name)
#endif

/*
 * Per-CPU operations that use the flags and the memory operand. 6.1 has no this_cpu_try_cmpxchg(); comparing
 * and adding in memory the kernel has for no per-CPU variable, and each costs an instruction more by this_cpu_read().
 */
#ifdef CONFIG_X86_64
#define compat_try_cmpxchg64(var, old, new)                                                     \
	({                                                                                      \
		u64 old__ = (old);                                                              \
		bool done__;                                                                    \
		asm volatile("cmpxchgq %[n], %%gs:%[v]"                                         \
			     : "=@ccz"(done__), [v] "+m"(var), "+a"(old__)                      \
			     : [n] "r"((u64)(new)) : "memory");                                 \
		done__;                                                                         \
	})
/* condition "ae": v >= var, "a": v > var, unsigned; width "q" or "l" */
#define compat_this_cpu_compare(width, condition, var, v)                                       \
	({                                                                                      \
		bool is__;                                                                      \
		asm volatile("cmp" width " %%gs:%[var_], %[v_]"                                 \
			     : "=@cc" condition(is__) : [var_] "m"(var), [v_] "r"(v));          \
		is__;                                                                           \
	})
#define compat_this_cpu_plus(var, v)                                                            \
	({                                                                                      \
		u64 sum__ = (v);                                                                \
		asm volatile("addq %%gs:%[var_], %[s_]" : [s_] "+r"(sum__) : [var_] "m"(var));  \
		(typeof(var))sum__;                                                             \
	})
#else
#define compat_try_cmpxchg64(var, old, new) (this_cpu_cmpxchg(var, old, new) == (old))
#define compat_this_cpu_compare(width, condition, var, v) \
	((condition)[1] ? (v) >= this_cpu_read(var) : (v) > this_cpu_read(var))
#define compat_this_cpu_plus(var, v) (this_cpu_read(var) + (v))
#endif

/* 6.2 renamed it (9b13df3fb64e, "timers: Rename del_timer_sync() to timer_delete_sync()"). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define compat_timer_delete_sync(timer) timer_delete_sync(timer)
#else
#define compat_timer_delete_sync(timer) del_timer_sync(timer)
#endif

/* 6.2 made accessors of what was open before (94d095ffa0e1, "ftrace: abstract DYNAMIC_FTRACE_WITH_ARGS accesses"). */
#ifdef ftrace_regs_get_stack_pointer
#define compat_ftrace_regs_sp(fregs) ftrace_regs_get_stack_pointer(fregs)
#else
#define compat_ftrace_regs_sp(fregs) ((fregs)->regs.sp)
#endif

/*
 * The function graph's callbacks know their ops since 6.11 (37238abe3cb4, "ftrace/function_graph: Pass fgraph_ops to
 * function graph callbacks"), which have a filter of their own; since 6.13 its users take the time of a call themselves.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define COMPAT_GRAPH_HAS_FILTER 1
#define COMPAT_GRAPH_OPS , struct fgraph_ops *unused
#else
#define COMPAT_GRAPH_HAS_FILTER 0
#define COMPAT_GRAPH_OPS
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define compat_graph_duration(call) ((call)->rettime - (call)->calltime)
#else
#define compat_graph_duration(call) ((void)(call), U64_MAX)
#endif

/* 6.13 calls the system call tracepoints with preemption on; before, every tracepoint has it off. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define compat_syscall_probe_enter() preempt_disable_notrace()
#define compat_syscall_probe_exit()  preempt_enable_notrace()
#else
#define compat_syscall_probe_enter() do { } while (0)
#define compat_syscall_probe_exit()  do { } while (0)
#endif

#endif
