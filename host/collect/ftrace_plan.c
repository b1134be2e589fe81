/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_step.h"

#define TYPES     65536
#define COMM_SIZE 16

const struct ftrace_plan ftrace_plan_skip, ftrace_plan_none;

/* Fields of ours that a tracepoint calls otherwise. */
static const struct alias {
	const char *event, *field, *source;
	uint16_t offset; /* into the source */
	enum ftrace_step_kind kind;
} aliases[] = {
	{"sys_enter", "nr", "id"},
	{"sys_enter_args", "nr", "id"},
	{"sys_enter_args", "arg0", "args", 0},
	{"sys_enter_args", "arg1", "args", 8},
	{"sys_enter_args", "arg2", "args", 16},
	{"sys_enter_args", "arg3", "args", 24},
	{"sys_enter_args", "arg4", "args", 32},
	{"sys_enter_args", "arg5", "args", 40},
	{"sys_exit", "nr", "id"},
	{"task_rename", "comm", "newcomm"},
	/* exec names the task by the file's last part: begin_new_exec() in fs/exec.c */
	{"sched_process_exec", "comm", "filename", 0, FTRACE_STEP_PATH},
	/* the tracepoint has none; 0 is "not known" to lib/model/names.h */
	{"sched_process_fork", "child_tgid", NULL, 0, FTRACE_STEP_ZERO},
};

int ftrace_plans_init(struct ftrace_plans *plans, struct ftrace_events *events,
	const struct ftrace_selection *selection, const struct event_schema *known, struct error *error)
{
	struct event_type *current, *comm;
	int code;

	*plans =
		(struct ftrace_plans){.events = events, .selection = selection, .known = known, .next_id = 1};
	plans->by_type = calloc(TYPES, sizeof(plans->by_type[0]));
	plans->schema = event_schema_create();
	if (!plans->by_type || !plans->schema) {
		ftrace_plans_deinit(plans);
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	code = event_schema_add_type(plans->schema, FTRACE_ID_CURRENT, EVENT_CURRENT_TASK, &current, error);
	if (!code)
		code = event_type_add_field(current, "pid", EVENT_FIELD_UNSIGNED, 32, error);
	if (!code)
		code = event_schema_add_type(plans->schema, FTRACE_ID_COMM, EVENT_TASK_COMM, &comm, error);
	if (!code)
		code = event_type_add_field(comm, "pid", EVENT_FIELD_UNSIGNED, 32, error);
	if (!code)
		code = event_type_add_field(comm, "comm", EVENT_FIELD_COMM, 0, error);
	return code;
}

static void destroy_plan(struct ftrace_plan *plan)
{
	while (plan) {
		struct ftrace_plan *wider = plan->wider;

		free(plan->steps);
		free(plan);
		plan = wider;
	}
}

void ftrace_plans_deinit(struct ftrace_plans *plans)
{
	for (uint32_t type = 0; plans->by_type && type < TYPES; type++)
		if (plans->by_type[type] && plans->by_type[type]->id)
			destroy_plan(plans->by_type[type]);
	free(plans->by_type);
	event_schema_destroy(plans->schema);
	*plans = (struct ftrace_plans){0};
}

/* Numbers with the short header first: to those who come first. */
static uint32_t take_id(struct ftrace_plans *plans)
{
	while (plans->next_id < EVENT_TYPES_MAX && plans->schema->types[plans->next_id])
		plans->next_id++;
	if (plans->next_id == 31) /* the long header's escape; as a number it is free, but shown oddly */
		plans->next_id++;
	return plans->next_id;
}

/* A guest may say that one lies anywhere. */
static const struct ftrace_field *find_field(const struct ftrace_event *event, const char *name)
{
	for (uint32_t i = 0; i < event->nr_fields; i++)
		if (!strcmp(event->fields[i].name, name))
			return event->fields[i].offset <= FTRACE_PLACE_MAX &&
					event->fields[i].bytes <= FTRACE_PLACE_MAX
				? &event->fields[i]
				: NULL;
	return NULL;
}

static const struct alias *find_alias(const char *event, const char *field)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(aliases[i].event, event) && !strcmp(aliases[i].field, field))
			return &aliases[i];
	return NULL;
}

static struct ftrace_plan *create_plan(uint32_t nr_steps)
{
	struct ftrace_plan *plan = calloc(1, sizeof(*plan));

	if (plan)
		plan->steps = calloc(nr_steps ? nr_steps : 1, sizeof(plan->steps[0]));
	if (plan && !plan->steps) {
		free(plan);
		return NULL;
	}
	return plan;
}

static void add_step(struct ftrace_plan *plan, const struct ftrace_step *step)
{
	uint32_t end = (uint32_t)step->from + step->from_bytes;
	struct ftrace_step next = *step;

	if (!plan->nr_steps || !ftrace_step_join(&plan->steps[plan->nr_steps - 1], &next))
		plan->steps[plan->nr_steps++] = next;
	if (end > plan->need_bytes)
		plan->need_bytes = (uint16_t)end;
}

