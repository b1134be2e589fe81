/* SPDX-License-Identifier: MIT */
/* The log, tasks and stacks, modules, panic: as dmesg, ps and panic go through them, down to what they print. */
#include <stdlib.h>
#include <string.h>

#include "host/kernel/guest_wall.h"
#include "host/kernel/kernel_name.h"
#include "host/kernel/kernel_stack.h"
#include "host/kernel/module_list.h"
#include "host/kernel/panic_state.h"
#include "host/kernel/printk_ring.h"
#include "host/kernel/task_list.h"
#include "host/kernel/traceable_functions.h"
#include "lib/base/strbuf.h"
#include "tests/fuzz/guest_walks.h"
#include "tools/hypertrace/log_lines.h"
#include "tools/hypertrace/task_view.h"

#define TASKS_SHOWN 300 /* a guest may make up a million */
#define LEVELS_ALL  0xffu

/* --- the log --- */

static void show_record(struct log_lines *lines, struct printk_ring *ring, const struct printk_record *record,
	struct strbuf *out)
{
	WALK_MUST(record->length < 65536 && record->text);
	WALK_MUST(record->seq < ring->next_seq);
	WALK_MUST(memchr(record->subsystem, '\0', sizeof(record->subsystem)));
	WALK_MUST(memchr(record->device, '\0', sizeof(record->device)));
	log_lines_wants(lines, record);
	lines->json = !lines->json;
	log_lines_append(lines, record, out);
	out->length = 0;
}

int guest_walk_log(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	cleanup_printk_ring struct printk_ring ring = {0};
	struct log_lines lines = {.levels = LEVELS_ALL, .decode = true, .colour = true};
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY;
	struct printk_record record;
	struct error error = {0};
	uint64_t last = 0;
	int code = printk_ring_init(&ring, kernel, &error);

	if (!code)
		code = printk_ring_tail(&ring, UINT64_MAX);
	lines.has_wall = lines.utc = !guest_wall_offset(kernel, &lines.wall_offset_ns);
	ring.patient = kernel->memory->is_live;
	for (; !code && (code = printk_ring_next(&ring, &record)) == 1; code = 0) {
		WALK_MUST(!*found || record.seq > last);
		last = record.seq;
		show_record(&lines, &ring, &record, &out);
		(*found)++;
	}
	if (!code)
		code = printk_ring_refresh(&ring);
	if (!code)
		code = printk_ring_next(&ring, &record);
	return code < 0 ? code : 0;
}

/* --- tasks --- */

static void check_tasks(const struct task_list *list)
{
	WALK_MUST(list->count <= TASKS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct guest_task *task = &list->items[i];

		WALK_MUST(task->pid >= 0 && task->tgid >= 0 && task->ppid >= 0);
		WALK_MUST(task->cpu < KERNEL_CPUS_MAX);
		WALK_MUST(memchr(task->comm, '\0', sizeof(task->comm)));
		WALK_MUST(strchr("RSDTtXZPI", guest_task_state(task)));
	}
}

static int show_tasks(struct task_view *view, struct error *error)
{
	int code;

	view->shown = calloc(TASKS_SHOWN, sizeof(*view->shown));
	WALK_MUST(view->shown);
	for (size_t i = 0; i < view->list.count && i < TASKS_SHOWN; i++) {
		task_view_has_leader(view, &view->list.items[i]);
		view->shown[view->nr_shown++] = &view->list.items[i];
	}
	view->stacks = false;
	code = task_view_text(view, guest_walk_output(), error);
	view->stacks = view->has_stacks;
	if (!code)
		code = task_view_text(view, guest_walk_output(), error);
	if (!code)
		code = task_view_json(view, guest_walk_output(), error);
	return code;
}

static void deinit_view(struct task_view *view)
{
	kernel_unwinder_deinit(&view->unwinder);
	panic_state_deinit(&view->panic);
	task_list_deinit(&view->list);
	free(view->shown);
}

int guest_walk_tasks(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	__attribute__((cleanup(deinit_view))) struct task_view view = {
		.kernel = kernel, .panic = {.cpu = -1}};
	struct error error = {0};
	int code = task_list_read(&view.list, kernel, &error);

	if (code) {
		WALK_MUST(error.text[0] && !view.list.items);
		return code;
	}
	check_tasks(&view.list);
	*found = view.list.count;
	view.list.is_whole = true; /* that it is not would be said each time */
	view.has_stacks = !kernel_unwinder_init(&view.unwinder, kernel, &error);
	if (panic_state_read(&view.panic, kernel, &error))
		view.panic = (struct panic_state){.cpu = -1};
	return show_tasks(&view, &error);
}

