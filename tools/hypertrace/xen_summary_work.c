/* SPDX-License-Identifier: MIT */
/* What happened in a Xen trace, for people: hypercalls, exits, interrupts, memory. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/xen_summary_text.h"

static void print(const struct text *text, const struct table *table, const char *name, const char *beside)
{
	if (!table->nr_cells)
		return;
	text_put_title(text->out, text->colour, name, beside ? "%s" : NULL, beside);
	table_print(table, text->out, text->colour);
}

/* --- PV --- */

/* Numbers by count; `order` has room for `room`. Returns how many there are. */
static size_t sort_counts(const uint64_t *counts, const uint64_t *more, uint32_t room, uint32_t *order)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < room; i++) {
		uint64_t count = counts[i] + (more ? more[i] : 0);
		size_t place = nr;

		if (!count)
			continue;
		for (; place && counts[order[place - 1]] + (more ? more[order[place - 1]] : 0) < count;
			place--)
			order[place] = order[place - 1];
		order[place] = i;
		nr++;
	}
	return nr;
}

static void show_hypercalls(const struct text *text)
{
	static const char *const headers[] = {
		"<vCPU", "<hypercall", "number", "count", "", "in multicalls", NULL};
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < nr_vcpus(text); i++) {
		const struct xen_pv *pv = vcpu_at(text, i)->pv;
		uint32_t order[XEN_PV_HYPERCALLS];
		size_t count = pv ? sort_counts(pv->hypercalls, pv->subcalls, XEN_PV_HYPERCALLS, order) : 0;

		for (size_t j = 0; j < xen_view_rows(text->view, count); j++) {
			table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
			table_cell(&table, "%s", xen_view_hypercall(order[j]).text);
			table_cell(&table, "%u", order[j]);
			table_count(&table, pv->hypercalls[order[j]]);
			table_cell(&table, "%s",
				human_share(pv->hypercalls[order[j]], xen_pv_hypercalls(pv)).text);
			table_count(&table, pv->subcalls[order[j]]);
		}
	}
	print(text, &table, "Hypercalls", "of PV vCPUs: Xen records the call, not its end");
}

static void show_pv(const struct text *text)
{
	static const char *const headers[] = {"<vCPU", "<PV event", "count", NULL};
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < nr_vcpus(text); i++) {
		const struct xen_pv *pv = vcpu_at(text, i)->pv;

		for (int event = 0; pv && event < XEN_PV_EVENTS; event++) {
			bool call = event == XEN_PV_HYPERCALL || event == XEN_PV_HYPERCALL_V2 ||
				event == XEN_PV_HYPERCALL_SUBCALL || event == XEN_PV_TRAP;

			if (!pv->events[event] || call)
				continue;
			table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
			table_cell(&table, "%s", xen_pv_event_names[event]);
			table_count(&table, pv->events[event]);
		}
		for (uint32_t trap = 0; pv && trap < XEN_PV_TRAPS; trap++) {
			if (!pv->traps[trap])
				continue;
			table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
			table_cell(&table, "trap: %s", xen_view_trap(trap).text);
			table_count(&table, pv->traps[trap]);
		}
		if (pv && pv->malformed) {
			table_cell(&table, "%s", xen_view_vcpu(text->view, text->view->order[i]).text);
			table_cell(&table, "malformed");
			table_count(&table, pv->malformed);
		}
	}
	print(text, &table, "PV traps and emulation", NULL);
}

/* --- HVM --- */

static void show_kind(const struct text *text, enum xen_tally_kind kind, const char *name, const char *header,
	const char *beside)
{
	const char *const headers[] = {
		"<vCPU", header, "count", "total", "", "mean", "p5", "p50", "p95", "max", NULL};
	const struct xen_summary_view *view = text->view;
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i <= nr_vcpus(text); i++) {
		uint32_t vcpu = i < nr_vcpus(text) ? view->order[i] : XEN_TALLY_ANY;
		size_t count;
		const struct xen_tally_row **rows = xen_tally_rows(&view->summary.tally, vcpu, kind, &count);
		uint64_t all_tsc = 0;

		for (size_t j = 0; rows && j < count; j++)
			all_tsc += rows[j]->times.sum_tsc;
		for (size_t j = 0; rows && j < xen_view_rows(view, count); j++) {
			const struct xen_times *times = &rows[j]->times;

			table_cell(&table, "%s", xen_view_vcpu(view, vcpu).text);
			table_cell(&table, "%s", xen_view_tally(view, rows[j]).text);
			table_count(&table, rows[j]->count);
			table_ns(&table, xen_view_ns(view, times->sum_tsc));
			table_cell(&table, "%s", human_share(times->sum_tsc, all_tsc).text);
			table_ns(&table, xen_view_ns(view, xen_times_mean_tsc(times)));
			table_ns(&table, xen_view_ns(view, xen_times_percentile_tsc(times, 5)));
			table_ns(&table, xen_view_ns(view, xen_times_percentile_tsc(times, 50)));
			table_ns(&table, xen_view_ns(view, xen_times_percentile_tsc(times, 95)));
			table_ns(&table, xen_view_ns(view, times->max_tsc));
		}
		free(rows);
	}
	print(text, &table, name, beside);
}

