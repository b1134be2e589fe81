/* SPDX-License-Identifier: MIT */
/*
 * VMX: Intel SDM volume 3, appendix C. SVM: AMD APM volume 2, appendix C; numbers from 0x80000000 on are those of an
 * encrypted guest's requests (GHCB). Numbers never change their meaning.
 */
#include "lib/model/exit_reasons.h"

#include <stddef.h>
#include <stdio.h>

#define VMX_BASIC         0xffffu
#define VMX_FAILED_ENTRY  (1u << 31)
#define VMX_HLT           12
#define VMX_VMCALL        18
#define VMX_MWAIT         36
#define SVM_HLT           0x78
#define SVM_VMMCALL       0x81
#define SVM_MWAIT         0x8b
#define SVM_MWAIT_COND    0x8c
#define SVM_NPF           0x400
#define SVM_VMGEXIT       0x80000000u
#define SVM_INVALID_STATE 0xffffffffu
#define SVM_BUSY          0xfffffffeu

/* clang-format off */
static const char *const vmx_names[] = {
	[0] = "EXCEPTION_NMI", "EXTERNAL_INTERRUPT", "TRIPLE_FAULT", "INIT_SIGNAL", "SIPI_SIGNAL", "IO_SMI",
	"OTHER_SMI", "INTERRUPT_WINDOW", "NMI_WINDOW", "TASK_SWITCH", "CPUID", "GETSEC", "HLT", "INVD", "INVLPG",
	"RDPMC", "RDTSC", "RSM", "VMCALL", "VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME",
	"VMWRITE", "VMOFF", "VMON", "CR_ACCESS", "DR_ACCESS", "IO_INSTRUCTION", "MSR_READ", "MSR_WRITE",
	"INVALID_STATE", "MSR_LOAD_FAIL",
	[36] = "MWAIT_INSTRUCTION", "MONITOR_TRAP_FLAG",
	[39] = "MONITOR_INSTRUCTION", "PAUSE_INSTRUCTION", "MCE_DURING_VMENTRY",
	[43] = "TPR_BELOW_THRESHOLD", "APIC_ACCESS", "EOI_INDUCED", "GDTR_IDTR", "LDTR_TR", "EPT_VIOLATION",
	"EPT_MISCONFIG", "INVEPT", "RDTSCP", "PREEMPTION_TIMER", "INVVPID", "WBINVD", "XSETBV", "APIC_WRITE",
	"RDRAND", "INVPCID", "VMFUNC", "ENCLS", "RDSEED", "PML_FULL", "XSAVES", "XRSTORS", "PCONFIG",
	"SPP_EVENT", "UMWAIT", "TPAUSE", "LOADIWKEY", "ENCLV",
	[72] = "ENQCMD_PASID", "ENQCMDS_PASID", "BUS_LOCK", "NOTIFY", "SEAMCALL", "TDCALL",
	[84] = "MSR_READ_IMM", "MSR_WRITE_IMM",
};

static const char *const svm_names[] = {
	[0x00] = "read_cr0",
	[0x02] = "read_cr2", "read_cr3", "read_cr4",
	[0x08] = "read_cr8",
	[0x10] = "write_cr0",
	[0x12] = "write_cr2", "write_cr3", "write_cr4",
	[0x18] = "write_cr8",
	[0x20] = "read_dr0", "read_dr1", "read_dr2", "read_dr3", "read_dr4", "read_dr5", "read_dr6", "read_dr7",
	[0x30] = "write_dr0", "write_dr1", "write_dr2", "write_dr3", "write_dr4", "write_dr5", "write_dr6",
	"write_dr7",
	[0x40] = "DE excp", "DB excp",
	[0x43] = "BP excp", "OF excp", "BR excp", "UD excp", "NM excp", "DF excp",
	[0x4a] = "TS excp", "NP excp", "SS excp", "GP excp", "PF excp",
	[0x50] = "MF excp", "AC excp", "MC excp", "XF excp",
	[0x60] = "interrupt", "nmi", "smi", "init", "vintr", "cr0_sel_write", "read_idtr", "read_gdtr",
	"read_ldtr", "read_tr", "write_idtr", "write_gdtr", "write_ldtr", "write_tr", "rdtsc", "rdpmc", "pushf",
	"popf", "cpuid", "rsm", "iret", "swint", "invd", "pause", "hlt", "invlpg", "invlpga", "io", "msr",
	"task_switch", "ferr_freeze", "shutdown", "vmrun", "hypercall", "vmload", "vmsave", "stgi", "clgi",
	"skinit", "rdtscp", "icebp", "wbinvd", "monitor", "mwait", "mwait_cond", "xsetbv", "rdpru",
	"write_efer_trap", "write_cr0_trap",
	[0x94] = "write_cr4_trap",
	[0x98] = "write_cr8_trap",
	[0xa0] = "invlpgb", "invlpgb_illegal", "invpcid", "mcommit", "tlbsync", "bus_lock", "idle_hlt",
};

