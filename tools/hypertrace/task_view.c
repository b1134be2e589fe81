/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/task_view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/table.h"

#define COMM_COLUMNS 24

bool task_view_has_leader(const struct task_view *view, const struct guest_task *task)
{
	for (size_t i = view->nr_shown; i-- > 0;)
		if (view->shown[i]->pid == task->tgid && !view->shown[i]->is_idle)
			return true;
	return false;
}

int task_view_stack(const struct task_view *view, const struct guest_task *task, struct kernel_stack *stack)
{
	int code = kernel_stack_read(&view->unwinder, task, stack);

	if (!code && stack->end == STACK_RUNNING && view->panic.panicked && (int)task->cpu == view->panic.cpu)
		code = kernel_stack_of_panic(&view->unwinder, task, stack);
	return code;
}

static int fail_stack(int code, struct error *error)
{
	return error_set(error, code, "cannot read the guest's stacks: %s",
		code == -ESRCH ? "the VMM has ended" : strerror(-code));
}

/* --- text --- */

/* Kernel threads in brackets, as ps(1) has them. */
static void comm_text(const struct guest_task *task, char *text, size_t size)
{
	bool brackets = guest_task_is_kernel(task);

	snprintf(text, size, "%s%s%s", brackets ? "[" : "", task->comm, brackets ? "]" : "");
}

/* The last column: a function, or why there is none. */
static int put_place(const struct task_view *view, struct table *table, const struct guest_task *task)
{
	const struct stack_frame *frame;
	struct kernel_stack stack;
	char name[CODE_NAME_BYTES];
	int code = view->has_stacks ? task_view_stack(view, task, &stack) : 0;

	if (code)
		return code;
	frame = view->has_stacks ? kernel_stack_wait(&view->unwinder, &stack) : NULL;
	if (frame) {
		kernel_code_name(&view->unwinder, frame, false, name, sizeof(name));
		table_foreign(table, name, sizeof(name));
	} else {
		table_cell(table, "%s",
			view->has_stacks && stack.end <= STACK_IN_USER ? stack_end_text(stack.end) : "");
	}
	return 0;
}

static int put_row(const struct task_view *view, struct table *table, const struct guest_task *task)
{
	char comm[TASK_COMM_BYTES + 2];

	table_cell(table, "%d", task->tgid);
	if (view->threads)
		table_cell(table, "%d", task->pid);
	table_cell(table, "%d", task->ppid);
	table_cell(table, "%c", guest_task_state(task));
	table_cell(table, "%u%s", task->cpu, task->on_cpu ? "*" : "");
	table_ns(table, task->runtime_ns);
	comm_text(task, comm, sizeof(comm));
	table_foreign(table, comm, COMM_COLUMNS);
	return put_place(view, table, task);
}

static int show_table(const struct task_view *view, FILE *out)
{
	static const char *const headers[] = {"PID", "PPID", "<S", "<CPU", "RUNTIME", "<COMM", "<IN", NULL};
	static const char *const thread_headers[] = {
		"PID", "TID", "PPID", "<S", "<CPU", "RUNTIME", "<COMM", "<IN", NULL};
	cleanup_table struct table table;

	table_init(&table, view->threads ? thread_headers : headers);
	for (size_t i = 0; i < view->nr_shown; i++) {
		int code = put_row(view, &table, view->shown[i]);

		if (code)
			return code;
	}
	if (table.cells.failed)
		return -ENOMEM;
	table_print(&table, out, view->colour);
	return 0;
}

static void put_escaped(FILE *out, const char *text)
{
	char escaped[4 * CODE_NAME_BYTES];
	size_t length = strlen(text);

	if (length > CODE_NAME_BYTES)
		length = CODE_NAME_BYTES;
	fprintf(out, "%.*s", (int)text_escape(escaped, text, length), escaped);
}

static int show_stack(const struct task_view *view, const struct guest_task *task, FILE *out)
{
	struct kernel_stack stack;
	char text[CODE_NAME_BYTES];
	int code = task_view_stack(view, task, &stack);

	if (code)
		return code;
	fprintf(out, "%s%d", view->colour ? "\033[1m" : "", task->tgid);
	if (task->pid != task->tgid)
		fprintf(out, "/%d", task->pid);
	fprintf(out, " %c CPU %u %s ", guest_task_state(task), task->cpu, human_ns(task->runtime_ns).text);
	comm_text(task, text, sizeof(text));
	put_escaped(out, text);
	fputs(view->colour ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < stack.count; i++) {
		kernel_code_name(&view->unwinder, &stack.frames[i], true, text, sizeof(text));
		fputs("    ", out);
		put_escaped(out, text);
		fputc('\n', out);
	}
	if (stack.end != STACK_WHOLE)
		fprintf(out, "    (%s)\n", stack_end_text(stack.end));
	return 0;
}