static void show_hvm(const struct text *text)
{
	static const char *const cost = "the time is that of the exits in which they happened";

	show_kind(text, XEN_TALLY_EXIT, "Exits", "<reason",
		"until the next entry, or until the vCPU may run no longer");
	show_kind(text, XEN_TALLY_HANDLER, "What exits were for", "<", cost);
	show_kind(text, XEN_TALLY_SHADOW, "Shadow page faults", "<", cost);
	show_kind(text, XEN_TALLY_VMCALL, "Hypercalls by exit", "<hypercall", cost);
	show_kind(text, XEN_TALLY_CR_WRITE, "Writes of control registers", "<register", cost);
	show_kind(text, XEN_TALLY_MSR_READ, "Reads of MSRs", "<MSR", cost);
	show_kind(text, XEN_TALLY_MSR_WRITE, "Writes of MSRs", "<MSR", cost);
	show_kind(text, XEN_TALLY_PORT_READ, "Reads of ports", "<port", cost);
	show_kind(text, XEN_TALLY_PORT_WRITE, "Writes of ports", "<port", cost);
	show_kind(text, XEN_TALLY_MMIO_READ, "Reads of device memory", "<page", cost);
	show_kind(text, XEN_TALLY_MMIO_WRITE, "Writes of device memory", "<page", cost);
	show_kind(text, XEN_TALLY_CR3, "Page tables", "<page of cr3", "how long they were the current ones");
	show_kind(text, XEN_TALLY_EXTINT, "External interrupts", "<vector", cost);
	show_kind(text, XEN_TALLY_INJECTED, "Injected interrupts", "<vector", NULL);
	show_kind(text, XEN_TALLY_EXCEPTION, "Injected exceptions", "<", NULL);
	show_kind(text, XEN_TALLY_WAKE_TO_HALT, "From wake to halt", "<vector",
		"of the interrupts that woke the vCPU");
	show_kind(text, XEN_TALLY_INTERRUPT_TO_HALT, "From interrupt to halt", "<vector",
		"of those that came while it ran");
	show_kind(text, XEN_TALLY_IRQ, "IRQs of the host", "<IRQ", "handled by Xen");
}

/* --- memory --- */

static void show_memory(const struct text *text)
{
	static const char *const headers[] = {"<domain", "<operation", "by it", "on its memory", NULL};
	const struct xen_domain **domains = xen_domains_sorted(&text->view->summary.domains);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; domains && i < text->view->summary.domains.count; i++) {
		const struct xen_memory_counts *memory = domains[i]->memory;

		for (int op = 0; memory && op < XEN_MEMORY_OPS; op++) {
			if (!memory->by[op] && !memory->of[op])
				continue;
			table_cell(&table, "%u", domains[i]->id);
			table_cell(&table, "%s", xen_memory_op_names[op]);
			table_count(&table, memory->by[op]);
			table_count(&table, memory->of[op]);
		}
	}
	free(domains);
	print(text, &table, "Memory", "grants and the domains' physical maps");
}

static void order_cells(struct table *table, const uint64_t counts[XEN_ORDERS])
{
	for (int order = 0; order < XEN_ORDERS; order++)
		table_count(table, counts[order]);
}

static void show_on_demand(const struct text *text)
{
	static const char *const headers[] = {"<domain", "<", "4 KiB", "2 MiB", "1 GiB", "other", NULL};
	const struct xen_domain **domains = xen_domains_sorted(&text->view->summary.domains);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; domains && i < text->view->summary.domains.count; i++) {
		const struct xen_memory_counts *memory = domains[i]->memory;
		unsigned id = domains[i]->id;

		if (!memory)
			continue;
		if (memory->of[XEN_MEMORY_POD_POPULATE]) {
			table_cell(&table, "%u", id);
			table_cell(&table, "populated");
			order_cells(&table, memory->populated);
		}
		if (memory->of[XEN_MEMORY_POD_SPLINTER]) {
			table_cell(&table, "%u", id);
			table_cell(&table, "splintered");
			order_cells(&table, memory->splintered);
		}
		for (int why = 0; why < XEN_RECLAIMS && memory->of[XEN_MEMORY_POD_RECLAIM]; why++) {
			table_cell(&table, "%u", id);
			table_cell(&table, "reclaimed: %s", xen_view_reclaims[why]);
			order_cells(&table, memory->reclaimed[why]);
		}
	}
	free(domains);
	print(text, &table, "Populate on demand", "pages of each size");
}

void xen_summary_text_work(const struct xen_summary_view *view, FILE *out, bool colour)
{
	const struct text text = {view, out, colour};

	show_hypercalls(&text);
	show_pv(&text);
	show_hvm(&text);
	show_memory(&text);
	show_on_demand(&text);
	if (view->summary.rips)
		xen_summary_text_rips(&text);
}
