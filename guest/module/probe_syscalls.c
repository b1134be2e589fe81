// SPDX-License-Identifier: GPL-2.0-only
/* System calls. A number with bit 15 set is one of the 32-bit table. */
#include <linux/ptrace.h>
#include <asm/syscall.h>
#include "hypertrace.h"

#define COMPAT_NUMBER 0x8000u

static __always_inline u16 number(const struct pt_regs *regs, long nr)
{
#ifdef CONFIG_IA32_EMULATION
	if (unlikely((u16)regs->cs == __USER32_CS))
		return nr | COMPAT_NUMBER;
#endif
	return nr;
}

static void enter_args(struct pt_regs *regs, long nr)
{
	struct {
		u16 nr;
		unsigned long args[6];
	} __packed payload = { number(regs, nr) };
	unsigned long args[6];

	syscall_get_arguments(current, regs, args);
	memcpy(payload.args, args, sizeof(args));
	ht_write(HT_ID_sys_enter_args, &payload, sizeof(payload), NULL, 0);
}

static void sys_enter_args(void *data, struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	if (ht_pass(current))
		enter_args(regs, nr);
	compat_syscall_probe_exit();
}

static void sys_enter(void *data, struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	if (ht_pass(current))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_sys_enter, number(regs, nr), 2);
	compat_syscall_probe_exit();
}

static noinline void exit_long(u16 nr, long ret)
{
	struct {
		s64 ret;
		u16 nr;
	} __packed payload = { ret, nr };

	ht_write(HT_ID_sys_exit_long, &payload, sizeof(payload), NULL, 0);
}

static void sys_exit(void *data, struct pt_regs *regs, long ret)
{
	compat_syscall_probe_enter();
	if (ht_pass(current)) {
		u16 nr = number(regs, regs->orig_ax);

		if (unlikely(ret != (s32)ret))
			exit_long(nr, ret);
		else
			ht_ring_write((struct ht_this_cpu){}, HT_ID_sys_exit, (u64)nr << 32 | (u32)ret, 6);
	}
	compat_syscall_probe_exit();
}

static void sys_enter_timed(void *data, struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	ht_span_begin(HT_PAIR_SYSCALL);
	compat_syscall_probe_exit();
}

static void sys_exit_timed(void *data, struct pt_regs *regs, long ret)
{
	compat_syscall_probe_enter();
	if (ht_pass(current))
		ht_span_end(HT_PAIR_SYSCALL, number(regs, regs->orig_ax), ret);
	compat_syscall_probe_exit();
}

struct ht_probe ht_probes_syscalls[] = {
	HT_PROBE_PAIR(sys_enter, sys_enter, sys_enter_timed, HT_PAIR_SYSCALL),
	{ .id = HT_ID_sys_enter_args, .name = "sys_enter", .plain = sys_enter_args, .timed = sys_enter_timed,
	  .pair = HT_PAIR_SYSCALL },
	HT_PROBE_PAIR(sys_exit, sys_exit, sys_exit_timed, HT_PAIR_SYSCALL),
	{ }
};
