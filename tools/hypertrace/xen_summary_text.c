/* SPDX-License-Identifier: MIT */
/* What happened in a Xen trace, for people: time and scheduling. What vCPUs did: xen_summary_work.c. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/xen_summary_text.h"

static void title(const struct text *text, const char *name, const char *beside)
{
	text_put_title(text->out, text->colour, name, beside ? "%s" : NULL, beside);
}

static void times_cells(struct table *table, const struct text *text, const struct xen_times *times)
{
	const struct xen_summary_view *view = text->view;

	table_count(table, times->count);
	table_ns(table, xen_view_ns(view, times->sum_tsc));
	table_ns(table, xen_view_ns(view, xen_times_mean_tsc(times)));
	table_ns(table, xen_view_ns(view, xen_times_percentile_tsc(times, 5)));
	table_ns(table, xen_view_ns(view, xen_times_percentile_tsc(times, 50)));
	table_ns(table, xen_view_ns(view, xen_times_percentile_tsc(times, 95)));
	table_ns(table, xen_view_ns(view, times->max_tsc));
}
#define TIMES_HEADERS "count", "total", "mean", "p5", "p50", "p95", "max"

/* --- the head --- */

static void show_head(const struct text *text)
{
	const struct xen_summary_view *view = text->view;
	const struct xen_summary *summary = &view->summary;
	uint32_t pcpus = 0;
	char clock[128];

	for (uint32_t i = 0; i < summary->states.nr_pcpus; i++)
		pcpus += summary->states.pcpus[i].seen;
	xen_input_describe_clock(&view->input, clock, sizeof(clock));
	fprintf(text->out, "%s%s%s: %s, %s events of %u pCPU%s; TSC at %s\n", text->colour ? "\033[1m" : "",
		view->input.name, text->colour ? "\033[0m" : "",
		human_ns(xen_view_since_ns(view, summary->last_tsc)).text, human_count(summary->events).text,
		pcpus, pcpus == 1 ? "" : "s", clock);
	if (summary->states.gaps)
		fprintf(text->out,
			"  lost by Xen: %s events in %s gaps: states in and after them are not known\n",
			human_count(summary->states.lost_records).text,
			human_count(summary->states.gaps).text);
	if (summary->states.contradictions)
		fprintf(text->out, "  %s runstate changes contradict those before: events are missing\n",
			human_count(summary->states.contradictions).text);
	if (summary->unplaced)
		fprintf(text->out, "  %s events of vCPUs that are not known\n",
			human_count(summary->unplaced).text);
	if (summary->states.refused)
		fprintf(text->out,
			"  %s malformed scheduling events, or beyond the limits of vCPUs and pCPUs\n",
			human_count(summary->states.refused).text);
	if (summary->budget.refused)
		fprintf(text->out, "  so many vCPUs and reasons that %s of them have no percentiles\n",
			human_count(summary->budget.refused).text);
}

/* --- domains and vCPUs --- */

static void show_domains(const struct text *text)
{
	static const char *const headers[] = {"<domain", "<its vCPUs", "", TIMES_HEADERS, NULL};
	static const char *const words[XEN_DOMAIN_STATES] = {
		[XEN_DOMAIN_BLOCKED] = "blocked",
		[XEN_DOMAIN_PARTIAL_RUN] = "some run, none waits",
		[XEN_DOMAIN_FULL_RUN] = "all run",
		[XEN_DOMAIN_PARTIAL_CONTENTION] = "some wait, none runs",
		[XEN_DOMAIN_CONCURRENCY_HAZARD] = "some run, some wait",
		[XEN_DOMAIN_FULL_CONTENTION] = "all wait",
		[XEN_DOMAIN_LOST] = "not known",
	};
	const struct xen_domain **domains = xen_domains_sorted(&text->view->summary.domains);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t j = 0; domains && j < text->view->summary.domains.count; j++) {
		const struct xen_domain *domain = domains[j];
		uint64_t all = 0;

		if (domain->id == XEN_DOMAIN_IDLE)
			continue;
		for (int i = 0; i < XEN_DOMAIN_STATES; i++)
			all += domain->states[i].sum_tsc;
		for (int i = 0; i < XEN_DOMAIN_STATES; i++) {
			if (!domain->states[i].count)
				continue;
			table_cell(&table, "%u", domain->id);
			table_cell(&table, "%s", words[i]);
			table_cell(&table, "%s", human_share(domain->states[i].sum_tsc, all).text);
			times_cells(&table, text, &domain->states[i]);
		}
	}
	free(domains);
	if (!table.nr_cells)
		return;
	title(text, "Domains", "what their vCPUs were in together");
	table_print(&table, text->out, text->colour);
}

