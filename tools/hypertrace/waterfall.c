/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/waterfall.h"

#include <errno.h>
#include <stdlib.h>

static int add_initcalls(
	struct waterfall *waterfall, const struct boot_view *view, const struct waterfall_options *options)
{
	size_t nr;
	const struct initcall **longest = initcalls_longest(&view->boot->initcalls, &nr);

	if (nr && !longest)
		return -ENOMEM;
	for (size_t i = 0;
		i < nr && i < options->initcalls && initcall_self_ns(longest[i]) >= options->min_ns; i++)
		waterfall->rows[waterfall->nr_rows++] = (struct waterfall_row){
			.initcall = longest[i], .from_ns = longest[i]->start_ns, .to_ns = longest[i]->end_ns};
	free(longest);
	return 0;
}

static int add_processes(
	struct waterfall *waterfall, const struct boot_view *view, const struct waterfall_options *options)
{
	size_t nr, added = 0;
	const struct boot_process **longest = boot_view_processes(view, &nr);

	for (size_t i = 0; i < nr && added < options->processes; i++) {
		uint64_t end_ns = boot_view_process_end_ns(view, longest[i]);
		uint64_t begin_ns = boot_process_begin_ns(longest[i]);

		if (end_ns <= begin_ns || end_ns - begin_ns < options->min_ns)
			continue;
		waterfall->rows[waterfall->nr_rows++] =
			(struct waterfall_row){.process = longest[i], .from_ns = begin_ns, .to_ns = end_ns};
		added++;
	}
	free(longest);
	return 0;
}

/* By beginning; a stage before what begins with it, an outer one before the inner one. */
static int compare(const void *a, const void *b)
{
	const struct waterfall_row *one = a, *other = b;

	if (one->from_ns != other->from_ns)
		return one->from_ns < other->from_ns ? -1 : 1;
	if (!one->stage != !other->stage)
		return one->stage ? -1 : 1;
	if (one->stage)
		return one->stage < other->stage ? -1 : 1;
	return (one->to_ns < other->to_ns) - (one->to_ns > other->to_ns);
}

int waterfall_init(
	struct waterfall *waterfall, const struct boot_view *view, const struct waterfall_options *options)
{
	const struct boot *boot = view->boot;
	size_t room = boot->nr_stages + boot->initcalls.nr_rows + boot->processes.nr_rows;
	int result;

	*waterfall = (struct waterfall){.rows = calloc(room ? room : 1, sizeof(*waterfall->rows))};
	if (!waterfall->rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < boot->nr_stages; i++)
		waterfall->rows[waterfall->nr_rows++] = (struct waterfall_row){.stage = &boot->stages[i],
			.from_ns = boot->stages[i].from_ns,
			.to_ns = boot->stages[i].to_ns};
	result = add_initcalls(waterfall, view, options);
	if (!result)
		result = add_processes(waterfall, view, options);
	if (result < 0)
		waterfall_deinit(waterfall);
	else
		qsort(waterfall->rows, waterfall->nr_rows, sizeof(*waterfall->rows), compare);
	return result;
}

void waterfall_deinit(struct waterfall *waterfall)
{
	free(waterfall->rows);
	*waterfall = (struct waterfall){0};
}

struct initcall_name waterfall_label(const struct boot_view *view, const struct waterfall_row *row)
{
	struct initcall_name label;

	if (row->initcall)
		return boot_view_initcall(view, row->initcall);
	snprintf(label.text, sizeof(label.text), "%s",
		row->stage                      ? row->stage->name
			: row->process->comm[0] ? row->process->comm
						: "?");
	return label;
}

double waterfall_activity(
	const struct boot_view *view, const struct waterfall_row *row, uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns < row->from_ns)
		from_ns = row->from_ns;
	if (to_ns > row->to_ns)
		to_ns = row->to_ns;
	if (!view->boot->knows_tasks || row->stage)
		return -1;
	if (row->initcall)
		return row->initcall->away_ns == INITCALL_AWAY_UNKNOWN || row->to_ns <= row->from_ns
			? -1
			: 1 - (double)row->initcall->away_ns / (double)(row->to_ns - row->from_ns);
	if (to_ns <= from_ns)
		return -1;
	if (!row->process->activity) /* it ran not at all, or there are too many of them */
		return (double)row->process->run_ns / (double)(row->to_ns - row->from_ns);
	return (double)activity_between(row->process->activity, from_ns, to_ns) / (double)(to_ns - from_ns);
}
