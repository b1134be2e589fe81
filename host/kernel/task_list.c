/* SPDX-License-Identifier: MIT */
/* Facts: include/linux/sched.h, include/linux/sched/signal.h, kernel/sched/sched.h of Linux 6.1 and 6.12. */
#include "host/kernel/task_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hash_map.h"

#define WALKS          6           /* of a list that changes meanwhile */
#define TASK_BYTES_MAX (64u << 10) /* of a struct task_struct */
#define TASK_PID_MAX   (4u << 20)  /* PID_MAX_LIMIT */

/* include/linux/sched.h */
#define TASK_REPORT          0x7fu
#define TASK_IDLE            0x402u /* uninterruptible, but no load */
#define TASK_RTLOCK_WAIT     0x1000u
#define TASK_FROZEN          0x8000u
#define TASK_UNINTERRUPTIBLE 2u
#define TASK_REPORT_IDLE     0x80u

struct task_layout {
	uint32_t first, bytes; /* the part of the struct that we copy: of all fields */
	uint32_t tasks, thread_node;
	struct kernel_field tasks_next, thread_next, pid, tgid, real_parent, comm, state, exit_state, on_cpu,
		cpu, flags, stack, sp, start, user, system, runtime, voluntary, involuntary, priority, mm,
		signal;
};

struct walk {
	const struct guest_kernel *kernel;
	const struct task_layout *layout;
	struct task_list *list;
	size_t capacity;
	struct hash_map seen; /* address -> 1 */
	uint8_t *copy;
};

char guest_task_state(const struct guest_task *task)
{
	static const char letters[] = "RSDTtXZPI";
	uint32_t state = (task->state | task->exit_state) & TASK_REPORT;

	if ((task->state & TASK_IDLE) == TASK_IDLE)
		state = TASK_REPORT_IDLE;
	if (task->state & (TASK_RTLOCK_WAIT | TASK_FROZEN))
		state = TASK_UNINTERRUPTIBLE;
	return letters[state ? 32 - __builtin_clz(state) : 0];
}

/* --- the layout --- */

struct wanted_field {
	const char *path, *other; /* `other`: its name in other versions */
	struct kernel_field *field;
};

static int find_field(
	const struct kernel_types *types, const struct wanted_field *wanted, struct error *error)
{
	if (wanted->other && !kernel_types_field(types, "task_struct", wanted->other, wanted->field))
		return 0;
	return kernel_types_need(types, "task_struct", wanted->path, wanted->field, error);
}

static int find_layout(struct task_layout *layout, const struct kernel_types *types, struct error *error)
{
	const struct wanted_field wanted[] = {
		{"tasks.next", NULL, &layout->tasks_next},
		{"thread_node.next", NULL, &layout->thread_next},
		{"pid", NULL, &layout->pid},
		{"tgid", NULL, &layout->tgid},
		{"real_parent", NULL, &layout->real_parent},
		{"comm", NULL, &layout->comm},
		{"__state", "state", &layout->state}, /* before 5.14 */
		{"exit_state", NULL, &layout->exit_state},
		{"on_cpu", NULL, &layout->on_cpu},
		{"thread_info.cpu", "cpu", &layout->cpu}, /* before 5.16 */
		{"flags", NULL, &layout->flags},
		{"stack", NULL, &layout->stack},
		{"thread.sp", NULL, &layout->sp},
		{"start_time", NULL, &layout->start},
		{"utime", NULL, &layout->user},
		{"stime", NULL, &layout->system},
		{"se.sum_exec_runtime", NULL, &layout->runtime},
		{"nvcsw", NULL, &layout->voluntary},
		{"nivcsw", NULL, &layout->involuntary},
		{"prio", NULL, &layout->priority},
		{"mm", NULL, &layout->mm},
		{"signal", NULL, &layout->signal},
	};
	const size_t count = sizeof(wanted) / sizeof(wanted[0]);
	uint32_t size = kernel_types_size(types, "task_struct"), first = UINT32_MAX, end = 0;

	for (size_t i = 0; i < count; i++) {
		const struct kernel_field *field = wanted[i].field;
		int code = find_field(types, &wanted[i], error);

		if (code)
			return code;
		if (size > TASK_BYTES_MAX || field->byte_offset > size ||
			field->bytes > size - field->byte_offset)
			return error_set(error, -EINVAL,
				"struct task_struct of the guest's kernel: %u bytes, too odd", size);
		first = field->byte_offset < first ? field->byte_offset : first;
		end = field->byte_offset + field->bytes > end ? field->byte_offset + field->bytes : end;
	}
	layout->first = first;
	layout->bytes = end - first;
	layout->tasks = layout->tasks_next.byte_offset;
	layout->thread_node = layout->thread_next.byte_offset;
	for (size_t i = 0; i < count; i++) /* from now on they count from the start of the copy */
		wanted[i].field->byte_offset -= first;
	return 0;
}