static void show_vcpus(const struct text *text)
{
	static const char *const headers[] = {"<vCPU", "running", "runnable", "blocked", "offline", "lost",
		"runs", "migrations", "hypercalls", "page faults", "exits", "in exits", "interrupts", NULL};
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < nr_vcpus(text); i++) {
		const struct xen_vcpu_summary *vcpu = vcpu_at(text, i);
		const uint64_t *acts = vcpu->all.acts;
		uint64_t all = 0;

		for (int state = 0; state < XEN_STATES; state++)
			all += vcpu->states[state].sum_tsc;
		table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
		for (int state = 0; state <= XEN_LOST; state++)
			table_cell(&table, "%s",
				vcpu->states[state].sum_tsc
					? human_share(vcpu->states[state].sum_tsc, all).text
					: "-");
		table_count(&table, acts[XEN_ACT_RUNS]);
		table_count(&table, acts[XEN_ACT_MIGRATIONS]);
		table_count(&table, acts[XEN_ACT_HYPERCALLS]);
		table_count(&table, acts[XEN_ACT_FAULTS]);
		table_count(&table, acts[XEN_ACT_EXITS]);
		table_ns(&table, xen_view_ns(text->view, acts[XEN_ACT_EXIT_TSC]));
		table_count(&table, acts[XEN_ACT_INTERRUPTS]);
	}
	title(text, "vCPUs", "shares of the time that their states are known for");
	table_print(&table, text->out, text->colour);
}

static void show_states(const struct text *text)
{
	static const char *const headers[] = {"<vCPU", "<", TIMES_HEADERS, NULL};
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < nr_vcpus(text); i++) {
		const struct xen_vcpu_summary *vcpu = vcpu_at(text, i);

		for (int state = 0; state < XEN_STATES; state++) {
			if (!vcpu->states[state].count)
				continue;
			table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
			table_cell(&table, "%s", xen_view_states[state]);
			times_cells(&table, text, &vcpu->states[state]);
		}
	}
	title(text, "Runstates", "running counts slices: a decision to let the vCPU go on ends one, too");
	table_print(&table, text->out, text->colour);
}

static void show_waits(const struct text *text)
{
	static const char *const headers[] = {"<vCPU", "<", TIMES_HEADERS, NULL};
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < nr_vcpus(text); i++) {
		const struct xen_vcpu_summary *vcpu = vcpu_at(text, i);

		for (int why = 0; why < XEN_RUNNABLES && vcpu->place->dom != XEN_DOMAIN_IDLE; why++) {
			if (!vcpu->waits[why].count)
				continue;
			table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
			table_cell(&table, "%s", xen_view_waits[why]);
			times_cells(&table, text, &vcpu->waits[why]);
		}
	}
	if (!table.nr_cells)
		return;
	title(text, "Waits for a pCPU", "after waking, and after being preempted");
	table_print(&table, text->out, text->colour);
}

static void show_longest(const struct text *text)
{
	static const char *const headers[] = {"duration", "until", "<vCPU", "pCPU", "<", "<behind", NULL};
	const struct xen_summary *summary = &text->view->summary;
	cleanup_table struct table table = {0};

	if (!summary->nr_longest)
		return;
	table_init(&table, headers);
	for (size_t i = 0; i < xen_view_rows(text->view, summary->nr_longest); i++) {
		const struct xen_wait *wait = &summary->longest[i];

		table_ns(&table, xen_view_ns(text->view, wait->ticks));
		table_cell(&table, "%.6f", (double)xen_view_since_ns(text->view, wait->end_tsc) / 1e9);
		table_cell(&table, "%s", xen_view_vcpu(text->view, wait->vcpu).text);
		table_cell(&table, "%u", wait->pcpu);
		table_cell(&table, "%s", xen_view_waits[wait->why]);
		table_cell(&table, "%s", xen_view_vcpu(text->view, wait->after).text);
	}
	title(text, "Longest waits", "behind whom: who left that pCPU then");
	table_print(&table, text->out, text->colour);
}

/* --- pCPUs --- */

