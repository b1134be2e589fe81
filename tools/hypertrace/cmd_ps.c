/* SPDX-License-Identifier: MIT */
/* The verb ps: the tasks of a stock guest, and where in the kernel they are, out of its memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/guest_source.h"
#include "tools/hypertrace/task_view.h"

#define STATES "RSDTtXZPI"

struct ps_options {
	struct guest_source_options source;
	struct string_list tasks;
	const char *states;
	bool threads, stacks, json;
};

#define AT(member) offsetof(struct ps_options, member)
static const struct option_spec ps_specs[] = {
	GUEST_SOURCE_OPTION_SPECS(struct ps_options),
	{'T', "threads", NULL, OPTION_FLAG, AT(threads),
		"every thread on its own, and the idle tasks of the CPUs"},
	{'s', "stack", NULL, OPTION_FLAG, AT(stacks),
		"below each task its kernel stack, the innermost function first"},
	{0, "state", "LETTERS", OPTION_STRING, AT(states),
		"only tasks in these states: R runs or could, S sleeps, D sleeps undisturbed, I is idle, T t Z X P"},
	{'t', "task", "LIST", OPTION_LIST, AT(tasks), "only these: process ids, thread ids or names"},
	{0, "json", NULL, OPTION_FLAG, AT(json), "print one JSON document"},
	{0},
};
#undef AT

static void deinit(struct task_view *view)
{
	kernel_unwinder_deinit(&view->unwinder);
	panic_state_deinit(&view->panic);
	task_list_deinit(&view->list);
	free(view->shown);
	free(view->words);
}

/* --- what is asked for --- */

static int read_options(
	struct task_view *view, const struct ps_options *options, int argc, char **argv, struct error *error)
{
	int code = guest_source_check(&options->source, argc, argv, error);

	if (code)
		return code;
	if (options->states && (!*options->states || options->states[strspn(options->states, STATES)])) {
		error_set(error, -EINVAL, "--state: '%s' is none of the letters %s", options->states, STATES);
		return error_hint(error, "for example --state D, or RD");
	}
	view->threads = options->threads;
	view->stacks = options->stacks;
	view->colour = !options->json && isatty(STDOUT_FILENO);
	if (!options->tasks.count)
		return 0;
	view->words = string_list_join(&options->tasks);
	return view->words ? 0 : error_set(error, -ENOMEM, "out of memory");
}

/* Is the task one of the words? */
static bool is_named(const struct guest_task *task, const char *words)
{
	for (;;) {
		size_t length = strcspn(words, ",");
		uint64_t number;

		if (text_parse_unsigned(words, length, INT32_MAX, &number)) {
			if (strlen(task->comm) == length && !memcmp(task->comm, words, length))
				return true;
		} else if ((uint64_t)task->pid == number || (uint64_t)task->tgid == number) {
			return true;
		}
		if (!words[length])
			return false;
		words += length + 1;
	}
}

static bool is_wanted(
	const struct task_view *view, const struct ps_options *options, const struct guest_task *task)
{
	if (view->words && !is_named(task, view->words))
		return false;
	if (options->states && !strchr(options->states, guest_task_state(task)))
		return false;
	if (options->threads)
		return true;
	/* a thread that is asked for by its own number is shown as it is */
	return view->words ? task->pid == task->tgid || !task_view_has_leader(view, task)
			   : !task->is_idle && task->pid == task->tgid;
}

static int select_tasks(struct task_view *view, const struct ps_options *options, struct error *error)
{
	view->shown = calloc(view->list.count, sizeof(*view->shown));
	if (!view->shown && view->list.count)
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < view->list.count; i++)
		if (is_wanted(view, options, &view->list.items[i]))
			view->shown[view->nr_shown++] = &view->list.items[i];
	if (view->words && !view->nr_shown) {
		error_set(error, -ENOENT, "--task: the guest has no task '%s'", view->words);
		return error_hint(
			error, "hypertrace ps without --task lists them; with --threads also threads");
	}
	return 0;
}

/* --- what there is --- */

static int read_guest(struct task_view *view, const struct guest_kernel *kernel, struct error *error)
{
	struct error ignored;
	int code = task_list_read(&view->list, kernel, error);

	if (code)
		return code;
	view->kernel = kernel;
	/* what follows is more than a list of tasks: without it there is still that */
	view->has_stacks = !kernel_unwinder_init(&view->unwinder, kernel, view->stacks ? error : &ignored);
	if (view->stacks && !view->has_stacks)
		return error->code;
	if (panic_state_read(&view->panic, kernel, &ignored))
		view->panic = (struct panic_state){.cpu = -1};
	return 0;
}

static int ps(struct task_view *view, const struct ps_options *options, const char *dump, struct error *error)
{
	cleanup_guest_source struct guest_source source = GUEST_SOURCE_NONE;
	int code = guest_source_open(&source, &options->source, dump, error);

	if (!code)
		code = read_guest(view, &source.kernel, error);
	if (!code)
		code = select_tasks(view, options, error);
	if (!code)
		code = (options->json ? task_view_json : task_view_text)(view, stdout, error);
	return code;
}

static int ps_run(const struct command *self, int argc, char **argv)
{
	__attribute__((cleanup(deinit))) struct task_view view = {.panic = {.cpu = -1}};
	struct ps_options options = {0};
	struct error error = {0};
	int code = options_parse(self, &argc, &argv, &options, &error);

	if (code == 1)
		return 0;
	if (code < 0 || read_options(&view, &options, argc, argv, &error))
		return show_error(&error, options.json, 2);
	code = ps(&view, &options, argc ? argv[0] : NULL, &error);
	return code ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "Show the tasks of a stock guest, and what they wait for in its kernel",
	.synopsis = "-g NAME | --pid PID | --qmp SOCKET | --ram FILE | DUMP [OPTION]...",
	.description =
		"Lists the guest's tasks by process id, as ps(1) in it would, out of its memory: also of a guest that "
		"hangs or has panicked. The last column is the function of the kernel that a task waits in. A task that "
		"runs has no stack that could be read, except in a dump that has the registers of its CPU; after a panic "
		"the panicked task's is found all the same.\n\n" GUEST_SOURCE_DESCRIPTION,
	.examples = "  # the processes of a running guest\n"
		    "  hypertrace ps --pid $(pidof qemu-system-x86_64)\n"
		    "  # who is stuck, and where\n"
		    "  hypertrace ps --qmp /run/vm1.qmp --threads --state D --stack\n"
		    "  # of a dump, for scripts\n"
		    "  hypertrace ps --json vm1.dump",
	.options = ps_specs,
	.run = ps_run,
};