/* Its steps are complete. */
static void close_plan(struct ftrace_plan *plan, uint16_t fixed_bytes)
{
	bool copied = true;

	plan->fixed_bytes = plan->clear_bytes = fixed_bytes;
	while (plan->clear_bytes && copied) {
		copied = false;
		for (unsigned i = 0; i < plan->nr_steps && !copied; i++) {
			const struct ftrace_step *step = &plan->steps[i];

			copied = step->kind == FTRACE_STEP_COPY && plan->clear_bytes > step->byte &&
				plan->clear_bytes <= step->byte + step->from_bytes;
		}
		plan->clear_bytes -= copied;
	}
}

/* Where a field of one of our layouts comes from. False: this tracepoint has nothing for it. */
static bool find_source(const struct ftrace_event *event, const struct event_type *layout,
	const struct event_field *field, struct ftrace_step *step)
{
	const struct alias *alias = find_alias(layout->name, field->name);
	const struct ftrace_field *source;

	*step = ftrace_step_to(field);
	if (alias && alias->kind == FTRACE_STEP_ZERO) {
		step->kind = FTRACE_STEP_ZERO;
		return true;
	}
	source = find_field(event, alias ? alias->source : field->name);
	if (!source || (alias && alias->offset && source->bytes < alias->offset + 8u))
		return false;
	if (alias && source->kind == FTRACE_FIELD_ARRAY) { /* args[N] */
		if (source->bytes < alias->offset + 8u || field->kind == EVENT_FIELD_COMM)
			return false;
		step->kind = step->bits == 64 ? FTRACE_STEP_COPY : step->kind;
		step->from = (uint16_t)(source->offset + alias->offset);
		step->from_bytes = 8;
		return true;
	}
	return ftrace_step_from(step, source, alias ? alias->kind : FTRACE_STEP_INTEGER);
}

/* A plan for one of our layouts, or NULL. */
static struct ftrace_plan *plan_known(const struct ftrace_event *event, const struct event_type *layout)
{
	struct ftrace_plan *plan = create_plan(layout->nr_fields);

	for (unsigned i = 0; plan && i < layout->nr_fields; i++) {
		struct ftrace_step step;

		if (!find_source(event, layout, &layout->fields[i], &step)) {
			destroy_plan(plan);
			return NULL;
		}
		add_step(plan, &step);
	}
	if (plan)
		close_plan(plan, layout->fixed_bytes);
	return plan;
}

static bool copy_type(struct ftrace_plans *plans, const struct event_type *layout, uint32_t id)
{
	struct event_type *copy;

	if (event_schema_add_type(plans->schema, id, layout->name, &copy, NULL))
		return false;
	*copy = *layout;
	copy->id = id;
	return true;
}

/* All of our layouts of that name, the narrowest first. */
static struct ftrace_plan *plan_by_layouts(
	struct ftrace_plans *plans, const struct ftrace_event *event, const char *name)
{
	struct ftrace_plan *first = NULL, **at;

	for (uint32_t id = 1; id < EVENT_TYPES_MAX; id++) {
		const struct event_type *layout = plans->known->types[id];
		struct ftrace_plan *plan;

		if (!layout || strcmp(layout->name, name))
			continue;
		plan = plan_known(event, layout);
		if (!plan)
			continue;
		plan->id = take_id(plans);
		if (!copy_type(plans, layout, plan->id)) {
			destroy_plan(plan);
			continue;
		}
		for (at = &first; *at && (*at)->fixed_bytes <= plan->fixed_bytes;)
			at = &(*at)->wider;
		plan->wider = *at;
		*at = plan;
	}
	return first;
}

/* Integers first, then what has a length of its own: as our layouts want it. */
static int add_fields(
	const struct ftrace_event *event, struct event_type *type, struct ftrace_plan *plan, bool tails)
{
	for (uint32_t i = 0; i < event->nr_fields; i++) {
		const struct ftrace_field *source = &event->fields[i];
		const struct event_field *field = &type->fields[type->nr_fields];
		struct ftrace_step step;
		unsigned bits;
		enum event_field_kind kind = ftrace_step_natural(source, &bits);
		int code;

		if ((kind == EVENT_FIELD_TEXT || kind == EVENT_FIELD_BYTES) != tails)
			continue;
		code = event_type_add_field(type, source->name, kind, bits, NULL);
		if (code == -EEXIST) /* two of a name: the first is shown */
			continue;
		if (code)
			return code;
		step = ftrace_step_to(field);
		if (!ftrace_step_from(&step, source, FTRACE_STEP_INTEGER))
			return -EINVAL;
		add_step(plan, &step);
	}
	return 0;
}

/* A layout of its own, with all fields of the tracepoint. */
static struct ftrace_plan *plan_natural(struct ftrace_plans *plans, const struct ftrace_event *event)
{
	struct ftrace_plan *plan = create_plan(event->nr_fields);
	struct event_type *type;

