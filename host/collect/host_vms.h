/* SPDX-License-Identifier: MIT */
/* Which thread runs which vCPU of which VM, as the collector learns it: for the trace's description and its names. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "abi/collector.h"
#include "host/collect/machine_output.h"

/* Which machine of the trace is the guest of that VMM? "": it is not recorded. */
typedef const char *host_vms_machine_fn(void *context, pid_t vmm);

struct host_vms {
	struct machine_output *output; /* of the host */
	int proc_fd;
	host_vms_machine_fn *machine_of;
	void *context;
	struct {
		uint32_t tid;
		uint16_t vcpu;
	} threads[COLLECTOR_THREADS_MAX]; /* by the collector's index; tid 0: none */
};

/* -errno: /proc cannot be opened. */
int host_vms_init(struct host_vms *vms, struct machine_output *output, host_vms_machine_fn *machine_of,
	void *context, struct error *error);
void host_vms_deinit(struct host_vms *vms);

/* A record of COLLECTOR_THREAD. One whose index cannot be is passed over. */
void host_vms_learn(struct host_vms *vms, const struct collector_record *record);

/* The VM of that VMM, made if there is none. NULL: no memory, or too many. */
struct trace_vm_info *host_vms_vm(struct host_vms *vms, pid_t vmm);

/* Brings the names of the guests' machines up to date. */
void host_vms_link(struct host_vms *vms);
