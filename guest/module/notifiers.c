// SPDX-License-Identifier: GPL-2.0-only
/* A guest's last words: panic, oops and reboot put a record with their message, and close the packet. CPUs that go. */
#include <linux/cpu.h>
#include <linux/kdebug.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include "hypertrace.h"

static int cpuhp_state = -1;

static void last_words(enum ht_end reason, const char *message)
{
	u8 payload = reason;

	/* A packet of its own: a record that the panic interrupted half-way hides what follows it in the old one. */
	ht_flush_this_cpu();
	ht_write_text(HT_ID_guest_end, &payload, sizeof(payload), message);
	ht_flush_this_cpu();
}

static int on_panic(struct notifier_block *block, unsigned long unused, void *message)
{
	last_words(HT_END_PANIC, message ?: "");
	ht_stage(HT_STAGE_PANIC, message ?: "");
	if (ht_batches)
		ht_batches_panic();
	ht_set_state(HT_STATE_PANIC, message ?: "panic");
	return NOTIFY_DONE;
}

static int on_die(struct notifier_block *block, unsigned long value, void *data)
{
	struct die_args *args = data;

	if (value == DIE_OOPS) {
		last_words(HT_END_OOPS, args->str ?: "");
		ht_stage(HT_STAGE_OOPS, args->str ?: "");
	}
	return NOTIFY_DONE;
}

static int on_reboot(struct notifier_block *block, unsigned long code, void *command)
{
	enum ht_end reason = code == SYS_HALT ? HT_END_HALT : code == SYS_POWER_OFF ? HT_END_POWER_OFF : HT_END_REBOOT;
	static const char *const names[] = {
		[HT_END_HALT] = "halt", [HT_END_POWER_OFF] = "power off", [HT_END_REBOOT] = "reboot",
	};

	static const enum ht_stage stages[] = {
		[HT_END_HALT] = HT_STAGE_HALT, [HT_END_POWER_OFF] = HT_STAGE_POWER_OFF, [HT_END_REBOOT] = HT_STAGE_REBOOT,
	};

	last_words(reason, command ?: names[reason]);
	ht_stage(stages[reason], command ?: names[reason]);
	ht_nested_allow(false); /* the next kernel speaks for itself */
	if (ht_batches)
		ht_batches_ending();
	ht_set_state(HT_STATE_REBOOT, names[reason]);
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = { .notifier_call = on_panic, .priority = INT_MAX };
static struct notifier_block die_block = { .notifier_call = on_die };
static struct notifier_block reboot_block = { .notifier_call = on_reboot, .priority = INT_MAX };

static int cpu_goes(unsigned int cpu)
{
	u8 online = 0;

	ht_write(HT_ID_cpu_state, &online, sizeof(online), NULL, 0);
	ht_flush_this_cpu();
	if (ht_batches)
		ht_batch_cpu(false);
	return 0;
}

static int cpu_comes(unsigned int cpu)
{
	u8 online = 1;

	if (ht_batches)
		ht_batch_cpu(true);
	ht_write(HT_ID_cpu_state, &online, sizeof(online), NULL, 0);
	return 0;
}

int ht_notifiers_init(void)
{
	int err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "hypertrace:online", cpu_comes, cpu_goes);

	if (err < 0) {
		pr_err("cannot follow CPUs coming and going (%d)\n", err);
		return err;
	}
	cpuhp_state = err;
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	register_die_notifier(&die_block);
	register_reboot_notifier(&reboot_block);
	return 0;
}

void ht_notifiers_exit(void)
{
	unregister_reboot_notifier(&reboot_block);
	unregister_die_notifier(&die_block);
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	cpuhp_remove_state_nocalls(cpuhp_state);
}
