/* SPDX-License-Identifier: MIT */
/* A boot's waterfall in the terminal. */
#include "tools/hypertrace/bars.h"
#include "tools/hypertrace/boot_text.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/waterfall.h"
#include "tools/hypertrace/text_put.h"

#define LABEL_COLUMNS    30u
#define DURATION_COLUMNS 9u

struct row_view {
	const struct boot_view *view;
	const struct waterfall_row *row;
};

static double share(void *context, uint64_t from_ns, uint64_t to_ns)
{
	const struct row_view *row = context;

	return waterfall_activity(row->view, row->row, from_ns, to_ns);
}

static const char *colour_of(const struct waterfall_row *row)
{
	static const char *const stages[] = {
		[BOOT_STAGE_FIRMWARE] = "\033[2m",
		[BOOT_STAGE_KERNEL] = "\033[36m",
		[BOOT_STAGE_LEVEL] = "\033[34m",
		[BOOT_STAGE_USER] = "\033[32m",
	};

	return row->stage ? stages[row->stage->kind] : row->initcall ? "\033[33m" : "\033[35m";
}

void boot_bars(const struct boot_text *text)
{
	const struct boot_view *view = text->view;
	const struct waterfall_options options = {
		.initcalls = boot_view_rows(view, SIZE_MAX),
		.processes = boot_view_rows(view, SIZE_MAX),
		.min_ns = boot_total_ns(view->boot) / 1000,
	};
	struct bars bars = bars_of_terminal(boot_begin_ns(view->boot), view->boot->last_ns,
		LABEL_COLUMNS + DURATION_COLUMNS + 6, text->out);
	struct waterfall waterfall;

	if (waterfall_init(&waterfall, view, &options) < 0)
		return;
	text_put_title(text->out, text->colour, "Waterfall", "%s a column%s",
		human_ns((bars.to_ns - bars.from_ns) / bars.width).text,
		!view->boot->knows_tasks ? ""
			: bars.blocks    ? "; light: off the CPU"
					 : "; '.', '-', '=': much of it off the CPU");
	for (size_t i = 0; i < waterfall.nr_rows; i++) {
		struct row_view row = {view, &waterfall.rows[i]};

		fputs("  ", text->out);
		bars_label(waterfall_label(view, row.row).text, row.row->stage ? 0 : 2, LABEL_COLUMNS,
			text->out);
		fprintf(text->out, "%*s  %s", (int)DURATION_COLUMNS,
			human_ns(row.row->to_ns - row.row->from_ns).text,
			text->colour ? colour_of(row.row) : "");
		bars_print(&bars, row.row->from_ns, row.row->to_ns, share, &row, text->out);
		fputs(text->colour ? "\033[0m\n" : "\n", text->out);
	}
	waterfall_deinit(&waterfall);
}
