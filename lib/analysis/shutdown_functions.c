/* SPDX-License-Identifier: MIT */
#include "lib/analysis/shutdown_functions.h"

#include <stddef.h>
#include <string.h>

#define MEMBERS_MAX 40

static const struct {
	enum shutdown_class class;
	const char *names[MEMBERS_MAX]; /* '*' at the end: whatever begins so */
} classes[] = {
	{SHUTDOWN_ROOT,
		{"kernel_restart", "kernel_power_off", "kernel_halt", "kernel_kexec", "emergency_restart",
			"__do_sys_reboot", "__x64_sys_reboot", "__ia32_sys_reboot"}},
	{SHUTDOWN_PREPARE,
		{"kernel_restart_prepare", "kernel_shutdown_prepare", "do_kernel_restart_prepare",
			"do_kernel_power_off_prepare"}},
	{SHUTDOWN_CHAIN,
		{"blocking_notifier_call_chain", "notifier_call_chain", "atomic_notifier_call_chain",
			"srcu_notifier_call_chain", "raw_notifier_call_chain"}},
	{SHUTDOWN_DEVICES, {"device_shutdown"}},
	{SHUTDOWN_SYSCORE, {"syscore_shutdown"}},
	{SHUTDOWN_MACHINE,
		{"machine_restart", "machine_power_off", "machine_halt", "machine_shutdown",
			"machine_emergency_restart", "native_machine_restart", "native_machine_power_off",
			"native_machine_halt", "native_machine_shutdown", "native_machine_emergency_restart",
			"__machine_emergency_restart", "do_kernel_power_off", "do_kernel_restart"}},
	{SHUTDOWN_HELPER,
		{"_raw_spin_*", "_raw_read_*", "_raw_write_*", "mutex_unlock", "up_read", "up_write",
			"get_device", "put_device", "kobject_get", "kobject_put", "klist_*", "pm_runtime_*",
			"__pm_runtime_*", "_dev_info", "_printk", "vprintk*", "__rcu_read_*",
			"__cond_resched", "rcu_read_*", "device_block_probing", "cpufreq_suspend",
			"irq_enter*", "irq_exit*", "__sysvec_*", "sysvec_*", "__common_interrupt",
			"common_interrupt", "preempt_*", "__local_bh_*"}},
	{SHUTDOWN_WAIT,
		{"msleep*", "usleep_range*", "schedule_timeout*", "schedule_hrtimeout*", "io_schedule*",
			"schedule", "schedule_preempt_disabled", "__const_udelay", "__udelay", "__ndelay",
			"__delay", "delay_*", "synchronize_*", "rcu_barrier*", "wait_rcu_gp", "__wait_rcu_gp",
			"wait_for_*", "flush_work*", "__flush_work*", "flush_delayed_work", "drain_workqueue",
			"cancel_work_sync", "cancel_delayed_work_sync", "__cancel_work_sync", "kthread_stop",
			"kthread_park", "async_synchronize_*", "blk_mq_freeze_queue*", "del_timer_sync",
			"timer_delete_sync", "mutex_lock*", "__mutex_lock*", "down", "down_*", "rwsem_down_*",
			"stop_machine*"}},
};

static int matches(const char *pattern, const char *name, size_t length)
{
	size_t bytes = strlen(pattern);

	if (pattern[bytes - 1] == '*')
		return length >= bytes - 1 && !memcmp(pattern, name, bytes - 1);
	return length == bytes && !memcmp(pattern, name, bytes);
}

enum shutdown_class shutdown_class_of(const char *name)
{
	size_t length = strcspn(name, ".");

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		for (size_t n = 0; n < MEMBERS_MAX && classes[i].names[n]; n++)
			if (matches(classes[i].names[n], name, length))
				return classes[i].class;
	return SHUTDOWN_NONE;
}