/* --- one task --- */

static uint64_t value(const struct walk *walk, const struct kernel_field *field)
{
	return kernel_field_value(field, walk->copy);
}

/* What a freed task's memory would hardly pass. */
static bool is_task(const struct guest_task *task)
{
	return task->pid >= 0 && task->pid < (int32_t)TASK_PID_MAX && task->tgid >= 0 &&
		task->tgid < (int32_t)TASK_PID_MAX && task->cpu < KERNEL_CPUS_MAX &&
		memchr(task->comm, '\0', sizeof(task->comm) - 1);
}

static int read_parent(const struct walk *walk, struct guest_task *task)
{
	uint64_t parent = value(walk, &walk->layout->real_parent);
	uint32_t tgid;
	int code = guest_kernel_read_u32(
		walk->kernel, parent + walk->layout->first + walk->layout->tgid.byte_offset, &tgid);

	task->ppid = code || tgid >= TASK_PID_MAX ? 0 : (int32_t)tgid;
	return code == -EFAULT ? 0 : code;
}

/* 0; -EAGAIN: no task, it has changed; errors of reading. walk->copy holds the task's fields afterwards. */
static int read_task(struct walk *walk, uint64_t address, struct guest_task *task)
{
	const struct task_layout *layout = walk->layout;
	size_t comm = layout->comm.bytes < TASK_COMM_BYTES - 1 ? layout->comm.bytes : TASK_COMM_BYTES - 1;
	int code = guest_kernel_read(walk->kernel, address + layout->first, walk->copy, layout->bytes);

	if (code)
		return code == -EFAULT ? -EAGAIN : code;
	*task = (struct guest_task){
		.address = address,
		.pid = (int32_t)value(walk, &layout->pid),
		.tgid = (int32_t)value(walk, &layout->tgid),
		.state = (uint32_t)value(walk, &layout->state),
		.exit_state = (uint32_t)value(walk, &layout->exit_state),
		.on_cpu = value(walk, &layout->on_cpu) != 0,
		.has_mm = value(walk, &layout->mm) != 0,
		.cpu = (uint32_t)value(walk, &layout->cpu),
		.flags = (uint32_t)value(walk, &layout->flags),
		.stack = value(walk, &layout->stack),
		.sp = value(walk, &layout->sp),
		.start_ns = value(walk, &layout->start),
		.user_ns = value(walk, &layout->user),
		.system_ns = value(walk, &layout->system),
		.runtime_ns = value(walk, &layout->runtime),
		.voluntary = value(walk, &layout->voluntary),
		.involuntary = value(walk, &layout->involuntary),
		.priority = (int32_t)value(walk, &layout->priority),
	};
	memcpy(task->comm, walk->copy + layout->comm.byte_offset, comm);
	return is_task(task) ? read_parent(walk, task) : -EAGAIN;
}

static int add_task(struct walk *walk, const struct guest_task *task)
{
	struct task_list *list = walk->list;
	uint64_t *seen;

	if (list->count == walk->capacity) {
		size_t capacity = walk->capacity ? 2 * walk->capacity : 256;
		struct guest_task *items =
			capacity > TASKS_MAX ? NULL : realloc(list->items, capacity * sizeof(*items));

		if (!items)
			return capacity > TASKS_MAX ? -EINVAL : -ENOMEM;
		list->items = items;
		walk->capacity = capacity;
	}
	seen = hash_map_put(&walk->seen, task->address);
	if (!seen)
		return -ENOMEM;
	*seen = 1;
	list->items[list->count++] = *task;
	return 0;
}

/* --- the lists --- */

static bool was_seen(const struct walk *walk, uint64_t address)
{
	return hash_map_get(&walk->seen, address) != NULL;
}

/* The leader's other threads: signal->thread_head, through thread_node. */
static int walk_threads(struct walk *walk, uint64_t signal, int32_t tgid)
{
	struct kernel_field head_field;
	struct guest_task thread;
	bool leader = false;
	uint64_t head, at;
	int code = kernel_types_field(&walk->kernel->types, "signal_struct", "thread_head", &head_field);

	if (code)
		return code;
	head = signal + head_field.byte_offset;
	code = guest_kernel_read_u64(walk->kernel, head, &at);
	while (!code && at != head) {
		uint64_t address = at - walk->layout->thread_node;

		code = read_task(walk, address, &thread);
		if (code)
			break;
		at = value(walk, &walk->layout->thread_next);
		if (thread.tgid != tgid || (thread.pid == tgid ? leader : was_seen(walk, address)))
			return -EAGAIN;
		if (thread.pid == tgid) {
			leader = true; /* it is in the list already */
			continue;
		}
		code = add_task(walk, &thread);
	}
	return code == -EFAULT ? -EAGAIN : code;
}

