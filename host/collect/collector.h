/* SPDX-License-Identifier: MIT */
/*
 * The eBPF programs of host/bpf/collector.bpf.c: loaded, attached, and their rings read. What each level costs a guest:
 * `hypertrace bench exits`.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "abi/collector.h"
#include "host/collect/collector_ring.h"
#include "lib/base/error.h"

struct collector_options {
	enum collector_level level;
	bool filtered;       /* only VMMs that collector_add_vmm() names */
	uint32_t ring_bytes; /* of each pCPU, a power of two; 0: COLLECTOR_RING_BYTES, less on large hosts */
};

#define COLLECTOR_RING_BYTES (1u << 20)

struct collector;

/*
 * Loads and attaches. Errors, each with its remedy: -EPERM: no right to; -ENOENT: KVM is not loaded; -ENOTSUP: the kernel
 * has no BTF, or another one than we know; -E2BIG: too many pCPUs; what the verifier says; -ENOMEM.
 */
int collector_create(
	struct collector **collector, const struct collector_options *options, struct error *error);
void collector_destroy(struct collector *collector);

/* Names of tracepoints that this kernel does not have, with commas between: their events are missing. "": none. */
const char *collector_missing(const struct collector *collector);

/* Of a filtered one. Errors of the map. */
int collector_add_vmm(struct collector *collector, pid_t vmm, struct error *error);

/* Number of pCPUs that may ever be there; each has a ring. */
uint32_t collector_nr_cpus(const struct collector *collector);
struct collector_ring *collector_ring(struct collector *collector, uint32_t cpu);

/* Records that found the pCPU's ring full. */
uint64_t collector_lost(const struct collector *collector, uint32_t cpu);

/* Threads and, at level histogram, reasons of threads that were too many to be counted. */
uint64_t collector_lost_threads(const struct collector *collector);
uint64_t collector_lost_cells(const struct collector *collector);

/* At level histogram: the cells, *count of them in use or about to be. They change while they are read. */
struct collector_cell *collector_cells(struct collector *collector, uint32_t *count);
