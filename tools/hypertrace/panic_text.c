/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/panic_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define RESET "\033[0m"

static void put_foreign(FILE *out, const char *text)
{
	char *shown = malloc(4 * strlen(text) + 1);

	if (!shown)
		return;
	fwrite(shown, 1, text_escape(shown, text, strlen(text)), out);
	free(shown);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void show_where(const struct kernel_complaint *complaint, FILE *out)
{
	if (complaint->cpu >= 0)
		fprintf(out, "    CPU %d", complaint->cpu);
	if (complaint->pid >= 0) {
		fprintf(out, "%s", complaint->cpu >= 0 ? ", task " : "    task ");
		put_foreign(out, complaint->comm);
		fprintf(out, "-%" PRId64, complaint->pid);
	}
	if (complaint->cpu >= 0 || complaint->pid >= 0)
		fputc('\n', out);
	if (complaint->rip[0]) {
		fputs("    at ", out);
		put_foreign(out, complaint->rip);
		fputc('\n', out);
	}
	for (size_t i = 0; i < complaint->nr_calls; i++) {
		fputs(i ? "         " : "    from ", out);
		put_foreign(out, complaint->calls[i]);
		fputc('\n', out);
	}
}

static void show_complaint(const struct kernel_complaint *complaint, FILE *out)
{
	fprintf(out, "  [%12.6f] ", seconds(complaint->ts_ns));
	/* lines of a trace's log are escaped already; those are the only ones here */
	fprintf(out, "%s\n", complaint->text);
	show_where(complaint, out);
}

static const char *verdict(const struct panic_view *view)
{
	const char *state = view->machine->info->end_state;

	if (panic_view_panicked(view))
		return "kernel panic";
	if (view->oops)
		return "an oops, and the kernel went on";
	if (!strcmp(state, "reboot"))
		return "no panic: the guest went down";
	if (!strcmp(state, "gone"))
		return "no panic was seen: its VMM ended";
	return "no panic, no oops";
}

static void show_others(const struct panic_view *view, FILE *out)
{
	size_t others = 0;

	for (size_t i = 0; i < view->complaints.count; i++) {
		const struct kernel_complaint *complaint = view->complaints.items[i];

		if (complaint == view->panic || complaint == view->oops)
			continue;
		if (!others++)
			fputs("\n  Also in the log:\n", out);
		fprintf(out, "  [%12.6f] %s\n", seconds(complaint->ts_ns), complaint->text);
	}
}

void panic_view_text(const struct panic_view *view, uint64_t tail, bool colour, FILE *out)
{
	const struct trace_machine *machine = view->machine;
	const bool bad = panic_view_panicked(view) || view->oops;
	size_t from = view->nr_lines > tail ? view->nr_lines - tail : 0;

	fputs(colour ? BOLD : "", out);
	put_foreign(out, machine->name);
	fputs(" (Linux ", out);
	put_foreign(out, machine->info->release);
	fprintf(out, "): %s%s%s\n", colour && bad ? RED : "", verdict(view), colour ? RESET : "");
	if (view->panic) {
		show_complaint(view->panic, out);
	} else if (machine->info->message[0]) {
		fputs("  ", out);
		put_foreign(out, machine->info->message);
		fputc('\n', out);
	}
	if (view->oops)
		show_complaint(view->oops, out);
	show_others(view, out);
	if (tail && view->nr_lines)
		fprintf(out, "\n  The last %zu of %zu lines of its log:\n", view->nr_lines - from, view->nr_lines);
	for (size_t i = from; i < view->nr_lines; i++)
		fprintf(out, "  [%12.6f] %s\n", seconds(view->lines[i].ts_ns), view->lines[i].text);
}

static void json_complaint(struct strbuf *out, const struct kernel_complaint *complaint)
{
	strbuf_printf(out, "{\"kind\":\"%s\",\"log_ns\":%" PRIu64 ",\"text\":", complaint_kind_name(complaint->kind),
		complaint->ts_ns);
	text_append_json(out, complaint->text);
	if (complaint->cpu >= 0)
		strbuf_printf(out, ",\"cpu\":%d", complaint->cpu);
	if (complaint->pid >= 0) {
		strbuf_printf(out, ",\"pid\":%" PRId64 ",\"comm\":", complaint->pid);
		text_append_json(out, complaint->comm);
	}
	strbuf_puts(out, ",\"rip\":");
	text_append_json(out, complaint->rip);
	strbuf_puts(out, ",\"calls\":[");
	for (size_t i = 0; i < complaint->nr_calls; i++) {
		strbuf_puts(out, i ? "," : "");
		text_append_json(out, complaint->calls[i]);
	}
	strbuf_puts(out, "]}");
}

int panic_view_json(const struct panic_view *view, uint64_t tail, FILE *out)
{
	const struct trace_machine_info *info = view->machine->info;
	size_t from = view->nr_lines > tail ? view->nr_lines - tail : 0;
	cleanup_strbuf struct strbuf json = STRBUF_EMPTY;

	strbuf_puts(&json, "{\"machine\":");
	text_append_json(&json, view->machine->name);
	strbuf_puts(&json, ",\"release\":");
	text_append_json(&json, info->release);
	strbuf_printf(&json, ",\"panicked\":%s,\"oopsed\":%s,\"end_state\":",
		panic_view_panicked(view) ? "true" : "false", view->oops ? "true" : "false");
	text_append_json(&json, info->end_state);
	strbuf_puts(&json, ",\"message\":");
	text_append_json(&json, info->message);
	strbuf_puts(&json, ",\"complaints\":[");
	for (size_t i = 0; i < view->complaints.count; i++) {
		strbuf_puts(&json, i ? "," : "");
		json_complaint(&json, view->complaints.items[i]);
	}
	strbuf_puts(&json, "],\"log\":[");
	for (size_t i = from; i < view->nr_lines; i++) {
		strbuf_printf(&json, "%s{\"log_ns\":%" PRIu64 ",\"level\":%u,\"text\":", i > from ? "," : "",
			view->lines[i].ts_ns, view->lines[i].level);
		text_append_json(&json, view->lines[i].text);
		strbuf_putc(&json, '}');
	}
	strbuf_puts(&json, "]}");
	if (json.failed)
		return -ENOMEM;
	fwrite(json.data, 1, json.length, out);
	return 0;
}
