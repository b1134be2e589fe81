// SPDX-License-Identifier: GPL-2.0-only
/* Page faults. */
#include <linux/ptrace.h>
#include "hypertrace.h"

static __always_inline void record(u32 id, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	struct {
		u64 address, ip;
		u8 error_code;
	} __packed payload = { address, instruction_pointer(regs), error_code };

	ht_write(id, &payload, sizeof(payload), NULL, 0);
}

static __always_inline void fault_user_body(unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	record(HT_ID_page_fault_user, address, regs, error_code);
}
HT_VARIANTS_CURRENT(fault_user, (unsigned long address, struct pt_regs *regs, unsigned long error_code),
		    (address, regs, error_code))

static __always_inline void fault_kernel_body(unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	record(HT_ID_page_fault_kernel, address, regs, error_code);
}
HT_VARIANTS_CURRENT(fault_kernel, (unsigned long address, struct pt_regs *regs, unsigned long error_code),
		    (address, regs, error_code))

struct ht_probe ht_probes_faults[] = {
	HT_PROBE(page_fault_user, fault_user),
	HT_PROBE(page_fault_kernel, fault_kernel),
	{ }
};