static void show_panic(const struct task_view *view, FILE *out)
{
	uint32_t cpus;

	if (!view->panic.panicked)
		return;
	fprintf(out, "\n%sthe kernel has panicked", view->colour ? "\033[1;31m" : "");
	if (view->panic.cpu >= 0)
		fprintf(out, " on CPU %d", view->panic.cpu);
	fputs(view->panic.message[0] ? ": " : "", out);
	put_escaped(out, view->panic.message);
	fputs(view->colour ? "\033[0m\n" : "\n", out);
	if (guest_kernel_cpus(view->kernel, &cpus, NULL))
		return;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		const struct guest_task *task = task_list_running(&view->list, view->kernel, cpu);

		if (!task)
			continue;
		fprintf(out, "  CPU %u ran %d ", cpu, task->pid);
		put_escaped(out, task->comm);
		fputc('\n', out);
	}
}

int task_view_text(const struct task_view *view, FILE *out, struct error *error)
{
	int code = 0;

	if (!view->stacks)
		code = show_table(view, out);
	for (size_t i = 0; view->stacks && !code && i < view->nr_shown; i++)
		code = show_stack(view, view->shown[i], out);
	if (code)
		return fail_stack(code, error);
	show_panic(view, out);
	if (!view->list.is_whole)
		fputs("hypertrace: the guest changed its list of tasks all the time: some may be missing\n",
			stderr);
	return 0;
}

/* --- JSON --- */

static int put_stack(const struct task_view *view, const struct guest_task *task, struct strbuf *out)
{
	const struct stack_frame *wait;
	struct kernel_stack stack;
	char text[CODE_NAME_BYTES];
	int code = task_view_stack(view, task, &stack);

	if (code)
		return code;
	wait = kernel_stack_wait(&view->unwinder, &stack);
	if (wait) {
		kernel_code_name(&view->unwinder, wait, false, text, sizeof(text));
		strbuf_puts(out, ",\"in\":");
		text_append_json(out, text);
	}
	if (!view->stacks)
		return 0;
	strbuf_puts(out, ",\"stack\":[");
	for (size_t i = 0; i < stack.count; i++) {
		kernel_code_name(&view->unwinder, &stack.frames[i], true, text, sizeof(text));
		strbuf_puts(out, i ? "," : "");
		text_append_json(out, text);
	}
	strbuf_puts(out, "],\"stack_end\":");
	text_append_json(out, stack_end_text(stack.end));
	return 0;
}

static int put_task(const struct task_view *view, const struct guest_task *task, struct strbuf *out)
{
	int code = 0;

	strbuf_printf(out, "{\"pid\":%d,\"tid\":%d,\"ppid\":%d,\"state\":\"%c\",\"cpu\":%u,\"on_cpu\":%s",
		task->tgid, task->pid, task->ppid, guest_task_state(task), task->cpu,
		task->on_cpu ? "true" : "false");
	strbuf_puts(out, ",\"comm\":");
	text_append_json(out, task->comm);
	strbuf_printf(out,
		",\"kernel\":%s,\"idle\":%s,\"priority\":%d,\"start_ns\":%" PRIu64 ",\"runtime_ns\":%" PRIu64
		",\"user_ns\":%" PRIu64 ",\"system_ns\":%" PRIu64 ",\"voluntary\":%" PRIu64
		",\"involuntary\":%" PRIu64,
		guest_task_is_kernel(task) ? "true" : "false", task->is_idle ? "true" : "false",
		task->priority, task->start_ns, task->runtime_ns, task->user_ns, task->system_ns,
		task->voluntary, task->involuntary);
	if (view->has_stacks)
		code = put_stack(view, task, out);
	strbuf_putc(out, '}');
	return code;
}

static void put_panic(const struct task_view *view, struct strbuf *out)
{
	const char *separator = "";
	uint32_t cpus;

	if (!view->panic.panicked)
		return;
	strbuf_printf(out, ",\n\"panic\":{\"cpu\":%d,\"message\":", view->panic.cpu);
	text_append_json(out, view->panic.message);
	strbuf_puts(out, ",\"running\":[");
	for (uint32_t cpu = 0; !guest_kernel_cpus(view->kernel, &cpus, NULL) && cpu < cpus; cpu++) {
		const struct guest_task *task = task_list_running(&view->list, view->kernel, cpu);

		if (!task)
			continue;
		strbuf_printf(out, "%s{\"cpu\":%u,\"pid\":%d,\"tid\":%d,\"comm\":", separator, cpu,
			task->tgid, task->pid);
		text_append_json(out, task->comm);
		strbuf_putc(out, '}');
		separator = ",";
	}
	strbuf_puts(out, "]}");
}

int task_view_json(const struct task_view *view, FILE *out, struct error *error)
{
	cleanup_strbuf struct strbuf text = STRBUF_EMPTY;
	int code = 0;

	strbuf_puts(&text, "{\"kernel\":");
	text_append_json(&text, view->kernel->release);
	strbuf_printf(&text, ",\"complete\":%s,\"tasks\":[", view->list.is_whole ? "true" : "false");
	for (size_t i = 0; !code && i < view->nr_shown; i++) {
		strbuf_puts(&text, i ? ",\n" : "\n");
		code = put_task(view, view->shown[i], &text);
	}
	strbuf_puts(&text, "]");
	put_panic(view, &text);
	strbuf_puts(&text, "}\n");
	if (code)
		return fail_stack(code, error);
	if (text.failed)
		return error_set(error, -ENOMEM, "out of memory");
	fwrite(text.data, 1, text.length, out);
	return 0;
}