/* Once around. -EAGAIN: it changed meanwhile. */
static int walk_tasks(struct walk *walk, uint64_t init_task)
{
	const struct task_layout *layout = walk->layout;
	struct guest_task task;
	int code =
		read_task(walk, init_task, &task); /* the first CPU's idle task: it comes with the others */
	uint64_t address = code ? init_task : value(walk, &layout->tasks_next) - layout->tasks;

	while (!code && address != init_task) {
		uint64_t next, signal;

		if (was_seen(walk, address))
			return -EAGAIN;
		code = read_task(walk, address, &task);
		if (code)
			break;
		next = value(walk, &layout->tasks_next) - layout->tasks;
		signal = value(walk, &layout->signal);
		code = add_task(walk, &task);
		if (!code && signal)
			code = walk_threads(walk, signal, task.tgid);
		address = next;
	}
	return code;
}

/* rq->idle and rq->curr of a CPU. */
static int run_queue_task(
	const struct guest_kernel *kernel, uint32_t cpu, const char *which, uint64_t *address)
{
	uint64_t queue;
	int code = guest_kernel_per_cpu(kernel, "runqueues", cpu, &queue);

	return code ? code : guest_kernel_read_field(kernel, queue, "rq", which, address);
}

static int walk_idle(struct walk *walk)
{
	uint32_t cpus;
	int code = guest_kernel_cpus(walk->kernel, &cpus, NULL);

	for (uint32_t cpu = 0; !code && cpu < cpus; cpu++) {
		struct guest_task task;
		uint64_t address;

		if (run_queue_task(walk->kernel, cpu, "idle", &address) || !address ||
			was_seen(walk, address))
			continue; /* a CPU that never came up */
		code = read_task(walk, address, &task);
		if (code == -EAGAIN) {
			code = 0;
			continue;
		}
		task.is_idle = true;
		task.cpu = cpu;
		if (!code)
			code = add_task(walk, &task);
	}
	return code;
}

static int compare(const void *left, const void *right)
{
	const struct guest_task *a = left, *b = right;

	if (a->is_idle != b->is_idle)
		return a->is_idle ? -1 : 1;
	if (a->is_idle)
		return (a->cpu > b->cpu) - (a->cpu < b->cpu);
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	if ((a->pid == a->tgid) != (b->pid == b->tgid))
		return a->pid == a->tgid ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int walk_all(struct walk *walk, uint64_t init_task)
{
	int code;

	for (int i = 0; i < WALKS; i++) {
		walk->list->count = 0;
		hash_map_clear(&walk->seen);
		code = walk_idle(walk);
		if (!code)
			code = walk_tasks(walk, init_task);
		if (code != -EAGAIN) {
			walk->list->is_whole = !code;
			return code;
		}
	}
	return walk->list->count ? 0 : -EINVAL; /* as far as the last walk came */
}

int task_list_read(struct task_list *list, const struct guest_kernel *kernel, struct error *error)
{
	cleanup_free uint8_t *copy = NULL;
	struct task_layout layout;
	struct walk walk = {.kernel = kernel, .layout = &layout, .list = list};
	uint64_t init_task;
	int code = find_layout(&layout, &kernel->types, error);

	*list = (struct task_list){0};
	if (!code)
		code = guest_kernel_need_symbol(kernel, "init_task", &init_task, error);
	if (code)
		return error_add(error, "the guest's tasks");
	walk.copy = copy = malloc(layout.bytes);
	code = copy ? walk_all(&walk, init_task) : -ENOMEM;
	hash_map_deinit(&walk.seen);
	if (code) {
		task_list_deinit(list);
		return error_set(error, code, "cannot read the guest's tasks: %s",
			code == -EINVAL ? "the list is damaged" : strerror(-code));
	}
	qsort(list->items, list->count, sizeof(*list->items), compare);
	return 0;
}

void task_list_deinit(struct task_list *list)
{
	free(list->items);
	*list = (struct task_list){0};
}

const struct guest_task *task_list_running(
	const struct task_list *list, const struct guest_kernel *kernel, uint32_t cpu)
{
	uint64_t address;

	if (run_queue_task(kernel, cpu, "curr", &address))
		return NULL;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].address == address)
			return &list->items[i];
	return NULL;
}
