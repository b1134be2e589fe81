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

static __always_inline void sys_enter_args_body(struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	enter_args(regs, nr);
	compat_syscall_probe_exit();
}
HT_VARIANTS_CURRENT(sys_enter_args, (struct pt_regs *regs, long nr), (regs, nr))

/*
 * What is not in the short records comes here. These functions take their arguments where the tracepoint put them, and
 * are __used so that the compiler leaves it at that: the short way then moves nothing and loads nothing for their sake.
 */
#define SLOW static noinline __used void

/* A number above 255 or of the 32-bit table; any other when there is no room. */
SLOW enter_wide(void *unused, const struct pt_regs *regs, long nr)
{
	ht_record(HT_ID_sys_enter, 2, number(regs, nr), 0);
}

static __always_inline void sys_enter_body(struct pt_regs *regs, long nr)
{
	compat_syscall_probe_enter();
	if (is_compat(regs) || unlikely((unsigned long)nr > 255) ||
	    unlikely(!ht_ring_write(0, HT_ID_sys_enter_short, 1, nr, 0)))
		enter_wide(NULL, regs, nr);
	compat_syscall_probe_exit();
}
HT_VARIANTS_CURRENT(sys_enter, (struct pt_regs *regs, long nr), (regs, nr))

/* A result of more than 32 bits, or of more than 8 when there is no room. */
SLOW exit_long(void *unused, const struct pt_regs *regs, long ret)
{
	struct {
		s64 ret;
		u16 nr;
	} __packed payload = { ret, number(regs, regs->orig_ax) };

	ht_write(HT_ID_sys_exit_long, &payload, sizeof(payload), NULL, 0);
}

/* A result of more than 8 bits; any when there is no room. */
SLOW exit_wide(void *unused, const struct pt_regs *regs, long ret)
{
	if (unlikely(ret != (s32)ret) || unlikely(!ht_ring_write(0, HT_ID_sys_exit, 4, (u32)ret, 0)))
		exit_long(NULL, regs, ret);
}

static __always_inline void sys_exit_body(struct pt_regs *regs, long ret)
{
	compat_syscall_probe_enter();
	if (ret != (s8)ret || unlikely(!ht_ring_write(0, HT_ID_sys_exit_short, 1, ret, 0)))
		exit_wide(NULL, regs, ret);
	compat_syscall_probe_exit();
}
HT_VARIANTS_CURRENT(sys_exit, (struct pt_regs *regs, long ret), (regs, ret))

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
	{ .events = HT_SYS_ENTER_BITS, .name = "sys_enter", .plain = sys_enter, .filtered = sys_enter_filtered,
	  .timed = sys_enter_timed, .pair = HT_PAIR_SYSCALL },
	{ .events = HT_BIT(sys_enter_args), .name = "sys_enter", .plain = sys_enter_args, .filtered = sys_enter_args_filtered,
	  .timed = sys_enter_timed, .pair = HT_PAIR_SYSCALL },
	{ .events = HT_SYS_EXIT_BITS, .name = "sys_exit", .plain = sys_exit, .filtered = sys_exit_filtered,
	  .timed = sys_exit_timed, .pair = HT_PAIR_SYSCALL },
	{ }
};
