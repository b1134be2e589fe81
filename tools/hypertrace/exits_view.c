/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/exits_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HT_HYPERCALL_NUMBERS_ONLY
#include "abi/hypercall.h"
#include "lib/model/xen_names.h"
#include "lib/model/exit_reasons.h"

size_t exits_view_shown(const struct exits_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}

struct joint_name exits_view_reason(uint64_t key)
{
	char buffer[EXIT_REASON_NAME_BYTES];
	struct joint_name name;

	if (key == CAPPED_TABLE_OTHERS)
		return (struct joint_name){"(others)"};
	snprintf(name.text, sizeof(name.text), "%s%s",
		exit_reason_name(JOINT_EXITS_ISA(key), JOINT_EXITS_REASON(key), buffer),
		JOINT_EXITS_NESTED(key) ? " (nested)" : "");
	return name;
}

struct joint_name exits_view_hypercall(uint64_t nr)
{
	static const struct {
		uint64_t nr;
		const char *name;
	} known[] = {
		{1, "vapic_poll_irq"},
		{5, "kick_cpu"},
		{9, "clock_pairing"},
		{10, "send_ipi"},
		{11, "sched_yield"},
		{12, "map_gpa_range"},
		{HT_HYPERCALL_MARK, "mark (hypertrace)"},
		{HT_HYPERCALL_STAGE, "stage (hypertrace)"},
		{HT_HYPERCALL_HELLO, "hello (hypertrace)"},
		{HT_HYPERCALL_FLUSH, "flush (hypertrace)"},
		{HT_HYPERCALL_EVENTS, "events (hypertrace)"},
		{HT_HYPERCALL_TEXT, "text (hypertrace)"},
	};
	const char *of_xen =
		nr & JOINT_EXITS_XEN ? xen_name(XEN_NAMES_HYPERCALLS, nr & ~JOINT_EXITS_XEN) : NULL;
	struct joint_name name;

	if (of_xen) {
		snprintf(name.text, sizeof(name.text), "%s", of_xen);
		return name;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].nr == nr) {
			snprintf(name.text, sizeof(name.text), "%s", known[i].name);
			return name;
		}
	if (nr == CAPPED_TABLE_OTHERS)
		return (struct joint_name){"(others)"};
	nr &= ~JOINT_EXITS_XEN;
	snprintf(name.text, sizeof(name.text), nr < 4096 ? "%" PRIu64 : "0x%" PRIx64, nr);
	return name;
}

const char *exits_view_guest(const struct exits_view *view, uint32_t machine)
{
	const struct trace *trace = view->feed.trace;

	if (machine < trace->nr_machines)
		return trace->machines[machine].name;
	return machine == trace->nr_machines ? "-" : "(nested)";
}

/* --- sorting --- */

struct amounts {
	uint64_t count, total, max;
};

static int compare_amounts(const struct amounts *one, const struct amounts *other, enum exits_sort sort)
{
	if (sort == EXITS_BY_COUNT && one->count != other->count)
		return one->count > other->count ? -1 : 1;
	if (sort == EXITS_BY_MAX && one->max != other->max)
		return one->max > other->max ? -1 : 1;
	if (one->total != other->total)
		return one->total > other->total ? -1 : 1;
	return (one->count < other->count) - (one->count > other->count);
}

static struct amounts of_reason(const struct joint_exit_reason *reason)
{
	return (struct amounts){reason->durations.count, reason->durations.sum, reason->durations.max};
}

static struct amounts of_row(const struct joint_exit_row *row)
{
	return (struct amounts){row->count, row->total_ns, row->max_ns};
}

static struct amounts of_task(const struct exits_task *row)
{
	return (struct amounts){row->task->exits.count, row->task->exits.total_ns, row->task->exits.max_ns};
}

static struct amounts of_function(const struct exits_function *row)
{
	return (struct amounts){row->count, row->total_ns, row->max_ns};
}

static int compare_reasons(const void *a, const void *b, void *sort)
{
	const struct joint_exit_reason *one = *(const struct joint_exit_reason *const *)a;
	const struct joint_exit_reason *other = *(const struct joint_exit_reason *const *)b;
	struct amounts left = of_reason(one), right = of_reason(other);
	int result = compare_amounts(&left, &right, *(const enum exits_sort *)sort);

	return result ? result : (one->key > other->key) - (one->key < other->key);
}

static int compare_rows(const void *a, const void *b, void *sort)
{
	const struct joint_exit_row *one = *(const struct joint_exit_row *const *)a;
	const struct joint_exit_row *other = *(const struct joint_exit_row *const *)b;
	struct amounts left = of_row(one), right = of_row(other);
	int result = compare_amounts(&left, &right, *(const enum exits_sort *)sort);

	return result ? result : (one->key > other->key) - (one->key < other->key);
}

static int compare_tasks(const void *a, const void *b, void *sort)
{
	const struct exits_task *one = a, *other = b;
	struct amounts left = of_task(one), right = of_task(other);
	int result = compare_amounts(&left, &right, *(const enum exits_sort *)sort);

	return result ? result : (one->task->pid > other->task->pid) - (one->task->pid < other->task->pid);
}

