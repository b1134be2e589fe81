/* SPDX-License-Identifier: MIT */
/* The machine `host` of a trace: what the collector sees, a stream per pCPU. docs/design/host.md. */
#pragma once
#include "host/collect/collector.h"
#include "host/collect/host_vms.h"
#include "host/collect/recorder_member.h"

#define HOST_MACHINE_NAME "host"

struct host_machine;

struct host_machine_options {
	enum collector_level level;
	const pid_t *vmms; /* of interest; none: all */
	size_t nr_vmms;
	bool starts; /* of interest are only these, and those that host_machine_add_vmm() names */
	host_vms_machine_fn *machine_of; /* asked while it is recorded */
	void *context;
};

/* Loads the collector and begins the machine. Errors of collector_create() and machine_output_init(). */
int host_machine_create(struct host_machine **host, struct recorder_common *common,
	const struct host_machine_options *options, struct error *error);

/* One more VMM of interest. Errors of collector_add_vmm(). */
int host_machine_add_vmm(struct host_machine *host, pid_t vmm, struct error *error);

/* As a member of its recorder, which ends it. */
struct recorder_member *host_machine_member(struct host_machine *host);

/* "histogram", "aggregated", "full". */
const char *host_level_name(enum collector_level level);
