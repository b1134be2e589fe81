/* SPDX-License-Identifier: MIT */
/* What every benchmark gets, and the benchmarks: one file each. README.md says how each figure comes about. */
#pragma once
#include <stddef.h>
#include "bench/figures.h"
#include "lib/base/error.h"

struct bench {
	struct figures figures;
	const char *const *kernels; /* series or releases of guests */
	size_t nr_kernels;
	uint64_t events; /* how many the benchmarks of the host's side use */
	void (*progress)(const char *text);
};

/* Each adds its figures. Negative errno: it cannot go on; what it merely cannot compare with is a skipped figure. */
int bench_guest(struct bench *bench, struct error *error);
int bench_ring(struct bench *bench, struct error *error);
int bench_record(struct bench *bench, struct error *error);
int bench_read(struct bench *bench, struct error *error);
int bench_size(struct bench *bench, struct error *error);
int bench_follow(struct bench *bench, struct error *error);
int bench_exits(struct bench *bench, struct error *error);
int bench_functions(struct bench *bench, struct error *error);
int bench_graph(struct bench *bench, struct error *error);
int bench_hypercall(struct bench *bench, struct error *error);
int bench_xen(struct bench *bench, struct error *error);
