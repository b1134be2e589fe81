/* SPDX-License-Identifier: MIT */
/* Durations of one sort: how they are spread, and when, where and to whom the longest happened. Starts as { 0 }. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/histogram.h"

struct durations {
	struct histogram histogram; /* ns */
	uint64_t max_at_ns;         /* when the longest ended */
	uint32_t max_cpu, max_pid;
};

static inline void durations_add(
	struct durations *durations, uint64_t ns, uint64_t now_ns, uint32_t cpu, uint32_t pid)
{
	if (ns >= durations->histogram.max) {
		durations->max_at_ns = now_ns;
		durations->max_cpu = cpu;
		durations->max_pid = pid;
	}
	histogram_add(&durations->histogram, ns);
}

static inline uint64_t durations_mean_ns(const struct durations *durations)
{
	return durations->histogram.count ? durations->histogram.sum / durations->histogram.count : 0;
}

/* now - since; false: time went backwards, or there is no `since` (0). */
static inline bool duration_between(uint64_t since_ns, uint64_t now_ns, uint64_t *ns)
{
	*ns = now_ns - since_ns;
	return since_ns && now_ns >= since_ns;
}
