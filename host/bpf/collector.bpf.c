// SPDX-License-Identifier: GPL-2.0-only
/* What KVM and the scheduler do to vCPUs, put together in the kernel. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("raw_tp/sched_switch")
int on_switch(void *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
