// SPDX-License-Identifier: GPL-2.0-only
/* The hypercalls themselves (abi/hypercall.h): whether this guest may make them, and how. */
#include <linux/module.h>
#include <linux/types.h>
#include <asm/kvm_para.h>
#include "hypertrace.h"

/*
 * Only KVM takes an unknown number for what it is. Under another hypervisor, or none, the instruction may be an invalid
 * one, and an oops.
 */
bool ht_hypercalls_possible(void)
{
	return kvm_para_available();
}

/*
 * The kernel's own wrapper is patched to vmcall or vmmcall when the module is loaded. Choosing matters: the wrong one of
 * the two KVM would try to correct in our text, which is read-only, and the guest oopses.
 */
void ht_hypercall(u32 number, u64 a0, u64 a1, u64 a2, u64 a3)
{
	kvm_hypercall4(number, a0, a1, a2, a3);
}

static void say_message(const char *message, size_t left)
{
	u64 words[HT_TEXT_MAX_BYTES / 8];

	while (left) {
		size_t bytes = min(left, sizeof(words));

		memset(words, 0, sizeof(words));
		memcpy(words, message, bytes);
		message += bytes;
		left -= bytes;
		ht_hypercall(HT_HYPERCALL_TEXT, bytes | HT_TEXT_STAGE | (left ? HT_TEXT_MORE : 0), words[0], words[1],
			     words[2]);
	}
}

/* The guest has come so far. Any context. */
void ht_hypercall_stage(enum ht_stage stage, const char *message)
{
	size_t length = strnlen(message, HT_TEXT_MAX_TOTAL);
	u64 text[2] = {};

	memcpy(text, message, min(length, sizeof(text)));
	if (length > sizeof(text))
		say_message(message, length);
	ht_hypercall(HT_HYPERCALL_STAGE, stage, text[0], text[1], rdtsc_ordered());
}
