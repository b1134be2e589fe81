/* SPDX-License-Identifier: MIT */
/*
 * A file of xentrace as a trace of ours: docs/design/xen.md, "convert". Two passes over the file, memory by the number of pCPUs
 * and vCPUs.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/reader/xen_reader.h"

/* A trace that was recorded inside a domain. */
struct xen_convert_guest {
	const char *path;
	uint32_t domain;
	int64_t offset; /* the domain's TSC is Xen's plus this, mod 2^64 */
};

struct xen_convert_options {
	const char *path, *output, *program_version;
	uint64_t hz; /* of the TSC; 0: as the trace says */
	const struct xen_convert_guest *guests;
	size_t nr_guests;
	void (*notice)(void *context, const char *text); /* what is no error, but worth saying; or NULL */
	void *context;
};

struct xen_convert_result {
	uint64_t events, hz;
	bool hz_estimated, hz_guessed;
	uint32_t nr_pcpus, nr_domains, nr_vcpus, nr_machines;
	uint64_t duration_ns;
	uint64_t left_out;        /* events of vCPUs or pCPUs beyond all limits */
	struct xen_counts counts; /* what was skipped */
};

/*
 * Errors of xen_reader_open(), trace_dir_init() and trace_open(), and what is wrong with a guest's trace: -EINVAL, -ENOTSUP (not
 * stamped with the TSC). The result holds after success only.
 */
int xen_convert(
	const struct xen_convert_options *options, struct xen_convert_result *result, struct error *error);