	if (!plan)
		return NULL;
	plan->id = take_id(plans);
	if (event_schema_add_type(plans->schema, plan->id, event->name, &type, NULL)) {
		destroy_plan(plan);
		return NULL;
	}
	if (add_fields(event, type, plan, false) || add_fields(event, type, plan, true)) {
		/* too many or too large fields: the bytes as they are */
		const char name[] = "raw";
		struct event_type empty = {.id = type->id};

		memcpy(empty.name, type->name, sizeof(empty.name));
		*type = empty;
		plan->nr_steps = plan->need_bytes = 0;
		event_type_add_field(type, name, EVENT_FIELD_BYTES, 0, NULL);
		add_step(plan,
			&(struct ftrace_step){.kind = FTRACE_STEP_TAIL,
				.source = FTRACE_FIELD_TAIL_BYTES,
				.byte = type->fields[0].byte_offset});
	}
	close_plan(plan, type->fixed_bytes);
	return plan;
}

/* A type that is in no list, but in the ring. */
static struct ftrace_plan *plan_unknown(struct ftrace_plans *plans, uint16_t type)
{
	struct ftrace_event *event = calloc(1, sizeof(*event) + sizeof(event->fields[0]));
	struct ftrace_plan *plan;

	if (!event)
		return NULL;
	event->type = type;
	snprintf(event->name, sizeof(event->name), "ftrace_type_%u", type);
	event->nr_fields = 1;
	event->fields[0] = (struct ftrace_field){.name = "raw", .kind = FTRACE_FIELD_TAIL_BYTES};
	plan = plan_natural(plans, event);
	free(event);
	return plan;
}

/* A fork, exec or rename in our layout. */
static void find_renamed(const struct ftrace_plans *plans, struct ftrace_plan *plan)
{
	const struct event_type *type = plans->schema->types[plan->id];
	const struct event_field *pid = event_type_find_field(type, "child_pid");
	const struct event_field *comm = event_type_find_field(type, "child_comm");

	if (!pid)
		pid = event_type_find_field(type, "pid");
	if (!comm)
		comm = event_type_find_field(type, "comm");
	if (!pid || !comm || comm->kind != EVENT_FIELD_COMM ||
		(strcmp(type->name, "sched_process_fork") && strcmp(type->name, "sched_process_exec") &&
			strcmp(type->name, "task_rename")))
		return;
	plan->renames = true;
	plan->renamed_pid = pid->byte_offset;
	plan->renamed_comm = comm->byte_offset;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void find_names(const struct ftrace_event *event, struct ftrace_plan *plan)
{
	const struct ftrace_field *pid = find_field(event, "next_pid"),
				  *comm = find_field(event, "next_comm");
	const struct ftrace_field *irq = find_field(event, "irq"), *name = find_field(event, "name");
	uint32_t need = 0;

	if (!strcmp(event->name, "sched_switch") && pid && comm && pid->bytes == 4 &&
		comm->bytes == COMM_SIZE) {
		plan->is_switch = true;
		plan->pid_offset = (uint16_t)pid->offset;
		plan->comm_offset = (uint16_t)comm->offset;
		need = larger(pid->offset + pid->bytes, comm->offset + comm->bytes);
	} else if (!strcmp(event->name, "irq_handler_entry") && irq && name && irq->bytes == 4 &&
		name->kind == FTRACE_FIELD_DYNAMIC_TEXT) {
		plan->irq_offset = (uint16_t)irq->offset;
		plan->irq_name_offset = (uint16_t)name->offset;
		need = larger(irq->offset + irq->bytes, name->offset + name->bytes);
	}
	for (; plan; plan = plan->wider)
		plan->need_bytes = (uint16_t)larger(plan->need_bytes, need);
}

const struct ftrace_plan *ftrace_plans_make(struct ftrace_plans *plans, uint16_t type)
{
	const struct ftrace_event *event = ftrace_events_find(plans->events, type);
	struct ftrace_plan *plan;

	if (event && !ftrace_selection_has(plans->selection, event->system, event->name)) {
		plans->by_type[type] = (struct ftrace_plan *)&ftrace_plan_skip;
		return NULL;
	}
	if (!event) {
		/* the list of events may be behind: say "unknown" only where nothing was selected by name */
		if (plans->selection->nr_words)
			return NULL;
		plan = plan_unknown(plans, type);
	} else if (!strcmp(event->name, "sys_enter") && plans->selection->syscall_args) {
		plan = plan_by_layouts(plans, event, "sys_enter_args");
	} else {
		plan = plan_by_layouts(plans, event, event->name);
	}
	if (!plan && event)
		plan = plan_natural(plans, event);
	if (!plan) {
		plans->by_type[type] = (struct ftrace_plan *)&ftrace_plan_none;
		return NULL;
	}
	if (event)
		find_names(event, plan);
	find_renamed(plans, plan);
	plans->by_type[type] = plan;
	plans->has_grown = true;
	return plan;
}
