// SPDX-License-Identifier: GPL-2.0-only
/* System calls. A number with bit 15 set is one of the 32-bit table. */
#include <linux/ptrace.h>
#include <asm/syscall.h>
#include "hypertrace.h"

#define COMPAT_NUMBER 0x8000u

static __always_inline bool is_compat(const struct pt_regs *regs)
{
#ifdef CONFIG_IA32_EMULATION
	return unlikely((u16)regs->cs == __USER32_CS);
#else
	return false;
#endif
}

static __always_inline u16 number(const struct pt_regs *regs, long nr)
{
	return is_compat(regs) ? nr | COMPAT_NUMBER : nr;
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

static __always_inline void sys_enter_args_body(bool filtered, struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	if (ht_pass(filtered, current))
		enter_args(regs, nr);
	compat_syscall_probe_exit();
}
HT_VARIANTS(sys_enter_args, (struct pt_regs *regs, long nr), (regs, nr))

static noinline void enter_compat(long nr)
{
	ht_record(HT_ID_sys_enter, 2, (u16)(nr | COMPAT_NUMBER), 0);
}

static __always_inline void sys_enter_body(bool filtered, struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	if (ht_pass(filtered, current)) {
		if (is_compat(regs))
			enter_compat(nr);
		else
			ht_record(HT_ID_sys_enter, 2, (u16)nr, 0);
	}
	compat_syscall_probe_exit();
}
HT_VARIANTS(sys_enter, (struct pt_regs *regs, long nr), (regs, nr))

/*
 * What does not go the short way: no room, a number of the 32-bit table, a return value of more than 32 bits. It gets
 * the arguments, not the packed record, so that the short way need not keep that in a register.
 */
static noinline void exit_slow(const struct pt_regs *regs, long ret)
{
	struct {
		s64 ret;
		u16 nr;
	} __packed payload = { ret, number(regs, regs->orig_ax) };

	if (ret == (s32)ret)
		ht_record_slow(HT_ID_sys_exit, 6, (u32)ret, payload.nr);
	else
		ht_write(HT_ID_sys_exit_long, &payload, sizeof(payload), NULL, 0);
}

static __always_inline void sys_exit_body(bool filtered, struct pt_regs *regs, long ret)
{
	compat_syscall_probe_enter();
	if (ht_pass(filtered, current)) {
		if (unlikely(ret != (s32)ret) || is_compat(regs) ||
		    unlikely(!ht_ring_write(0, HT_ID_sys_exit, 6, (u32)ret, regs->orig_ax)))
			exit_slow(regs, ret);
	}
	compat_syscall_probe_exit();
}
HT_VARIANTS(sys_exit, (struct pt_regs *regs, long ret), (regs, ret))

static void sys_enter_timed(void *data, struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	ht_span_begin(HT_PAIR_SYSCALL);
	compat_syscall_probe_exit();
}

static void sys_exit_timed(void *data, struct pt_regs *regs, long ret)
{
	compat_syscall_probe_enter();
	if (ht_pass(true, current))
		ht_span_end(HT_PAIR_SYSCALL, number(regs, regs->orig_ax), ret);
	compat_syscall_probe_exit();
}

struct ht_probe ht_probes_syscalls[] = {
	HT_PROBE_PAIR(sys_enter, sys_enter, sys_enter_timed, HT_PAIR_SYSCALL),
	{ .id = HT_ID_sys_enter_args, .name = "sys_enter", .plain = sys_enter_args, .filtered = sys_enter_args_filtered,
	  .timed = sys_enter_timed, .pair = HT_PAIR_SYSCALL },
	HT_PROBE_PAIR(sys_exit, sys_exit, sys_exit_timed, HT_PAIR_SYSCALL),
	{ }
};
