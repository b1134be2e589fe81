// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypertrace.ko: writes what this kernel does into memory that its host reads. No VM exit, no lock, no login: the host
 * switches events and filters by a control page in the same memory. Where there is no such memory, batches of records go
 * by hypercalls (channel=hypercall), and the module's parameters say which.
 */
#include <linux/module.h>
#include "hypertrace.h"

/* A region has come: rings, then the way to switch them on. */
int ht_start(void)
{
	int err = ht_rings_start(&ht_control_none);

	if (err)
		return err;
	err = ht_notifiers_init();
	if (err)
		goto out_rings;
	err = ht_marker_init();
	if (err)
		goto out_notifiers;
	err = ht_batches ? 0 : ht_awareness_init();
	if (err)
		goto out_marker;
	if (ht_batches)
		ht_channel_start();
	ht_stages_start();
	ht_control_apply_first();
	err = ht_batches ? ht_wishes_start() : ht_control_start();
	if (!err) {
		ht_nested_allow(true);
		return 0;
	}
	ht_stages_stop();
	if (ht_batches)
		ht_channel_stop();
	else
		ht_awareness_exit();
out_marker:
	ht_marker_exit();
out_notifiers:
	ht_notifiers_exit();
out_rings:
	ht_rings_stop(HT_STATE_STOPPED);
	return err;
}

/* The region goes, or the module: nobody may write any more when this returns. */
void ht_stop(void)
{
	ht_nested_allow(false);
	if (ht_batches) {
		ht_wishes_stop();
		ht_channel_stop();
	} else {
		ht_control_stop();
		ht_awareness_exit();
	}
	ht_stages_stop();
	ht_marker_exit();
	ht_notifiers_exit();
	ht_names_stop();
	ht_functions_stop();
	ht_generic_stop();
	ht_probes_stop();
	ht_rings_stop(HT_STATE_STOPPED);
}

static int __init hypertrace_init(void)
{
	int err = ht_probes_init();

	return err ?: ht_channel_init();
}

static void __exit hypertrace_exit(void)
{
	ht_channel_exit();
}

module_init(hypertrace_init);
module_exit(hypertrace_exit);
MODULE_LICENSE("GPL");
MODULE_VERSION(HT_PROGRAM_VERSION);
MODULE_DESCRIPTION("Kernel events to the host through shared memory");