/* --- modules --- */

static void use_module(
	const struct module_list *list, struct guest_module *module, const struct orc_format *format)
{
	const uint64_t ip = module->text + module->text_bytes / 2;
	const struct orc_table *orc = module_list_orc(list, module, format);
	char name[CODE_NAME_BYTES];
	uint64_t offset, bytes;

	WALK_MUST(memchr(module->name, '\0', sizeof(module->name)));
	if (orc && orc_table_find(orc, format, ip))
		orc_decode(format, orc_table_find(orc, format, ip));
	if (!module_list_symbol(list, module, ip, name, sizeof(name), &offset, &bytes))
		WALK_MUST(memchr(name, '\0', sizeof(name)) && offset <= ip - module->text);
	module_list_find(list, ip);
}

int guest_walk_modules(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	struct orc_format format;
	struct module_list list;
	struct error error = {0};
	int code = orc_format_init(&format, &kernel->types, &error);

	if (!code)
		code = module_list_init(&list, kernel, &error);
	if (code)
		return code;
	WALK_MUST(list.count <= MODULES_MAX);
	for (size_t i = 0; i < list.count; i++)
		use_module(&list, &list.items[i], &format);
	*found = list.count;
	module_list_deinit(&list);
	return 0;
}

/* --- the rest --- */

int guest_walk_functions(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	struct traceable_functions functions;
	struct error error = {0};
	int code = traceable_functions_init(&functions, kernel, &error);

	(void)choice;
	if (code)
		return code;
	WALK_MUST(functions.count && functions.count <= TRACEABLE_FUNCTIONS_MAX);
	for (size_t i = 0; i < functions.count; i++)
		WALK_MUST(functions.names[i] >= kernel->symbols.text &&
			functions.names[i] < kernel->symbols.text + kernel->symbols.text_bytes);
	traceable_functions_nearest(&functions, "vfs_reed", strlen("vfs_reed"));
	*found = functions.count;
	traceable_functions_deinit(&functions);
	return 0;
}

int guest_walk_panic(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	cleanup_panic_state struct panic_state state = {.cpu = -1};
	struct error error = {0};
	int cpu = -1, code = panic_state_read(&state, kernel, &error);

	if (code) {
		WALK_MUST(error.text[0]);
		return code;
	}
	WALK_MUST(memchr(state.message, '\0', sizeof(state.message)));
	WALK_MUST(state.cpu >= -1 && state.cpu < KERNEL_CPUS_MAX);
	WALK_MUST(state.complaints.count <= COMPLAINTS_MAX);
	for (size_t i = 0; i < state.complaints.count; i++) {
		const struct kernel_complaint *complaint = state.complaints.items[i];

		WALK_MUST(complaint->nr_calls <= COMPLAINT_CALLS_MAX && complaint->kind < COMPLAINT_KINDS);
		WALK_MUST(memchr(complaint->text, '\0', sizeof(complaint->text)));
		WALK_MUST(memchr(complaint->comm, '\0', sizeof(complaint->comm)));
	}
	panic_state_poll(kernel, &cpu);
	*found = 1;
	return 0;
}

/* The address space, and what is asked of a kernel now and then. */
int guest_walk_space(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	static const char *const variables[] = {
		"init_task", "prb", "current_task", "pcpu_hot", "runqueues", "modules"};
	char hostname[65], version[129];
	uint64_t address, value;
	uint32_t cpus = 0;
	struct error error = {0};
	int64_t offset;
	int code = guest_kernel_check(kernel);

	if (code)
		return code;
	*found = 1;
	guest_kernel_has_restarted(kernel);
	guest_wall_offset(kernel, &offset);
	kernel_name_read(kernel, hostname, sizeof(hostname), version, sizeof(version));
	WALK_MUST(memchr(hostname, '\0', sizeof(hostname)) && memchr(version, '\0', sizeof(version)));
	if (!guest_kernel_cpus(kernel, &cpus, &error))
		WALK_MUST(cpus && cpus <= KERNEL_CPUS_MAX);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		for (uint32_t cpu = 0; cpu < 2; cpu++)
			if (!guest_kernel_per_cpu(kernel, variables[i], cpu, &address) &&
				!guest_kernel_read_u64(kernel, address, &value))
				(*found)++;
	/* vmalloc, modules, the vmemmap: through the page tables */
	for (uint64_t at = UINT64_C(0xffffc90000000ffc); at >= UINT64_C(0xffff800000000000);
		at += UINT64_C(1) << 38)
		guest_kernel_read_u64(kernel, at, &value);
	return 0;
}
