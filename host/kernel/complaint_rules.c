/* SPDX-License-Identifier: MIT */
/* The table: what kernels of Linux 5.10 to 6.12 for x86-64 write where something is wrong. Specific before general. */
#include <string.h>

#include "host/kernel/kernel_complaint.h"

#define ANYWHERE true

static const struct complaint_rule rules[] = {
	{"Kernel panic - not syncing", false, COMPLAINT_PANIC, COMPLAINT_FATAL},

	/* kernel/watchdog.c, kernel/watchdog_perf.c, kernel/workqueue.c */
	{"BUG: soft lockup", ANYWHERE, COMPLAINT_LOCKUP, COMPLAINT_ERROR},
	{"hard LOCKUP on cpu", ANYWHERE, COMPLAINT_LOCKUP, COMPLAINT_ERROR},
	{"BUG: workqueue lockup", ANYWHERE, COMPLAINT_LOCKUP, COMPLAINT_ERROR},

	/* kernel/rcu/tree_stall.h, tree_exp.h; kernel/hung_task.c */
	{"detected stalls on CPUs/tasks", ANYWHERE, COMPLAINT_STALL, COMPLAINT_ERROR},
	{"self-detected stall on CPU", ANYWHERE, COMPLAINT_STALL, COMPLAINT_ERROR},
	{"detected expedited stalls", ANYWHERE, COMPLAINT_STALL, COMPLAINT_ERROR},
	{"kthread starved for", ANYWHERE, COMPLAINT_STALL, COMPLAINT_ERROR},
	{" blocked for more than ", ANYWHERE, COMPLAINT_HUNG_TASK, COMPLAINT_ERROR},

	/* mm/, lib/: what watches memory */
	{"BUG: KASAN:", ANYWHERE, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"BUG: KFENCE:", ANYWHERE, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"BUG: KCSAN:", ANYWHERE, COMPLAINT_CORRUPTION, COMPLAINT_WARN},
	{"BUG: KMSAN:", ANYWHERE, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"UBSAN: ", false, COMPLAINT_CORRUPTION, COMPLAINT_WARN},
	{"BUG: Bad page", false, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"BUG: Bad rss-counter", false, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"list_add corruption", false, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"list_del corruption", false, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{"usercopy: Kernel memory", false, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},

	/* kernel/locking/lockdep.c */
	{"WARNING: possible circular locking dependency", false, COMPLAINT_LOCKING, COMPLAINT_WARN},
	{"WARNING: possible recursive locking", false, COMPLAINT_LOCKING, COMPLAINT_WARN},
	{"WARNING: possible irq lock inversion", false, COMPLAINT_LOCKING, COMPLAINT_WARN},
	{"WARNING: inconsistent lock state", false, COMPLAINT_LOCKING, COMPLAINT_WARN},
	{"WARNING: suspicious RCU usage", false, COMPLAINT_LOCKING, COMPLAINT_WARN},
	{"BUG: spinlock", false, COMPLAINT_LOCKING, COMPLAINT_ERROR},
	{"BUG: sleeping function called", false, COMPLAINT_LOCKING, COMPLAINT_ERROR},
	{"BUG: scheduling while atomic", false, COMPLAINT_LOCKING, COMPLAINT_ERROR},
	{"BUG: workqueue leaked", false, COMPLAINT_LOCKING, COMPLAINT_ERROR},

	/* arch/x86/mm/fault.c, arch/x86/kernel/{traps,dumpstack}.c: the trap's name, and "[#1]" for the first oops */
	{"BUG: kernel NULL pointer dereference", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"BUG: unable to handle", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"BUG: stack guard page was hit", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"BUG: TASK stack guard page was hit", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"kernel BUG at ", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"Oops: ", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"Oops[", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"general protection fault", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"traps: PANIC: double fault", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"kernel tried to execute NX-protected page", false, COMPLAINT_OOPS, COMPLAINT_ERROR},
	{"Corrupted page table at", ANYWHERE, COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
	{": 0000 [#", ANYWHERE, COMPLAINT_OOPS, COMPLAINT_ERROR}, /* "divide error: 0000 [#1] PREEMPT SMP" */
	{"BUG: ", false, COMPLAINT_BUG, COMPLAINT_ERROR},
	{"bug: ", false, COMPLAINT_BUG, COMPLAINT_ERROR},

	/* mm/oom_kill.c, mm/page_alloc.c */
	{"Out of memory: Killed process", false, COMPLAINT_OUT_OF_MEMORY, COMPLAINT_WARN},
	{"Memory cgroup out of memory: Killed process", false, COMPLAINT_OUT_OF_MEMORY, COMPLAINT_NOTE},
	{": page allocation failure: ", ANYWHERE, COMPLAINT_OUT_OF_MEMORY, COMPLAINT_WARN},

	{"mce: [Hardware Error]: Machine check events logged", false, COMPLAINT_HARDWARE, COMPLAINT_WARN},
	{"mce: [Hardware Error]: CPU", false, COMPLAINT_HARDWARE, COMPLAINT_ERROR},
	{"Uhhuh. NMI received for unknown reason", false, COMPLAINT_HARDWARE, COMPLAINT_WARN},
	{": nobody cared (try booting with", ANYWHERE, COMPLAINT_HARDWARE, COMPLAINT_WARN},

	{"WARNING: CPU: ", false, COMPLAINT_WARNING, COMPLAINT_WARN},
	{"WARNING: ", false, COMPLAINT_WARNING, COMPLAINT_WARN},
	{"refcount_t: ", false, COMPLAINT_WARNING, COMPLAINT_WARN},
	{"unregister_netdevice: waiting for ", false, COMPLAINT_WARNING, COMPLAINT_WARN},
};

const struct complaint_rule *complaint_rule_find(const char *line, size_t length)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		size_t bytes = strlen(rules[i].text);

		if (bytes > length)
			continue;
		if (rules[i].anywhere ? memmem(line, length, rules[i].text, bytes) != NULL
				      : memcmp(line, rules[i].text, bytes) == 0)
			return &rules[i];
	}
	return NULL;
}

const char *complaint_kind_name(enum complaint_kind kind)
{
	static const char *const names[COMPLAINT_KINDS] = {
		[COMPLAINT_PANIC] = "panic",
		[COMPLAINT_OOPS] = "oops",
		[COMPLAINT_BUG] = "bug",
		[COMPLAINT_WARNING] = "warning",
		[COMPLAINT_LOCKUP] = "lockup",
		[COMPLAINT_STALL] = "stall",
		[COMPLAINT_HUNG_TASK] = "hung task",
		[COMPLAINT_OUT_OF_MEMORY] = "out of memory",
		[COMPLAINT_CORRUPTION] = "corruption",
		[COMPLAINT_LOCKING] = "locking",
		[COMPLAINT_HARDWARE] = "hardware",
	};

	return kind < COMPLAINT_KINDS ? names[kind] : "unknown";
}

const char *complaint_severity_name(enum complaint_severity severity)
{
	static const char *const names[] = {"note", "warning", "error", "fatal"};

	return severity < sizeof(names) / sizeof(names[0]) ? names[severity] : "unknown";
}