static void show_pcpus(const struct text *text)
{
	static const char *const headers[] = {"pCPU", "busy", "idle", "lost", "busy for", "runs", "mean run",
		"C-states", "in them", "IRQs", "events", "bytes", NULL};
	const struct xen_summary *summary = &text->view->summary;
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < summary->nr_pcpus; i++) {
		const struct xen_pcpu_summary *pcpu = summary->pcpus + i;
		uint64_t all = pcpu->states[XEN_PCPU_BUSY].sum_tsc + pcpu->states[XEN_PCPU_IDLE].sum_tsc +
			pcpu->states[XEN_PCPU_LOST].sum_tsc,
			 events = 0, bytes = 0;

		for (int class = 0; class < XEN_CLASSES; class ++) {
			events += pcpu->events[class];
			bytes += pcpu->bytes[class];
		}
		if (!events)
			continue;
		table_cell(&table, "%u", i);
		table_cell(&table, "%s", human_share(pcpu->states[XEN_PCPU_BUSY].sum_tsc, all).text);
		table_cell(&table, "%s", human_share(pcpu->states[XEN_PCPU_IDLE].sum_tsc, all).text);
		table_cell(&table, "%s", human_share(pcpu->states[XEN_PCPU_LOST].sum_tsc, all).text);
		table_ns(&table, xen_view_ns(text->view, pcpu->states[XEN_PCPU_BUSY].sum_tsc));
		table_count(&table, pcpu->states[XEN_PCPU_BUSY].count);
		table_ns(&table, xen_view_ns(text->view, xen_times_mean_tsc(&pcpu->states[XEN_PCPU_BUSY])));
		table_count(&table, pcpu->cstate_entries);
		table_ns(&table, xen_view_ns(text->view, pcpu->cstate_tsc));
		table_count(&table, pcpu->irqs);
		table_count(&table, events);
		table_cell(&table, "%s", human_bytes(bytes).text);
	}
	title(text, "pCPUs", NULL);
	table_print(&table, text->out, text->colour);
}

static int by_pcpu(const void *a, const void *b)
{
	const struct xen_pair *left = *(const void *const *)a, *right = *(const void *const *)b;
	uint32_t left_pcpu = (uint32_t)left->key, right_pcpu = (uint32_t)right->key;

	if (left_pcpu != right_pcpu)
		return left_pcpu < right_pcpu ? -1 : 1;
	if (left->ran_tsc != right->ran_tsc)
		return left->ran_tsc > right->ran_tsc ? -1 : 1;
	return left->key < right->key ? -1 : left->key > right->key;
}

static void show_pairs(const struct text *text)
{
	static const char *const headers[] = {
		"pCPU", "<vCPU", "ran", "", "runs", "stays", "mean stay", "p50 stay", NULL};
	const struct xen_summary *summary = &text->view->summary;
	const struct xen_pair **pairs =
		(const struct xen_pair **)capped_table_sorted(&summary->pairs, by_pcpu);
	cleanup_table struct table table = {0};
	uint64_t all_tsc = 0;
	size_t rows = 0;

	table_init(&table, headers);
	for (size_t i = 0; pairs && i < summary->pairs.count; i++) {
		const struct xen_pair *pair = pairs[i];
		uint32_t pcpu = (uint32_t)pair->key;

		if (!i || (uint32_t)pairs[i - 1]->key != pcpu) {
			rows = 0;
			all_tsc = pcpu < summary->nr_pcpus
				? summary->pcpus[pcpu].states[XEN_PCPU_BUSY].sum_tsc +
					summary->pcpus[pcpu].states[XEN_PCPU_IDLE].sum_tsc
				: 0;
		}
		if (text->view->top && rows++ >= text->view->top)
			continue;
		table_cell(&table, "%u", pcpu);
		table_cell(&table, "%s", xen_view_vcpu(text->view, (uint32_t)(pair->key >> 32)).text);
		table_ns(&table, xen_view_ns(text->view, pair->ran_tsc));
		table_cell(&table, "%s", human_share(pair->ran_tsc, all_tsc).text);
		table_count(&table, pair->runs);
		table_count(&table, pair->stays.count);
		table_ns(&table, xen_view_ns(text->view, xen_times_mean_tsc(&pair->stays)));
		table_ns(&table, xen_view_ns(text->view, xen_times_percentile_tsc(&pair->stays, 50)));
	}
	free(pairs);
	if (!table.nr_cells)
		return;
	title(text, "Who ran where", "a stay lasts until the vCPU runs on another pCPU");
	table_print(&table, text->out, text->colour);
}

void xen_summary_text(const struct xen_summary_view *view, FILE *out, bool colour)
{
	const struct text text = {view, out, colour};

	show_head(&text);
	show_pcpus(&text);
	if (view->summary.nr_vcpus) {
		show_domains(&text);
		show_vcpus(&text);
		show_states(&text);
		show_waits(&text);
		show_longest(&text);
		show_pairs(&text);
	} else {
		fputs("  no runstate changes recorded: what vCPUs did is not known\n", out);
	}
	xen_summary_text_work(view, out, colour);
}
