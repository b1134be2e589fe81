/* SPDX-License-Identifier: MIT */
/* What happened in a Xen trace, as JSON: times in ns, `until_ns` since the first event. */
#include <errno.h>
#include <stdlib.h>

#include "tools/hypertrace/joint_json.h"
#include "tools/hypertrace/json_put.h"
#include "tools/hypertrace/xen_summary_view.h"

static json_t *times_json(const struct xen_summary_view *view, const struct xen_times *times)
{
	json_t *object = json_object();

	json_set_count(object, "count", times->count);
	if (!times->count)
		return object;
	json_set_count(object, "total_tsc", times->sum_tsc);
	json_set_count(object, "total_ns", xen_view_ns(view, times->sum_tsc));
	json_set_count(object, "mean_ns", xen_view_ns(view, xen_times_mean_tsc(times)));
	json_set_count(object, "min_ns", xen_view_ns(view, times->min_tsc));
	if (times->spread || times->count == 1) {
		json_set_count(object, "p5_ns", xen_view_ns(view, xen_times_percentile_tsc(times, 5)));
		json_set_count(object, "p50_ns", xen_view_ns(view, xen_times_percentile_tsc(times, 50)));
		json_set_count(object, "p95_ns", xen_view_ns(view, xen_times_percentile_tsc(times, 95)));
		json_set_count(object, "p99_ns", xen_view_ns(view, xen_times_percentile_tsc(times, 99)));
	}
	json_set_count(object, "max_ns", xen_view_ns(view, times->max_tsc));
	return object;
}

static void set_times(
	const struct xen_summary_view *view, json_t *object, const char *key, const struct xen_times *times)
{
	if (times->count)
		json_object_set_new(object, key, times_json(view, times));
}

static void set_vcpu(const struct xen_summary_view *view, json_t *row, uint32_t number)
{
	const struct xen_vcpu_place *place;

	if (number >= view->summary.states.nr_vcpus)
		return;
	place = view->summary.states.vcpus[number];
	json_set_count(row, "domain", place->dom);
	json_set_count(row, "vcpu", place->vcpu);
}

/* --- vCPUs --- */

