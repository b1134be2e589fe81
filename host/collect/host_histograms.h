/* SPDX-License-Identifier: MIT */
/* Level histogram: what the collector's cells gained becomes exit_histogram events. */
#pragma once
#include "host/collect/collector.h"
#include "host/collect/host_stream.h"
#include "host/collect/host_vms.h"

struct host_histograms;

/* NULL: no memory. */
struct host_histograms *host_histograms_create(void);
void host_histograms_destroy(struct host_histograms *histograms);

/* An event for every cell that gained something since the last time. */
void host_histograms_write(struct host_histograms *histograms, struct collector *collector,
	const struct host_vms *vms, struct host_stream *stream, uint64_t now_ns);

/* Of the cells of one thread only, by its index: it ends, or its index goes to another vCPU. */
void host_histograms_write_thread(struct host_histograms *histograms, struct collector *collector,
	const struct host_vms *vms, uint32_t thread, struct host_stream *stream, uint64_t now_ns);
