/* SPDX-License-Identifier: MIT */
/* Where in their code guests left for Xen: by domain and reason, functions where their symbols are known. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/json_put.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/text_put.h"
#include "tools/hypertrace/xen_summary_text.h"

#define NAME_COLUMNS 60

/* Of one address, or of a function. */
struct place {
	uint16_t domain;
	enum xen_rip_kind kind;
	uint32_t number;
	uint64_t rip; /* of a function: one in it */
	const char *symbol;
	uint64_t offset;
	uint64_t count, sum_tsc, max_tsc;
};

static const char *const kind_names[XEN_RIP_KINDS] = {
	[XEN_RIP_EXIT] = "exit",
	[XEN_RIP_HYPERCALL] = "hypercall",
	[XEN_RIP_TRAP] = "trap",
	[XEN_RIP_PV] = "pv_event",
};

static struct xen_view_name reason_of(const struct xen_summary_view *view, const struct place *place)
{
	struct xen_view_name name;

	switch (place->kind) {
	case XEN_RIP_EXIT:
		return xen_view_exit(view, place->number);
	case XEN_RIP_HYPERCALL:
		return xen_view_hypercall(place->number);
	case XEN_RIP_TRAP:
		return xen_view_trap(place->number);
	default:
		snprintf(name.text, sizeof(name.text), "%s",
			place->number < XEN_PV_EVENTS ? xen_pv_event_names[place->number] : "?");
		return name;
	}
}

/* --- the places, sorted --- */

static int compare_reasons(const struct place *left, const struct place *right)
{
	if (left->domain != right->domain)
		return left->domain < right->domain ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

/* Those of a function beside each other; names that are the same are the same pointer. */
static int by_function(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = compare_reasons(left, right);

	if (order)
		return order;
	if (left->symbol != right->symbol)
		return (uintptr_t)left->symbol < (uintptr_t)right->symbol ? -1 : 1;
	return left->rip < right->rip ? -1 : left->rip > right->rip;
}

static int by_weight(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = compare_reasons(left, right);

	if (order)
		return order;
	if (left->sum_tsc != right->sum_tsc)
		return left->sum_tsc > right->sum_tsc ? -1 : 1;
	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return left->rip < right->rip ? -1 : left->rip > right->rip;
}

static size_t merge_functions(struct place *places, size_t count)
{
	size_t merged = 0;

	qsort(places, count, sizeof(*places), by_function);
	for (size_t i = 0; i < count; i++) {
		struct place *last = merged ? &places[merged - 1] : NULL;

		if (!last || !places[i].symbol || last->symbol != places[i].symbol ||
			compare_reasons(last, &places[i])) {
			places[merged++] = places[i];
			continue;
		}
		last->count += places[i].count;
		last->sum_tsc += places[i].sum_tsc;
		if (places[i].max_tsc > last->max_tsc)
			last->max_tsc = places[i].max_tsc;
	}
	return merged;
}

/* Heap, *count of them. NULL: none, or no memory. */
static struct place *places_of(const struct xen_summary_view *view, bool functions, size_t *count)
{
	const struct xen_rips *rips = view->summary.rips;
	struct place *places = rips->rows.count ? calloc(rips->rows.count, sizeof(*places)) : NULL;

	*count = places ? rips->rows.count : 0;
	for (size_t i = 0; i < *count; i++) {
		const struct xen_rip_row *row = capped_table_row(&rips->rows, i);

		places[i] = (struct place){
			.domain = xen_rip_domain(row),
			.kind = xen_rip_kind(row),
			.number = xen_rip_number(row),
			.rip = xen_rip_address(rips, row),
			.count = row->count,
			.sum_tsc = row->sum_tsc,
			.max_tsc = row->max_tsc,
		};
		if (view->symbols)
			places[i].symbol = xen_symbols_at(
				view->symbols, places[i].domain, places[i].rip, &places[i].offset);
	}
	if (functions && places)
		*count = merge_functions(places, *count);
	if (places)
		qsort(places, *count, sizeof(*places), by_weight);
	return places;
}

/* Where the places of the next reason begin. */
static size_t end_of_reason(const struct place *places, size_t count, size_t at)
{
	size_t end = at;

	while (end < count && !compare_reasons(&places[at], &places[end]))
		end++;
	return end;
}

/* --- shown --- */

static void put_row(
	const struct text *text, struct table *table, const struct place *place, uint64_t all_count)
{
	table_cell(table, "%u", place->domain);
	table_cell(table, "%s", reason_of(text->view, place).text);
	if (place->symbol)
		table_foreign(table, place->symbol, NAME_COLUMNS);
	else
		table_cell(table, "0x%" PRIx64, place->rip);
	table_count(table, place->count);
	table_cell(table, "%s", human_share(place->count, all_count).text);
	table_ns(table, xen_view_ns(text->view, place->sum_tsc));
	table_ns(table, xen_view_ns(text->view, place->count ? place->sum_tsc / place->count : 0));
	table_ns(table, xen_view_ns(text->view, place->max_tsc));
}

void xen_summary_text_rips(const struct text *text)
{
	static const char *const headers[] = {
		"<domain", "<reason", "<where", "count", "", "total", "mean", "max", NULL};
	const struct xen_rips *rips = text->view->summary.rips;
	cleanup_table struct table table = {0};
	size_t count, end;
	struct place *places = places_of(text->view, true, &count);

	table_init(&table, headers);
	for (size_t at = 0; at < count; at = end) {
		uint64_t all_count = 0;
		size_t rows;

		end = end_of_reason(places, count, at);
		rows = xen_view_rows(text->view, end - at);
		for (size_t i = at; i < end; i++)
			all_count += places[i].count;
		for (size_t i = at; i < at + rows; i++)
			put_row(text, &table, &places[i], all_count);
	}
	free(places);
	text_put_title(text->out, text->colour, "Where in the guest", "%s",
		rips->left_out ? "not all: there are too many addresses" : "by reason");
	if (count)
		table_print(&table, text->out, text->colour);
	else
		fputs("  no event says where the guest was\n", text->out);
}

json_t *xen_summary_json_rips(const struct xen_summary_view *view)
{
	size_t count, end;
	struct place *places = places_of(view, false, &count);
	json_t *array = json_array();

	for (size_t at = 0; at < count; at = end) {
		size_t rows;

		end = end_of_reason(places, count, at);
		rows = xen_view_rows(view, end - at);
		for (size_t i = at; i < at + rows; i++) {
			const struct place *place = &places[i];
			json_t *row = json_object();
			char rip[24];

			snprintf(rip, sizeof(rip), "0x%" PRIx64, place->rip);
			json_set_count(row, "domain", place->domain);
			json_set_text(row, "kind", kind_names[place->kind]);
			json_set_text(row, "name", reason_of(view, place).text);
			json_set_count(row, "number", place->number);
			json_set_text(row, "rip", rip);
			if (place->symbol) {
				json_set_text(row, "symbol", place->symbol);
				json_set_count(row, "offset", place->offset);
			}
			json_set_count(row, "count", place->count);
			if (place->kind == XEN_RIP_EXIT) {
				json_set_count(row, "total_tsc", place->sum_tsc);
				json_set_count(row, "total_ns", xen_view_ns(view, place->sum_tsc));
				json_set_count(row, "max_ns", xen_view_ns(view, place->max_tsc));
			}
			json_array_append_new(array, row);
		}
	}
	free(places);
	return array;
}
