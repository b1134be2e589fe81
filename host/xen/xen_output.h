/* SPDX-License-Identifier: MIT */
/* The trace that a conversion makes: machine `xen` with a stream per pCPU, a machine per domain with one per vCPU. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/host_stream.h"
#include "host/collect/machine_output.h"
#include "host/xen/xen_layouts.h"
#include "host/xen/xen_survey.h"
#include "host/xen/xen_vcpus.h"

#define XEN_MACHINE        "xen"
#define XEN_MACHINE_GUESTS 62   /* domains with a machine of their own; of the others only xen tells */
#define XEN_STREAMS_MAX    1024 /* of domains' vCPUs, likewise */

struct xen_machine {
	struct machine_output output;
	struct host_stream *streams;
	uint32_t nr_streams;
	uint32_t domain;
	bool exists;
};

struct xen_output {
	struct recorder_common common;
	const struct xen_survey *survey;
	struct event_schema *host_schema, *guest_schema;
	struct xen_machine host;
	struct xen_machine *guests; /* by index of survey->domains */
	uint32_t nr_guests, nr_guest_streams;
	uint64_t unplaced; /* events of domains' vCPUs without a stream: they are in xen's */
};

struct xen_output_options {
	const char *path, *program_version;
	/* `has_guest(context, domain)`: the machine domN is somebody else's; Xen's is called domN.xen */
	bool (*has_guest)(const void *context, uint32_t domain);
	const void *context;
	void (*notice)(void *context, const char *text);
	void *notice_context;
};

/* Host time, in ns since the TSC was 0. */
int64_t xen_output_ns(const struct xen_survey *survey, uint64_t tsc);

/* Creates the trace with its machines. Errors of trace_dir_init(); -ENOMEM. Good for xen_output_deinit() all the same. */
int xen_output_init(struct xen_output *output, const struct xen_survey *survey,
	const struct xen_layouts *layouts, const struct xen_output_options *options, struct error *error);
void xen_output_deinit(struct xen_output *output);

/* Unix time is host time and this. Of the whole trace; 0: not known, times count from the TSC's 0. */
void xen_output_set_unix_time(struct xen_output *output, int64_t realtime_offset_ns);

/* A vCPU that is new: its thread's number, its names. */
int xen_output_vcpu(struct xen_output *output, const struct xen_vcpu *vcpu);

/* An event of a pCPU. */
void xen_output_host(struct xen_output *output, uint32_t pcpu, uint64_t tsc, uint32_t pid, uint32_t id,
	const void *payload, uint32_t bytes);

/* Who runs on a pCPU as far as its events have said. */
uint32_t xen_output_pid(const struct xen_output *output, uint32_t pcpu);

/* An event of a vCPU, false: it has no stream. */
bool xen_output_guest(struct xen_output *output, const struct xen_vcpu *vcpu, uint64_t tsc, uint32_t id,
	const void *payload, uint32_t bytes);

/* Events of the pCPU were lost. */
void xen_output_lost(struct xen_output *output, uint32_t pcpu, uint32_t count);

/* Writes what is buffered, counts and descriptions. The first error that left the trace incomplete, or 0. */
int xen_output_finish(struct xen_output *output, struct error *error);
