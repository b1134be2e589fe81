/* SPDX-License-Identifier: MIT */
/* Source: Xen's public headers xen.h, sched.h, vcpu.h, grant_table.h; traps: Intel SDM volume 3, chapter 6. */
#include "lib/model/xen_names.h"

#include <stddef.h>

#include "lib/model/exit_reasons.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define VMX_REASONS_END 0x46

/* clang-format off */
static const char *const runstates[] = {"running", "runnable", "blocked", "offline"};

static const char *const shutdown_reasons[] = {"poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"};

static const char *const hypercalls[] = {
	"set_trap_table", "mmu_update", "set_gdt", "stack_switch", "set_callbacks", "fpu_taskswitch",
	"sched_op_compat", "platform_op", "set_debugreg", "get_debugreg", "update_descriptor",
	[12] = "memory_op", "multicall", "update_va_mapping", "set_timer_op", "event_channel_op_compat",
	"xen_version", "console_io", "physdev_op_compat", "grant_table_op", "vm_assist",
	"update_va_mapping_otherdomain", "iret", "vcpu_op", "set_segment_base", "mmuext_op", "xsm_op", "nmi_op",
	"sched_op", "callback_op", "xenoprof_op", "event_channel_op", "physdev_op", "hvm_op", "sysctl", "domctl",
	"kexec_op", "tmem_op", "argo_op", "xenpmu_op", "dm_op", "hypfs_op",
	[48] = "arch_0", "arch_1", "arch_2", "arch_3", "arch_4", "arch_5", "arch_6", "arch_7",
};

static const char *const grant_ops[] = {
	"map_grant_ref", "unmap_grant_ref", "setup_table", "dump_table", "transfer", "copy", "query_size",
	"unmap_and_replace", "set_version", "get_status_frames", "get_version", "swap_grant_ref", "cache_flush",
};

static const char *const vcpu_ops[] = {
	"initialise", "up", "down", "is_up", "get_runstate_info", "register_runstate_memory_area",
	"set_periodic_timer", "stop_periodic_timer", "set_singleshot_timer", "stop_singleshot_timer",
	"register_vcpu_info", "send_nmi", "get_physid", "register_vcpu_time_memory_area",
	"register_runstate_phys_area", "register_vcpu_time_phys_area",
};

static const char *const sched_ops[] = {
	"yield", "block", "shutdown", "poll", "remote_shutdown", "shutdown_code", "watchdog", "pin_override",
};

static const char *const traps[] = {
	"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "CSO", "TS", "NP", "SS", "GP", "PF", NULL, "MF", "AC",
	"MC", "XM", "VE", "CP", [28] = "HV", "VC", "SX",
};

static const char *const interrupt_sources[] = {"none", "pic", "lapic", "nmi", "mce", "vector"};
/* clang-format on */

static const struct {
	const char *const *names;
	size_t count;
} tables[] = {
	[XEN_NAMES_RUNSTATES] = {runstates, ARRAY_SIZE(runstates)},
	[XEN_NAMES_SHUTDOWN_REASONS] = {shutdown_reasons, ARRAY_SIZE(shutdown_reasons)},
	[XEN_NAMES_HYPERCALLS] = {hypercalls, ARRAY_SIZE(hypercalls)},
	[XEN_NAMES_GRANT_OPS] = {grant_ops, ARRAY_SIZE(grant_ops)},
	[XEN_NAMES_VCPU_OPS] = {vcpu_ops, ARRAY_SIZE(vcpu_ops)},
	[XEN_NAMES_SCHED_OPS] = {sched_ops, ARRAY_SIZE(sched_ops)},
	[XEN_NAMES_TRAPS] = {traps, ARRAY_SIZE(traps)},
	[XEN_NAMES_INTERRUPT_SOURCES] = {interrupt_sources, ARRAY_SIZE(interrupt_sources)},
};

static const char *reason_name(unsigned isa, uint64_t number)
{
	char unnamed[EXIT_REASON_NAME_BYTES];
	const char *name = number <= UINT32_MAX ? exit_reason_name(isa, (uint32_t)number, unnamed) : unnamed;

	return name == unnamed ? NULL : name;
}

const char *xen_name(enum xen_names names, uint64_t number)
{
	if (names == XEN_NAMES_VMX_REASONS)
		return reason_name(number < VMX_REASONS_END ? EXIT_ISA_VMX : EXIT_ISA_SVM, number);
	if (names == XEN_NAMES_SVM_REASONS)
		return reason_name(EXIT_ISA_SVM, number);
	return number < tables[names].count ? tables[names].names[number] : NULL;
}