static const char *const svm_npf_names[] = {
	"npf", "avic_incomplete_ipi", "avic_unaccelerated_access", "vmgexit",
};

/* The numbers of Xen's trace events of the class PV, without the bit for 64-bit addresses; 13 is a hypercall as 1 is. */
static const char *const xen_pv_names[] = {
	[1] = "hypercall", [3] = "trap", "page_fault", "forced_invalid_op", "emulate_privop", "emulate_4gb",
	"math_state_restore", "paging_fixup", "gdt_ldt_mapping_fault", "ptwr", "ptwr_pae",
	"hypercall",
};

static const struct {
	uint32_t reason;
	const char *name;
} svm_other_names[] = {
	{SVM_VMGEXIT + 0x1, "vmgexit_mmio_read"},
	{SVM_VMGEXIT + 0x2, "vmgexit_mmio_write"},
	{SVM_VMGEXIT + 0x3, "vmgexit_nmi_complete"},
	{SVM_VMGEXIT + 0x4, "vmgexit_ap_hlt_loop"},
	{SVM_VMGEXIT + 0x5, "vmgexit_ap_jump_table"},
	{SVM_VMGEXIT + 0x10, "vmgexit_page_state_change"},
	{SVM_VMGEXIT + 0x11, "vmgexit_guest_request"},
	{SVM_VMGEXIT + 0x12, "vmgexit_ext_guest_request"},
	{SVM_VMGEXIT + 0x13, "vmgexit_ap_creation"},
	{SVM_VMGEXIT + 0xfffd, "vmgexit_hypervisor_feature"},
	{SVM_VMGEXIT + 0xfffe, "vmgexit_term_request"},
	{SVM_INVALID_STATE, "invalid_guest_state"},
	{SVM_BUSY, "busy"},
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *find_vmx(uint32_t reason)
{
	const uint32_t basic = reason & VMX_BASIC;

	return basic < COUNT(vmx_names) ? vmx_names[basic] : NULL;
}

static const char *find_svm(uint32_t reason)
{
	if (reason < COUNT(svm_names))
		return svm_names[reason];
	if (reason >= SVM_NPF && reason - SVM_NPF < COUNT(svm_npf_names))
		return svm_npf_names[reason - SVM_NPF];
	for (size_t i = 0; i < COUNT(svm_other_names); i++)
		if (svm_other_names[i].reason == reason)
			return svm_other_names[i].name;
	return NULL;
}

static const char *find_xen_pv(uint32_t reason)
{
	if (reason == EXIT_XEN_PV_BLOCK)
		return "block";
	return reason < COUNT(xen_pv_names) ? xen_pv_names[reason] : NULL;
}

const char *exit_reason_name(unsigned isa, uint32_t reason, char buffer[EXIT_REASON_NAME_BYTES])
{
	const char *name = isa == EXIT_ISA_VMX ? find_vmx(reason)
		: isa == EXIT_ISA_SVM          ? find_svm(reason)
		: isa == EXIT_ISA_XEN_PV       ? find_xen_pv(reason)
					       : NULL;

	if (!name) {
		snprintf(buffer, EXIT_REASON_NAME_BYTES, "0x%x", reason);
		return buffer;
	}
	if (isa != EXIT_ISA_VMX || !(reason & VMX_FAILED_ENTRY))
		return name;
	snprintf(buffer, EXIT_REASON_NAME_BYTES, "%s!", name);
	return buffer;
}

bool exit_reason_is_hypercall(unsigned isa, uint32_t reason)
{
	return (isa == EXIT_ISA_VMX && reason == VMX_VMCALL) ||
		(isa == EXIT_ISA_SVM && reason == SVM_VMMCALL) ||
		(isa == EXIT_ISA_XEN_PV && reason == EXIT_XEN_PV_HYPERCALL);
}

bool exit_reason_is_halt(unsigned isa, uint32_t reason)
{
	if (isa == EXIT_ISA_VMX)
		return reason == VMX_HLT || reason == VMX_MWAIT;
	if (isa == EXIT_ISA_XEN_PV)
		return reason == EXIT_XEN_PV_BLOCK;
	return isa == EXIT_ISA_SVM && (reason == SVM_HLT || reason == SVM_MWAIT || reason == SVM_MWAIT_COND);
}
