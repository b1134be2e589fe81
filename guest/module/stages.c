// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far the guest has come, said to the host at once: a hypercall that both sides see is a common point of reference.
 * Always in channel hypercall; elsewhere with stages=1, because it exits.
 */
#include <linux/binfmts.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include "hypertrace.h"

static bool stages;
module_param(stages, bool, 0444);
MODULE_PARM_DESC(stages, "Say by hypercalls how far the guest has come, also where events need none");

static bool said;
static struct tracepoint *exec;

/* Once as a record, among the others, and once to the host, which is there after them. Any context. */
void ht_stage(enum ht_stage stage, const char *message)
{
	u8 payload = stage;

	if (!READ_ONCE(said))
		return;
	/* how it ends, guest_end says */
	if (stage == HT_STAGE_MODULE || stage == HT_STAGE_USER) {
		ht_write_text(HT_ID_stage, &payload, sizeof(payload), message);
		ht_flush_this_cpu();
	}
	ht_hypercall_stage(stage, message);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	if (task->pid == 1)
		ht_stage(HT_STAGE_USER, bprm->filename);
}

/* Before the first event: there are rings by now. */
void ht_stages_start(void)
{
	u64 ms = ktime_get_mono_fast_ns() / NSEC_PER_MSEC;
	char message[64];

	said = ht_batches || (stages && ht_hypercalls_possible());
	if (stages && !said)
		pr_warn("stages=1: this is no guest of KVM\n");
	if (!said)
		return;
	snprintf(message, sizeof(message), "%llu ms after the kernel's start", ms);
	ht_stage(HT_STAGE_MODULE, message);
	exec = ht_tracepoint("sched_process_exec");
	if (exec && tracepoint_probe_register(exec, on_exec, NULL))
		exec = NULL;
}

void ht_stages_stop(void)
{
	if (exec) {
		tracepoint_probe_unregister(exec, on_exec, NULL);
		tracepoint_synchronize_unregister();
	}
	exec = NULL;
	said = false;
}
