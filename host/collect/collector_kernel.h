/* SPDX-License-Identifier: MIT */
/* Which of the collector's programs the running kernel can have: KVM's and the scheduler's tracepoints, AMD or any CPU. */
#pragma once
#include <stdbool.h>
#include "abi/collector.h"
#include "lib/base/error.h"

struct collector_bpf;

struct collector_kernel {
	char missing[256]; /* tracepoints that are not there, with commas between */
};

/*
 * Could the collector run here at all? -ENOTSUP: no BTF; -ENOENT: KVM is not loaded; -EPERM: no right to. Nothing is loaded;
 * doctor asks it, too.
 */
int collector_kernel_check(struct error *error);

/* Before loading: takes out the programs that level and kernel do not need or have. -ENOENT: one that must be. */
int collector_kernel_choose(struct collector_kernel *kernel, struct collector_bpf *bpf,
	enum collector_level level, struct error *error);

/* Attaches those that were chosen, the scheduler's first, so that no vCPU's thread is known and its switch is not. */
int collector_kernel_attach(struct collector_kernel *kernel, struct collector_bpf *bpf, struct error *error);
