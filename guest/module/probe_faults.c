// SPDX-License-Identifier: GPL-2.0-only
/* Page faults. */
#include <linux/ptrace.h>
#include "hypertrace.h"

static void record(u32 id, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	struct {
		u64 address, ip;
		u8 error_code;
	} __packed payload = { address, instruction_pointer(regs), error_code };

	if (ht_pass(current))
		ht_write(id, &payload, sizeof(payload), NULL, 0);
}

static void fault_user(void *data, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	record(HT_ID_page_fault_user, address, regs, error_code);
}

static void fault_kernel(void *data, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	record(HT_ID_page_fault_kernel, address, regs, error_code);
}

struct ht_probe ht_probes_faults[] = {
	HT_PROBE(page_fault_user, fault_user),
	HT_PROBE(page_fault_kernel, fault_kernel),
	{ }
};
