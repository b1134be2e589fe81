/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_intervals.h"

#include <inttypes.h>
#include <stdlib.h>

#define IDENTITIES 4
#define VALUES     (XEN_STATES + XEN_ACTIVITIES)

/* Its columns; the times of states and exits in ns. */
struct row {
	const char *names[IDENTITIES + VALUES];
	uint64_t values[IDENTITIES + VALUES];
	size_t count;
};

static void put(struct row *row, const char *name, uint64_t value)
{
	row->names[row->count] = name;
	row->values[row->count++] = value;
}

static const char *const state_names[XEN_LOST + 1] = {
	"running_ns", "runnable_ns", "blocked_ns", "offline_ns", "lost_ns"};

static void put_counters(
	struct row *row, const struct xen_summary_view *view, const struct xen_counters *counters)
{
	for (int i = 0; i <= XEN_LOST; i++)
		put(row, state_names[i], xen_view_ns(view, counters->state_tsc[i]));
	for (int i = 0; i < XEN_ACTIVITIES; i++)
		if (i == XEN_ACT_EXIT_TSC)
			put(row, "in_exits_ns", xen_view_ns(view, counters->acts[i]));
		else
			put(row, xen_activity_names[i], counters->acts[i]);
}

static void print(const struct xen_intervals *intervals, const struct row *row, uint64_t begin_tsc)
{
	uint64_t begin_ns = xen_view_since_ns(intervals->view, begin_tsc);

	if (intervals->json) {
		fprintf(intervals->out, "{\"begin_ns\": %" PRIu64, begin_ns);
		for (size_t i = 0; i < row->count; i++)
			fprintf(intervals->out, ", \"%s\": %" PRIu64, row->names[i], row->values[i]);
		fputs("}\n", intervals->out);
		return;
	}
	fprintf(intervals->out, "%" PRIu64 ".%09" PRIu64, begin_ns / 1000000000, begin_ns % 1000000000);
	for (size_t i = 0; i < row->count; i++)
		fprintf(intervals->out, "\t%" PRIu64, row->values[i]);
	fputc('\n', intervals->out);
}

void xen_intervals_begin(const struct xen_intervals *intervals)
{
	struct row row = {0};

	if (intervals->json)
		return;
	if (intervals->per == XEN_PER_PCPU) {
		put(&row, "pcpu", 0);
		put(&row, "busy_ns", 0);
		put(&row, "idle_ns", 0);
		put(&row, "lost_ns", 0);
	} else {
		put(&row, "domain", 0);
		if (intervals->per == XEN_PER_VCPU)
			put(&row, "vcpu", 0);
		put_counters(&row, intervals->view, &(struct xen_counters){0});
	}
	fputs("begin_s", intervals->out);
	for (size_t i = 0; i < row.count; i++)
		fprintf(intervals->out, "\t%s", row.names[i]);
	fputc('\n', intervals->out);
}

/* A trace whose TSCs go back can make sums shrink. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* What a vCPU did in the interval. */
static void add(
	struct xen_counters *sum, const struct xen_vcpu_summary *vcpu, uint64_t begin_tsc, uint64_t end_tsc)
{
	for (int i = 0; i < XEN_STATES; i++)
		sum->state_tsc[i] += since(xen_summary_state_tsc(vcpu, (enum xen_state)i, begin_tsc, end_tsc),
			vcpu->before.state_tsc[i]);
	for (int i = 0; i < XEN_ACTIVITIES; i++)
		sum->acts[i] += since(vcpu->all.acts[i], vcpu->before.acts[i]);
}

static void print_vcpus(const struct xen_intervals *intervals, const struct xen_summary *summary,
	uint64_t begin_tsc, uint64_t end_tsc)
{
	uint32_t *order = xen_summary_sorted(summary);
	struct xen_counters sum = {0};

	for (uint32_t i = 0; order && i < summary->nr_vcpus; i++) {
		const struct xen_vcpu_summary *vcpu = summary->vcpus + order[i];
		struct row row = {0};

		add(&sum, vcpu, begin_tsc, end_tsc);
		if (intervals->per == XEN_PER_DOMAIN && i + 1 < summary->nr_vcpus &&
			summary->vcpus[order[i + 1]].place->dom == vcpu->place->dom)
			continue;
		put(&row, "domain", vcpu->place->dom);
		if (intervals->per == XEN_PER_VCPU)
			put(&row, "vcpu", vcpu->place->vcpu);
		put_counters(&row, intervals->view, &sum);
		print(intervals, &row, begin_tsc);
		sum = (struct xen_counters){0};
	}
	free(order);
}

static void print_pcpus(const struct xen_intervals *intervals, const struct xen_summary *summary,
	uint64_t begin_tsc, uint64_t end_tsc)
{
	static const char *const names[XEN_PCPU_STATES] = {"busy_ns", "idle_ns", "lost_ns"};

	for (uint32_t i = 0; i < summary->nr_pcpus; i++) {
		struct row row = {0};

		if (i >= summary->states.nr_pcpus || !summary->states.pcpus[i].seen)
			continue;
		put(&row, "pcpu", i);
		for (int state = 0; state < XEN_PCPU_STATES; state++)
			put(&row, names[state],
				xen_view_ns(intervals->view,
					since(xen_summary_pcpu_tsc(
						      summary, i, (enum xen_pcpu_state)state, end_tsc),
						summary->pcpus[i].before_tsc[state])));
		print(intervals, &row, begin_tsc);
	}
}

void xen_intervals_row(void *context, struct xen_summary *summary, uint64_t begin_tsc, uint64_t end_tsc)
{
	const struct xen_intervals *intervals = context;

	if (intervals->per == XEN_PER_PCPU)
		print_pcpus(intervals, summary, begin_tsc, end_tsc);
	else
		print_vcpus(intervals, summary, begin_tsc, end_tsc);
}
