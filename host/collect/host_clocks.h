/* SPDX-License-Identifier: MIT */
/* The TSCs of the VMs' vCPUs, watched while they are recorded: epochs for the VMs, points for the guests' clocks. */
#pragma once
#include <stdint.h>
#include "host/collect/host_vms.h"

struct host_clocks;

/* NULL: no memory. Both must outlive it. */
struct host_clocks *host_clocks_create(struct host_vms *vms, struct recorder_common *common);
void host_clocks_destroy(struct host_clocks *clocks);

/* About every second: reads KVM's numbers of every VM, and both clocks of this host. */
void host_clocks_poll(struct host_clocks *clocks);

/* A record of COLLECTOR_TSC_OFFSET: from that moment on. */
void host_clocks_write(struct host_clocks *clocks, const struct collector_record *record);
