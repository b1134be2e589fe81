/* SPDX-License-Identifier: MIT */
#include "lib/analysis/boot_compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one side has, of one kind. */
struct part {
	char name[sizeof(struct initcall_name)];
	uint32_t number;
	size_t order; /* as it came */
	uint64_t ns;
};

struct parts {
	struct part *items;
	size_t count;
};

static void add(struct parts *parts, const char *name, uint64_t ns)
{
	struct part *part = &parts->items[parts->count];

	*part = (struct part){.order = parts->count++, .ns = ns};
	snprintf(part->name, sizeof(part->name), "%s", name);
}

static size_t room_for(const struct boot *boot, enum boot_change_kind kind)
{
	return kind == BOOT_CHANGE_STAGE       ? boot->nr_stages
		: kind == BOOT_CHANGE_INITCALL ? boot->initcalls.nr_rows
					       : boot->processes.nr_rows;
}

static void collect_stages(struct parts *parts, const struct boot *boot, bool with_firmware)
{
	for (uint32_t i = 0; i < boot->nr_stages; i++)
		if (with_firmware || boot->stages[i].kind != BOOT_STAGE_FIRMWARE)
			add(parts, boot->stages[i].name, boot->stages[i].to_ns - boot->stages[i].from_ns);
}

static void collect_initcalls(struct parts *parts, const struct boot_side *side)
{
	for (size_t i = 0; i < side->boot->initcalls.nr_rows; i++) {
		const struct initcall *row = &side->boot->initcalls.rows[i];

		if (row->end_ns)
			add(parts, initcall_full_name(side->names, side->kaslr_offset, row).text,
				initcall_self_ns(row));
	}
}

static void collect_programs(struct parts *parts, const struct boot *boot)
{
	for (size_t i = 0; i < boot->processes.nr_rows; i++) {
		const struct boot_process *row = &boot->processes.rows[i];

		if (row->exec_ns && row->end_ns)
			add(parts, row->comm, boot_process_life_ns(row, 0));
	}
}

static int compare_names(const void *a, const void *b)
{
	const struct part *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order ? order : (one->order > other->order) - (one->order < other->order);
}

static int init_parts(
	struct parts *parts, const struct boot_side *side, enum boot_change_kind kind, bool with_firmware)
{
	size_t room = room_for(side->boot, kind);

	*parts = (struct parts){.items = calloc(room ? room : 1, sizeof(*parts->items))};
	if (!parts->items)
		return -ENOMEM;
	if (kind == BOOT_CHANGE_STAGE)
		collect_stages(parts, side->boot, with_firmware);
	else if (kind == BOOT_CHANGE_INITCALL)
		collect_initcalls(parts, side);
	else
		collect_programs(parts, side->boot);
	qsort(parts->items, parts->count, sizeof(*parts->items), compare_names);
	for (size_t i = 0; i < parts->count; i++) {
		bool again = i && !strcmp(parts->items[i].name, parts->items[i - 1].name);

		parts->items[i].number = again ? parts->items[i - 1].number + 1 : 1;
	}
	return 0;
}