static int compare_functions(const void *a, const void *b, void *sort)
{
	const struct exits_function *one = a, *other = b;
	struct amounts left = of_function(one), right = of_function(other);
	int result = compare_amounts(&left, &right, *(const enum exits_sort *)sort);

	return result ? result : strcmp(one->name, other->name);
}

static int in_no_order(const void *a, const void *b)
{
	(void)a, (void)b;
	return 0;
}

static const void **sorted(const struct exits_view *view, const struct capped_table *table,
	int (*compare)(const void *, const void *, void *))
{
	const void **rows = capped_table_sorted(table, in_no_order);
	enum exits_sort sort = view->sort;

	if (rows)
		qsort_r(rows, table->count, sizeof(*rows), compare, &sort);
	return rows;
}

const struct joint_exit_reason **exits_view_reasons(const struct exits_view *view)
{
	return (const struct joint_exit_reason **)sorted(view, &view->exits.reasons, compare_reasons);
}

const struct joint_exit_row **exits_view_rows(const struct exits_view *view, const struct capped_table *table)
{
	return (const struct joint_exit_row **)sorted(view, table, compare_rows);
}

struct exits_task *exits_view_tasks(const struct exits_view *view, size_t *count)
{
	const struct joint *joint = view->feed.joint;
	enum exits_sort sort = view->sort;
	struct exits_task *rows;
	size_t all = 0;

	*count = 0;
	for (uint32_t i = 0; i < joint->nr_machines; i++)
		all += joint->tasks[i].nr_rows;
	rows = all ? calloc(all, sizeof(*rows)) : NULL;
	for (uint32_t i = 0; rows && i < joint->nr_machines; i++)
		for (uint32_t j = 0; j < joint->tasks[i].nr_rows; j++) {
			const struct task *task = joint->tasks[i].rows[j];

			if (task->wanted && task->exits.count)
				rows[(*count)++] = (struct exits_task){i, task};
		}
	if (rows)
		qsort_r(rows, *count, sizeof(*rows), compare_tasks, &sort);
	return rows;
}

/* --- functions --- */

static int compare_names(const void *a, const void *b)
{
	const struct exits_function *one = a, *other = b;

	if (one->machine != other->machine)
		return one->machine < other->machine ? -1 : 1;
	return strcmp(one->name, other->name);
}

static void name_function(const struct exits_view *view, uint32_t machine, const struct joint_exit_row *row,
	struct exits_function *function)
{
	const struct names *names = machine < view->feed.trace->nr_machines && !row->user_mode
		? &view->feed.trace->machines[machine].names
		: NULL;
	uint64_t offset;
	const char *symbol =
		names && row->key != CAPPED_TABLE_OTHERS ? names_symbol(names, row->key, &offset) : NULL;

	*function = (struct exits_function){
		.machine = machine,
		.count = row->count,
		.total_ns = row->total_ns,
		.max_ns = row->max_ns,
		.max_at_ns = row->max_at_ns,
	};
	if (row->key == CAPPED_TABLE_OTHERS)
		strcpy(function->name, "(others)");
	else if (symbol)
		snprintf(function->name, sizeof(function->name), "%s", symbol);
	else
		snprintf(function->name, sizeof(function->name), "0x%" PRIx64 "%s", row->key,
			row->user_mode ? " (user)" : "");
}

/* Sorted by name: equal ones become one. */
static size_t unite(struct exits_function *rows, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct exits_function *last = kept ? &rows[kept - 1] : NULL;

		if (!last || compare_names(last, &rows[i])) {
			rows[kept++] = rows[i];
			continue;
		}
		last->count += rows[i].count;
		last->total_ns += rows[i].total_ns;
		if (rows[i].max_ns > last->max_ns) {
			last->max_ns = rows[i].max_ns;
			last->max_at_ns = rows[i].max_at_ns;
		}
	}
	return kept;
}

struct exits_function *exits_view_functions(const struct exits_view *view, size_t *count)
{
	uint32_t nr_tables = view->exits.nr_machines + 2;
	enum exits_sort sort = view->sort;
	struct exits_function *rows;
	size_t all = 0, used = 0;

	*count = 0;
	for (uint32_t i = 0; i < nr_tables; i++)
		all += view->exits.rips[i].count + 1;
	rows = calloc(all, sizeof(*rows));
	for (uint32_t i = 0; rows && i < nr_tables; i++) {
		const struct capped_table *table = &view->exits.rips[i];
		const struct joint_exit_row *others = table->others;

		for (size_t j = 0; j < table->count; j++)
			name_function(view, i, capped_table_row(table, j), &rows[used++]);
		if (others && others->count)
			name_function(view, i, others, &rows[used++]);
	}
	if (!rows)
		return NULL;
	qsort(rows, used, sizeof(*rows), compare_names);
	*count = unite(rows, used);
	qsort_r(rows, *count, sizeof(*rows), compare_functions, &sort);
	return rows;
}
