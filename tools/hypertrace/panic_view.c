/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/panic_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/collect/guest_log.h"
#include "lib/base/file.h"

/* "<6>[    1.234567] text". False: no such line. */
static bool parse_line(char *at, struct panic_line *line)
{
	uint64_t seconds, micros;
	int used = 0;

	if (sscanf(at, "<%u>[%" SCNu64 ".%6" SCNu64 "]%n", &line->level, &seconds, &micros, &used) != 3 || !used || at[used] != ' ' ||
		line->level > 7 || seconds > INT64_MAX / 1000000000)
		return false;
	line->ts_ns = seconds * 1000000000 + micros * 1000;
	line->text = at + used + 1; /* spaces behind that are the message's */
	return true;
}

static int take_line(struct panic_view *view, char *text)
{
	struct panic_line *line = &view->lines[view->nr_lines];
	struct printk_record record;

	if (!parse_line(text, line))
		return 0;
	record = (struct printk_record){.seq = view->nr_lines,
		.ts_ns = line->ts_ns,
		.level = (uint8_t)line->level,
		.text = line->text,
		.length = strlen(line->text)};
	view->nr_lines++;
	return kernel_complaints_feed(&view->complaints, &record);
}

static void find_worst(struct panic_view *view)
{
	for (size_t i = 0; i < view->complaints.count; i++) {
		const struct kernel_complaint *complaint = view->complaints.items[i];

		if (complaint->kind == COMPLAINT_PANIC && !view->panic)
			view->panic = complaint;
		else if (!view->panic && !view->oops && /* those after the first follow from it, mostly */
			(complaint->kind == COMPLAINT_OOPS || complaint->kind == COMPLAINT_BUG))
			view->oops = complaint;
	}
}

int panic_view_init(struct panic_view *view, const struct trace_machine *machine, struct error *error)
{
	size_t bytes, lines = 1;
	char *position = NULL;
	int code;

	*view = (struct panic_view){.machine = machine};
	if (faccessat(machine->dir_fd, GUEST_LOG_FILE, F_OK, 0))
		return 0;
	code = file_read_small(
		machine->dir_fd, GUEST_LOG_FILE, 2 * (size_t)GUEST_LOG_BYTES_MAX, &view->log, &bytes, error);
	if (code)
		return code;
	for (size_t i = 0; i < bytes; i++)
		lines += view->log[i] == '\n';
	view->lines = calloc(lines, sizeof(*view->lines));
	if (!view->lines)
		code = error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	for (char *text = strtok_r(view->log, "\n", &position); text && !code; text = strtok_r(NULL, "\n", &position))
		if (take_line(view, text))
			code = error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	find_worst(view);
	if (code)
		panic_view_deinit(view);
	return code;
}

void panic_view_deinit(struct panic_view *view)
{
	kernel_complaints_deinit(&view->complaints);
	free(view->lines);
	free(view->log);
	*view = (struct panic_view){0};
}

bool panic_view_panicked(const struct panic_view *view)
{
	return view->panic || !strcmp(view->machine->info->end_state, "panic");
}