static int compare_parts(const struct part *a, const struct part *b)
{
	int order = strcmp(a->name, b->name);

	return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* A row while it is sorted: stages stay as they came. */
struct sorted_change {
	struct boot_change change;
	size_t order;
};

static uint64_t size_of(int64_t ns)
{
	return ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
}

static int compare_order(const void *a, const void *b)
{
	const struct sorted_change *one = a, *other = b;

	return (one->order > other->order) - (one->order < other->order);
}

static int compare_size(const void *a, const void *b)
{
	const struct sorted_change *one = a, *other = b;
	uint64_t one_ns = size_of(boot_change_ns(&one->change)),
		 other_ns = size_of(boot_change_ns(&other->change));

	if (one_ns != other_ns)
		return one_ns < other_ns ? 1 : -1;
	return strcmp(one->change.name, other->change.name);
}

static struct sorted_change *merge(
	const struct parts *a, const struct parts *b, enum boot_change_kind kind, size_t *nr)
{
	struct sorted_change *rows = calloc(a->count + b->count + 1, sizeof(*rows));
	size_t i = 0, j = 0;

	for (*nr = 0; rows && (i < a->count || j < b->count); (*nr)++) {
		struct sorted_change *row = &rows[*nr];
		int order = i == a->count ? 1
			: j == b->count   ? -1
					  : compare_parts(&a->items[i], &b->items[j]);
		const struct part *part = order <= 0 ? &a->items[i] : &b->items[j];

		row->change.kind = kind;
		row->change.number = part->number;
		memcpy(row->change.name, part->name, sizeof(part->name));
		row->order = order <= 0 ? part->order : a->count + part->order;
		row->change.in_a = order <= 0;
		row->change.in_b = order >= 0;
		if (order <= 0)
			row->change.a_ns = a->items[i++].ns;
		if (order >= 0)
			row->change.b_ns = b->items[j++].ns;
	}
	return rows;
}

static int compare_kind(struct boot_comparison *comparison, const struct boot_side *a,
	const struct boot_side *b, enum boot_change_kind kind)
{
	struct parts a_parts = {0}, b_parts = {0};
	struct sorted_change *sorted = NULL;
	size_t nr = 0;

	if (!init_parts(&a_parts, a, kind, comparison->from_power_on) &&
		!init_parts(&b_parts, b, kind, comparison->from_power_on))
		sorted = merge(&a_parts, &b_parts, kind, &nr);
	free(a_parts.items);
	free(b_parts.items);
	if (sorted)
		comparison->rows[kind] = calloc(nr ? nr : 1, sizeof(*comparison->rows[kind]));
	if (comparison->rows[kind]) {
		qsort(sorted, nr, sizeof(*sorted), kind == BOOT_CHANGE_STAGE ? compare_order : compare_size);
		for (size_t i = 0; i < nr; i++)
			comparison->rows[kind][i] = sorted[i].change;
		comparison->nr_rows[kind] = nr;
	}
	free(sorted);
	return comparison->rows[kind] ? 0 : -ENOMEM;
}

static uint64_t total_ns(const struct boot *boot, bool from_power_on)
{
	uint64_t begin_ns = from_power_on ? boot_begin_ns(boot) : boot->first_ns;

	return boot->last_ns > begin_ns ? boot->last_ns - begin_ns : 0;
}

static bool knows_power_on(const struct boot *boot)
{
	return boot->nr_stages && boot->stages[0].kind == BOOT_STAGE_FIRMWARE;
}

int boot_compare(struct boot_comparison *comparison, const struct boot_side *a, const struct boot_side *b)
{
	int result = 0;

	*comparison =
		(struct boot_comparison){.from_power_on = knows_power_on(a->boot) && knows_power_on(b->boot)};
	comparison->a_total_ns = total_ns(a->boot, comparison->from_power_on);
	comparison->b_total_ns = total_ns(b->boot, comparison->from_power_on);
	for (int kind = 0; kind < BOOT_CHANGE_KINDS && !result; kind++)
		result = compare_kind(comparison, a, b, kind);
	return result;
}

void boot_comparison_deinit(struct boot_comparison *comparison)
{
	for (int kind = 0; kind < BOOT_CHANGE_KINDS; kind++)
		free(comparison->rows[kind]);
	*comparison = (struct boot_comparison){0};
}

/* The largest in the direction of the whole difference. */
static const struct boot_change *largest(
	const struct boot_comparison *comparison, enum boot_change_kind kind, int64_t whole_ns)
{
	const struct boot_change *best = NULL;

	for (size_t i = 0; i < comparison->nr_rows[kind]; i++) {
		const struct boot_change *row = &comparison->rows[kind][i];

		if ((boot_change_ns(row) < 0) == (whole_ns < 0) &&
			(!best || size_of(boot_change_ns(row)) > size_of(boot_change_ns(best))))
			best = row;
	}
	return best;
}

const struct boot_change *boot_comparison_cause(
	const struct boot_comparison *comparison, uint64_t threshold_ns)
{
	static const enum boot_change_kind kinds[] = {
		BOOT_CHANGE_INITCALL, BOOT_CHANGE_PROGRAM, BOOT_CHANGE_STAGE};
	int64_t whole_ns = (int64_t)(comparison->b_total_ns - comparison->a_total_ns);
	const struct boot_change *best = NULL;

	/* what is inside comes first: an initcall's delay is also its level's, and its modprobe's */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct boot_change *row = largest(comparison, kinds[i], whole_ns);

		if (!row || size_of(boot_change_ns(row)) < threshold_ns)
			continue;
		if (size_of(boot_change_ns(row)) >= size_of(whole_ns) / 2)
			return row;
		if (!best || size_of(boot_change_ns(row)) > size_of(boot_change_ns(best)))
			best = row;
	}
	return best;
}
