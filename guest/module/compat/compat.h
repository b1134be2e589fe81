/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the kernels this module builds for, each with the version that made it. */
#ifndef HT_COMPAT_H
#define HT_COMPAT_H

#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/trace.h>
#include <linux/trace_events.h>
#include <linux/version.h>

/* 6.10 added the list of event systems (d23569979ca1 "tracing: Allow creating instances with specified system events"). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define compat_trace_array_get(name) trace_array_get_by_name(name, NULL)
#else
#define compat_trace_array_get(name) trace_array_get_by_name(name)
#endif

/*
 * this_cpu_try_cmpxchg() came to x86 with 6.8, and leaves the comparison to the flags; before, this_cpu_cmpxchg()
 * costs one more instruction for it.
 */
#ifndef this_cpu_try_cmpxchg
#ifdef CONFIG_X86_64
#define compat_try_cmpxchg64(var, old, new)                                                     \
	({                                                                                      \
		u64 old__ = (old);                                                              \
		bool done__;                                                                    \
		asm volatile("cmpxchgq %[n], " __percpu_arg([v])                                \
			     : "=@ccz"(done__), [v] "+m"(var), "+a"(old__)                      \
			     : [n] "r"((u64)(new)) : "memory");                                 \
		done__;                                                                         \
	})
#else
#define compat_try_cmpxchg64(var, old, new) (this_cpu_cmpxchg(var, old, new) == (old))
#endif
#else
#define compat_try_cmpxchg64(var, old, new)                     \
	({                                                      \
		u64 old__ = (old);                              \
		this_cpu_try_cmpxchg(var, &old__, new);         \
	})
#endif

/* 6.13 calls the system call tracepoints with preemption on; before, every tracepoint has it off. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define compat_syscall_probe_enter() preempt_disable_notrace()
#define compat_syscall_probe_exit()  preempt_enable_notrace()
#else
#define compat_syscall_probe_enter() do { } while (0)
#define compat_syscall_probe_exit()  do { } while (0)
#endif

/* 6.13 renamed the field (ftrace and hrtimer core clean-up): the callback became private behind an accessor later. */
#define compat_hrtimer_function(timer) ((timer)->function)

#endif