static json_t *tally_json(const struct xen_summary_view *view, uint32_t vcpu, enum xen_tally_kind kind)
{
	size_t count;
	const struct xen_tally_row **rows = xen_tally_rows(&view->summary.tally, vcpu, kind, &count);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < xen_view_rows(view, count); i++) {
		json_t *row = times_json(view, &rows[i]->times);

		json_set_text(row, "name", xen_view_tally(view, rows[i]).text);
		json_set_count(row, "number", xen_tally_number(rows[i]));
		json_set_count(row, "count", rows[i]->count);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static void set_tally(const struct xen_summary_view *view, json_t *object, uint32_t vcpu)
{
	for (int kind = 0; kind < XEN_TALLY_KINDS; kind++) {
		json_t *array = tally_json(view, vcpu, (enum xen_tally_kind)kind);

		if (json_array_size(array))
			json_object_set_new(object, xen_view_kinds[kind], array);
		else
			json_decref(array);
	}
}

static json_t *pv_json(const struct xen_pv *pv)
{
	json_t *object = json_object(), *calls = json_array(), *traps = json_array(), *events = json_object();

	for (uint32_t i = 0; i < XEN_PV_HYPERCALLS; i++) {
		json_t *row;

		if (!pv->hypercalls[i] && !pv->subcalls[i])
			continue;
		row = json_object();
		json_set_text(row, "name", xen_view_hypercall(i).text);
		json_set_count(row, "number", i);
		json_set_count(row, "count", pv->hypercalls[i]);
		json_set_count(row, "in_multicalls", pv->subcalls[i]);
		json_array_append_new(calls, row);
	}
	for (uint32_t i = 0; i < XEN_PV_TRAPS; i++) {
		json_t *row;

		if (!pv->traps[i])
			continue;
		row = json_object();
		json_set_text(row, "name", xen_view_trap(i).text);
		json_set_count(row, "number", i);
		json_set_count(row, "count", pv->traps[i]);
		json_array_append_new(traps, row);
	}
	for (int i = 0; i < XEN_PV_EVENTS; i++)
		if (pv->events[i] && i != XEN_PV_HYPERCALL && i != XEN_PV_HYPERCALL_V2)
			json_set_count(events, xen_pv_event_names[i], pv->events[i]);
	json_set_count(events, "hypercall", xen_pv_hypercalls(pv));
	json_set_count(events, "malformed", pv->malformed);
	json_object_set_new(object, "events", events);
	json_object_set_new(object, "hypercalls", calls);
	json_object_set_new(object, "traps", traps);
	return object;
}

static json_t *stays_json(const struct xen_summary_view *view, uint32_t vcpu)
{
	const struct capped_table *pairs = &view->summary.pairs;
	json_t *array = json_array();

	for (uint32_t pcpu = 0; pcpu < view->summary.nr_pcpus; pcpu++) {
		uint64_t *slot = hash_map_get(&pairs->index, (uint64_t)vcpu << 32 | pcpu);
		const struct xen_pair *pair;
		json_t *row;

		if (!slot || !*slot)
			continue;
		pair = (const struct xen_pair *)(uintptr_t)*slot;
		row = json_object();
		json_set_count(row, "pcpu", pcpu);
		json_set_count(row, "runs", pair->runs);
		json_set_count(row, "ran_ns", xen_view_ns(view, pair->ran_tsc));
		set_times(view, row, "stays", &pair->stays);
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *vcpu_json(const struct xen_summary_view *view, uint32_t number)
{
	const struct xen_vcpu_summary *vcpu = view->summary.vcpus + number;
	json_t *row = json_object(), *states = json_object(), *waits = json_object();

	set_vcpu(view, row, number);
	for (int i = 0; i < XEN_STATES; i++)
		set_times(view, states, xen_view_states[i], &vcpu->states[i]);
	json_object_set_new(row, "runstates", states);
	for (int i = 0; i < XEN_RUNNABLES; i++)
		set_times(view, waits, xen_view_waits[i], &vcpu->waits[i]);
	json_object_set_new(row, "waits", waits);
	for (int i = 0; i < XEN_ACTIVITIES; i++)
		if (i == XEN_ACT_EXIT_TSC)
			json_set_count(row, "in_exits_ns", xen_view_ns(view, vcpu->all.acts[i]));
		else
			json_set_count(row, xen_activity_names[i], vcpu->all.acts[i]);
	set_times(view, row, "stays", &vcpu->stays);
	json_object_set_new(row, "pcpus", stays_json(view, number));
	if (vcpu->pv)
		json_object_set_new(row, "pv", pv_json(vcpu->pv));
	if (vcpu->hvm) {
		json_t *hvm = json_object();

		set_tally(view, hvm, number);
		json_set_count(hvm, "malformed", vcpu->hvm->malformed);
		json_object_set_new(row, "hvm", hvm);
	}
	return row;
}

/* --- domains --- */

static json_t *orders_json(const uint64_t counts[XEN_ORDERS])
{
	json_t *object = json_object();

	for (int i = 0; i < XEN_ORDERS; i++)
		if (counts[i])
			json_set_count(object, xen_view_orders[i], counts[i]);
	return object;
}

static json_t *memory_json(const struct xen_memory_counts *memory)
{
	json_t *object = json_object(), *by = json_object(), *of = json_object(), *reclaimed = json_object();

	for (int op = 0; op < XEN_MEMORY_OPS; op++) {
		if (memory->by[op])
			json_set_count(by, xen_memory_op_names[op], memory->by[op]);
		if (memory->of[op])
			json_set_count(of, xen_memory_op_names[op], memory->of[op]);
	}
	for (int why = 0; why < XEN_RECLAIMS; why++)
		json_object_set_new(reclaimed, xen_view_reclaims[why], orders_json(memory->reclaimed[why]));
	json_object_set_new(object, "by", by);
	json_object_set_new(object, "of", of);
	json_object_set_new(object, "pod_populated", orders_json(memory->populated));
	json_object_set_new(object, "pod_splintered", orders_json(memory->splintered));
	json_object_set_new(object, "pod_reclaimed", reclaimed);
	return object;
}

static json_t *domains_json(const struct xen_summary_view *view)
{
	const struct xen_domain **domains = xen_domains_sorted(&view->summary.domains);
	json_t *array = json_array();

	for (uint32_t i = 0; domains && i < view->summary.domains.count; i++) {
		const struct xen_domain *domain = domains[i];
		json_t *row = json_object(), *states = json_object();

		json_set_count(row, "domain", domain->id);
		for (int j = 0; j < XEN_DOMAIN_STATES; j++)
			set_times(view, states, xen_domain_state_names[j], &domain->states[j]);
		json_object_set_new(row, "states", states);
		if (domain->memory)
			json_object_set_new(row, "memory", memory_json(domain->memory));
		json_array_append_new(array, row);
	}
	free(domains);
	return array;
}

/* --- pCPUs --- */

static json_t *classes_json(const uint64_t counts[XEN_CLASSES])
{
	static const char *const names[XEN_CLASSES] = {"gen", "sched", "dom0op", "hvm", "mem", "pv", "shadow",
		"hw", "class8", "class9", "class10", "guest"};
	json_t *object = json_object();

	for (int i = 0; i < XEN_CLASSES; i++)
		if (counts[i])
			json_set_count(object, names[i], counts[i]);
	return object;
}

static json_t *pcpus_json(const struct xen_summary_view *view)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < view->summary.nr_pcpus; i++) {
		const struct xen_pcpu_summary *pcpu = view->summary.pcpus + i;
		json_t *row;

		if (i >= view->summary.states.nr_pcpus || !view->summary.states.pcpus[i].seen)
			continue;
		row = json_object();
		json_set_count(row, "pcpu", i);
		set_times(view, row, "busy", &pcpu->states[XEN_PCPU_BUSY]);
		set_times(view, row, "idle", &pcpu->states[XEN_PCPU_IDLE]);
		set_times(view, row, "lost", &pcpu->states[XEN_PCPU_LOST]);
		json_set_count(row, "irqs", pcpu->irqs);
		json_set_count(row, "irq_ns", xen_view_ns(view, pcpu->irq_tsc));
		json_set_count(row, "cstate_entries", pcpu->cstate_entries);
		json_set_count(row, "cstate_ns", xen_view_ns(view, pcpu->cstate_tsc));
		json_object_set_new(row, "events", classes_json(pcpu->events));
		json_object_set_new(row, "bytes", classes_json(pcpu->bytes));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *longest_json(const struct xen_summary_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < xen_view_rows(view, view->summary.nr_longest); i++) {
		const struct xen_wait *wait = &view->summary.longest[i];
		json_t *row = json_object(), *behind = json_object();

		set_vcpu(view, row, wait->vcpu);
		json_set_count(row, "duration_ns", xen_view_ns(view, wait->ticks));
		json_set_count(row, "until_ns", xen_view_since_ns(view, wait->end_tsc));
		json_set_count(row, "pcpu", wait->pcpu);
		json_set_text(row, "kind", xen_view_waits[wait->why]);
		set_vcpu(view, behind, wait->after);
		json_object_set_new(row, "behind", behind);
		json_array_append_new(array, row);
	}
	return array;
}

int xen_summary_json(const struct xen_summary_view *view, FILE *out)
{
	static const char *const sources[] = {
		[XEN_HZ_GIVEN] = "given",
		[XEN_HZ_ESTIMATED] = "trace",
		[XEN_HZ_ASSUMED] = "assumed",
	};
	const struct xen_counts *counts = xen_reader_counts(view->input.reader);
	const struct xen_summary *summary = &view->summary;
	json_t *root = json_object(), *lost = json_object(), *damage = json_object(), *vcpus = json_array(),
	       *host = json_object();

	json_set_text(root, "file", view->input.name);
	json_object_set_new(root, "tsc_hz", json_real(view->input.clock.hz));
	json_set_text(root, "tsc_hz_from", sources[view->input.hz_source]);
	json_set_count(root, "duration_ns", xen_view_since_ns(view, summary->last_tsc));
	json_set_count(root, "events", summary->events);
	json_set_count(lost, "gaps", summary->states.gaps);
	json_set_count(lost, "events", summary->states.lost_records);
	json_object_set_new(root, "lost", lost);
	json_set_count(damage, "bytes", xen_counts_skipped(counts));
	json_set_count(damage, "places", counts->damages);
	json_set_count(damage, "cut_bytes", counts->cut_bytes);
	json_set_count(damage, "contradictions", summary->states.contradictions);
	json_set_count(damage, "unplaced", summary->unplaced);
	json_set_count(damage, "refused", summary->states.refused);
	json_object_set_new(root, "damage", damage);
	json_object_set_new(root, "pcpus", pcpus_json(view));
	json_object_set_new(root, "domains", domains_json(view));
	for (uint32_t i = 0; view->order && i < summary->nr_vcpus; i++)
		json_array_append_new(vcpus, vcpu_json(view, view->order[i]));
	json_object_set_new(root, "vcpus", vcpus);
	json_object_set_new(root, "longest_waits", longest_json(view));
	set_tally(view, host, XEN_TALLY_ANY);
	json_object_set_new(root, "host", host);
	if (summary->rips) {
		json_object_set_new(root, "rips", xen_summary_json_rips(view));
		json_set_count(root, "rips_left_out", summary->rips->left_out);
	}
	return json_write(root, 0, out);
}
