/* SPDX-License-Identifier: MIT */
/* What the files of xen_summary tell each other, and nobody else. */
#pragma once
#include "lib/analysis/xen_summary.h"

/* --- xen_summary.c: rooms, made when they are first asked for; NULL: no memory --- */

struct xen_vcpu_summary *xen_summary_vcpu_slow(
	struct xen_summary *summary, const struct xen_vcpu_place *place);
struct xen_pcpu_summary *xen_summary_pcpu_slow(struct xen_summary *summary, uint32_t pcpu);

static inline struct xen_vcpu_summary *xen_summary_vcpu(
	struct xen_summary *summary, const struct xen_vcpu_place *place)
{
	if (__builtin_expect(place->number < summary->nr_vcpus, 1))
		return summary->vcpus + place->number;
	return xen_summary_vcpu_slow(summary, place);
}

static inline struct xen_pcpu_summary *xen_summary_pcpu(struct xen_summary *summary, uint32_t pcpu)
{
	if (__builtin_expect(pcpu < summary->nr_pcpus, 1))
		return summary->pcpus + pcpu;
	return xen_summary_pcpu_slow(summary, pcpu);
}

static inline struct xen_hvm_counts xen_summary_hvm_counts(struct xen_summary *summary)
{
	return (struct xen_hvm_counts){&summary->tally, &summary->budget, &summary->svm};
}

/* --- xen_summary_scheduling.c --- */

/* For xen_runstates, whose listener they are; `context`: the summary. */
void xen_summary_take_change(
	void *context, const struct xen_vcpu_place *place, enum xen_state next, uint64_t tsc);
void xen_summary_take_place(void *context, const struct xen_vcpu_place *place, uint32_t pcpu, uint64_t tsc);
void xen_summary_take_pcpu(void *context, uint32_t number, const struct xen_vcpu_place *place,
	uint64_t from_tsc, uint64_t to_tsc);

/* A vCPU leaves its pCPU for another one, or the trace ends. */
void xen_summary_stayed(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, uint64_t tsc);

/* --- xen_summary_activity.c --- */

/* An event of a class that whoever runs on the pCPU has caused. */
void xen_summary_running(struct xen_summary *summary, struct xen_pcpu_summary *pcpu,
	const struct xen_pcpu_place *where, const struct xen_event *event, uint32_t class);

/* --- xen_summary_intervals.c --- */

/* Sets next_tsc to where the interval ends that begins at begin_tsc; false: that is beyond all TSCs. */
bool xen_summary_expect_interval(struct xen_summary *summary);

/* All those that are over at `tsc`. */
void xen_summary_end_intervals(struct xen_summary *summary, uint64_t tsc);
