/* SPDX-License-Identifier: MIT */
/* How the fields of each event are shown. A type without a form of its own shows "name=value" pairs. */
#include <string.h>

#include "abi/hypercall.h"
#include "abi/region.h"
#include "lib/analysis/machine_report.h"
#include "lib/model/syscall_names.h"
#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/dump_put.h"

static inline uint64_t value(const struct dump_type *type, const struct trace_event *event, int field)
{
	return event_field_value(type->fields[field], event->payload);
}

static inline struct dump_machine *machine_of(struct dump *dump, const struct trace_event *event)
{
	return &dump->machines[event->machine];
}

/* 16 bytes, or a NUL-terminated text. */
static char *put_comm(char *at, const char *comm)
{
	return put_foreign(at, comm, strnlen(comm, 16));
}

static char *put_task(const struct dump_machine *machine, uint32_t pid, char *at)
{
	at = put_comm(at, dump_comm(machine, pid));
	*at++ = ':';
	return put_unsigned(at, pid);
}

static char *put_bracketed(char *at, int64_t number)
{
	at = put_signed(put_literal(at, " ["), number);
	*at++ = ']';
	return at;
}

static char *put_text(const struct event_field *field, const struct trace_event *event, char *at)
{
	uint32_t bytes;
	const uint8_t *text = trace_event_text(event, field, &bytes);

	return put_foreign(at, (const char *)text, bytes);
}

static char *put_function(const struct dump_machine *machine, uint64_t address, char *at)
{
	uint64_t offset;
	const char *name = names_symbol(&machine->machine->names, address, &offset);

	if (!name)
		return put_hex(at, address);
	at = put_foreign(at, name, strnlen(name, 512));
	if (offset)
		at = put_hex(put_literal(at, "+"), offset);
	return at;
}

static char *put_syscall(uint64_t nr, char *at)
{
	const char *name = nr == SYSCALL_NONE ? "?" : syscall_name((uint16_t)nr);

	if (name)
		return put_string(at, name);
	return put_unsigned(put_literal(at, "NR "), nr);
}

/* The task states of events.def, as sched_switch prints them. */
static char *put_state(char *at, uint64_t state)
{
	static const struct {
		unsigned bit;
		char letter;
	} letters[] = {{1, 'S'}, {2, 'D'}, {4, 'T'}, {8, 't'}, {16, 'X'}, {32, 'Z'}, {64, 'P'}, {128, 'I'}};
	char *begin = at;

	if (state & 128)
		state &= ~2ull; /* an idle kernel thread sleeps without counting as D */
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (!(state & letters[i].bit))
			continue;
		if (at != begin)
			*at++ = '|';
		*at++ = letters[i].letter;
	}
	if (at == begin)
		*at++ = 'R';
	if (state & 256)
		*at++ = '+';
	return at;
}

static char *form_switch(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	const struct dump_machine *machine = machine_of(dump, event);
	const struct dump_cpu *cpu = &machine->cpus[event->cpu];

	at = put_task(machine, event->pid, at);
	if (cpu->prio_known)
		at = put_bracketed(at, cpu->prio);
	*at++ = ' ';
	at = put_state(at, value(type, event, 1));
	at = put_task(machine, (uint32_t)value(type, event, 0), put_literal(at, " ==> "));
	return put_bracketed(at, (int64_t)value(type, event, 2));
}

static char *form_waking(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint64_t cpu = value(type, event, 1);

	at = put_task(machine_of(dump, event), (uint32_t)value(type, event, 0), at);
	at = put_bracketed(at, (int64_t)value(type, event, 2));
	at = put_literal(at, " CPU:");
	for (uint64_t width = 100; width > 1 && cpu < width; width /= 10)
		*at++ = '0';
	return put_unsigned(at, cpu);
}

static char *form_migrate(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint32_t pid = (uint32_t)value(type, event, 0);

	at = put_task(machine_of(dump, event), pid, at);
	at = put_bracketed(at, (int64_t)value(type, event, 2));
	at = put_unsigned(put_literal(at, " CPU "), value(type, event, 3));
	return put_unsigned(put_literal(at, " ==> "), value(type, event, 1));
}

static char *form_fork(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_task(machine_of(dump, event), (uint32_t)value(type, event, 0), at);
	at = put_comm(
		put_literal(at, " forks "), (const char *)event->payload + type->fields[3]->byte_offset);
	*at++ = ':';
	at = put_unsigned(at, value(type, event, 1));
	if (value(type, event, 2) && value(type, event, 1) != value(type, event, 2))
		at = put_unsigned(put_literal(at, " tgid="), value(type, event, 2));
	return at;
}

static char *form_exec(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_text(type->fields[3], event, put_literal(at, "filename="));
	at = put_unsigned(put_literal(at, " pid="), value(type, event, 0));
	at = put_unsigned(put_literal(at, " old_pid="), value(type, event, 1));
	return put_comm(
		put_literal(at, " comm="), (const char *)event->payload + type->fields[2]->byte_offset);
}

static char *form_rename(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	at = put_unsigned(put_literal(at, "pid="), value(type, event, 0));
	return put_comm(
		put_literal(at, " comm="), (const char *)event->payload + type->fields[1]->byte_offset);
}

static char *form_exit(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	int64_t code = (int64_t)value(type, event, 1);

	at = put_task(machine_of(dump, event), (uint32_t)value(type, event, 0), at);
	/* as wait(2) has it: a signal's number, or eight bits above it */
	if (code & 0x7f)
		return put_signed(put_literal(at, " signal="), code & 0x7f);
	return put_signed(put_literal(at, " status="), code >> 8 & 0xff);
}

static char *form_irq(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint64_t irq = value(type, event, 0);
	const char *name = names_irq(&machine_of(dump, event)->machine->names, (uint32_t)irq);

	at = put_unsigned(put_literal(at, "irq="), irq);
	if (name)
		at = put_foreign(put_literal(at, " name="), name, strnlen(name, 256));
	if (type->fields[1])
		at = put_string(at, value(type, event, 1) ? " ret=handled" : " ret=unhandled");
	return at;
}

const char *dump_softirq_name(uint64_t vec)
{
	static const char *const names[] = {
		"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"};

	return vec < sizeof(names) / sizeof(names[0]) ? names[vec] : NULL;
}

static char *form_softirq(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint64_t vec = value(type, event, 0);
	const char *name = dump_softirq_name(vec);

	(void)dump;
	at = put_unsigned(put_literal(at, "vec="), vec);
	if (name) {
		at = put_string(put_literal(at, " [action="), name);
		*at++ = ']';
	}
	return at;
}

static char *form_sys_enter(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	at = put_syscall(value(type, event, 0), at);
	*at++ = '(';
	for (int i = 1; i < DUMP_FIELDS_MAX && type->fields[i]; i++) {
		if (i > 1)
			at = put_literal(at, ", ");
		at = put_hex(at, value(type, event, i));
	}
	*at++ = ')';
	return at;
}

static char *put_result(char *at, int64_t ret)
{
	const char *name = ret < 0 && ret >= -4095 ? strerrorname_np((int)-ret) : NULL;

	at = put_signed(at, ret);
	if (name) {
		*at++ = ' ';
		at = put_string(at, name);
	}
	return at;
}

static char *form_sys_exit(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_literal(put_syscall(dump->call, at), " = ");
	return put_result(at, (int64_t)value(type, event, 0));
}

static char *form_function(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	return put_function(machine_of(dump, event), value(type, event, 0), put_literal(at, "function="));
}

/* A call; where in the function it was seen says nothing. */
static char *form_call(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	const struct dump_machine *machine = machine_of(dump, event);
	const uint64_t address = value(type, event, 0);
	uint64_t offset;
	const char *name = names_symbol(&machine->machine->names, address, &offset);

	at = name ? put_foreign(at, name, strnlen(name, 512)) : put_hex(at, address);
	if (!type->fields[1])
		return at;
	at = put_us(put_literal(at, " took "),
		clock_map_duration_ns(&machine->machine->clock, event->tsc, value(type, event, 1)));
	return put_literal(at, " us");
}

static char *form_missed(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	static const char *const causes[] = {[HT_MISSED_SWITCHED] = "functions switched",
		[HT_MISSED_RECURSION] = "recursion",
		[HT_MISSED_RETURN] = "no room for their return",
		[HT_MISSED_IDLE] = "in an idle CPU"};
	const uint64_t cause = value(type, event, 0);

	(void)dump;
	at = put_string(at, cause < HT_MISSED_CAUSES ? causes[cause] : "calls missed");
	if (cause == HT_MISSED_SWITCHED)
		return at;
	return put_literal(put_unsigned(put_literal(at, ": "), value(type, event, 1)), " calls");
}

/* Bits of the page fault's error code: Intel SDM vol. 3, 4.7. */
static char *form_fault(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint64_t code = value(type, event, 2);

	at = put_hex(put_literal(at, "address="), value(type, event, 0));
	at = put_function(machine_of(dump, event), value(type, event, 1), put_literal(at, " ip="));
	at = put_hex(put_literal(at, " error_code="), code);
	at = put_string(at, code & 16 ? " exec" : code & 2 ? " write" : " read");
	return put_string(at, code & 1 ? " protection" : " not-present");
}

static char *form_text(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	return put_text(type->fields[0], event, at);
}

static char *form_span(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	const struct dump_machine *machine = machine_of(dump, event);
	enum filter_pair pair = (enum filter_pair)value(type, event, 0);
	uint64_t key = value(type, event, 1), result = value(type, event, 2), units = value(type, event, 3);
	const char *name = NULL;

	at = put_string(at, filter_pair_name(pair));
	*at++ = ' ';
	if (pair == FILTER_PAIR_SYSCALL)
		at = put_result(put_literal(put_syscall(key, at), " = "), (int64_t)result);
	else if (pair == FILTER_PAIR_HRTIMER || pair == FILTER_PAIR_TIMER)
		at = put_function(machine, result, put_literal(at, "function="));
	else
		at = put_unsigned(at, key);
	if (pair == FILTER_PAIR_IRQ)
		name = names_irq(&machine->machine->names, (uint32_t)key);
	else if (pair == FILTER_PAIR_SOFTIRQ)
		name = dump_softirq_name(key);
	if (name) {
		*at++ = ' ';
		at = put_foreign(at, name, strnlen(name, 256));
	}
	at = put_us(put_literal(at, " took "),
		clock_map_duration_ns(&machine->machine->clock, event->tsc, units));
	return put_literal(at, " us");
}

static char *form_tracepoint(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint32_t bytes;
	const uint8_t *raw = trace_event_text(event, type->fields[1], &bytes);

	return dump_tracepoint_fields(machine_of(dump, event), (uint32_t)value(type, event, 0), raw, bytes,
		event->cpu, event->tsc, at, false);
}

static char *put_raw(const uint8_t *bytes, uint32_t count, char *at)
{
	for (uint32_t i = 0; i < count; i++) {
		*at++ = "0123456789abcdef"[bytes[i] >> 4];
		*at++ = "0123456789abcdef"[bytes[i] & 15];
	}
	return at;
}

static char *form_end(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	at = put_string(at, machine_report_end_name((uint32_t)value(type, event, 0)));
	return put_text(type->fields[1], event, put_literal(at, ": "));
}

static char *form_stage(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	static const char *const names[HT_STAGES] = {[HT_STAGE_MODULE] = "module",
		[HT_STAGE_USER] = "user space",
		[HT_STAGE_REBOOT] = "reboot",
		[HT_STAGE_HALT] = "halt",
		[HT_STAGE_POWER_OFF] = "power-off",
		[HT_STAGE_PANIC] = "panic",
		[HT_STAGE_OOPS] = "oops",
		[HT_STAGE_STOPPED] = "stopped"};
	const uint64_t stage = value(type, event, 0);

	(void)dump;
	at = put_string(at, stage < HT_STAGES && names[stage] ? names[stage] : "stage");
	return put_text(type->fields[1], event, put_literal(at, ": "));
}

static char *form_generic(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	for (unsigned i = 0; i < type->type->nr_fields; i++) {
		const struct event_field *field = &type->type->fields[i];
		const uint8_t *bytes;
		uint32_t count;

		if (i)
			*at++ = ' ';
		at = put_string(at, field->name);
		*at++ = '=';
		switch (field->kind) {
		case EVENT_FIELD_UNSIGNED:
			at = put_unsigned(at, event_field_value(field, event->payload));
			break;
		case EVENT_FIELD_SIGNED:
			at = put_signed(at, event_field_signed(field, event->payload));
			break;
		case EVENT_FIELD_HEX:
		case EVENT_FIELD_CODE:
			/* a function's name, or what it is */
			at = put_function(
				machine_of(dump, event), event_field_value(field, event->payload), at);
			break;
		case EVENT_FIELD_COMM:
			at = put_comm(at, (const char *)event->payload + field->byte_offset);
			break;
		case EVENT_FIELD_TEXT:
			at = put_text(field, event, at);
			break;
		case EVENT_FIELD_BYTES:
			bytes = trace_event_text(event, field, &count);
			at = put_raw(bytes, count, at);
			break;
		}
	}
	return at;
}

/* A type must have these fields, each an integer unless its name begins with one of @ (comm), $ (text), # (bytes). */
static const struct {
	const char *event;
	dump_form *form;
	const char *fields[DUMP_FIELDS_MAX];
} forms[] = {
	{"sched_switch", form_switch, {"next_pid", "prev_state", "next_prio"}},
	{"sched_waking", form_waking, {"pid", "target_cpu", "prio"}},
	{"sched_wakeup_new", form_waking, {"pid", "target_cpu", "prio"}},
	{"sched_migrate_task", form_migrate, {"pid", "dest_cpu", "prio", "orig_cpu"}},
	{"sched_process_fork", form_fork, {"parent_pid", "child_pid", "child_tgid", "@child_comm"}},
	{"sched_process_exec", form_exec, {"pid", "old_pid", "@comm", "$filename"}},
	{"task_rename", form_rename, {"pid", "@comm"}},
	{EVENT_TASK_COMM, form_rename, {"pid", "@comm"}},
	{"sched_process_exit", form_exit, {"pid", "exit_code"}},
	{"irq_handler_entry", form_irq, {"irq"}},
	{"irq_handler_exit", form_irq, {"irq", "ret"}},
	{"softirq_raise", form_softirq, {"vec"}},
	{"softirq_entry", form_softirq, {"vec"}},
	{"softirq_exit", form_softirq, {"vec"}},
	{"sys_enter", form_sys_enter, {"nr"}},
	{"sys_enter_args", form_sys_enter, {"nr", "arg0", "arg1", "arg2", "arg3", "arg4", "arg5"}},
	{"sys_exit", form_sys_exit, {"ret"}},
	{"hrtimer_expire_entry", form_function, {"function"}},
	{"timer_expire_entry", form_function, {"function"}},
	{"func_entry", form_call, {"function"}},
	{"func_span", form_call, {"function", "duration_tsc"}},
	{"func_missed", form_missed, {"cause", "count"}},
	{"page_fault_user", form_fault, {"address", "ip", "error_code"}},
	{"page_fault_kernel", form_fault, {"address", "ip", "error_code"}},
	{"marker", form_text, {"$text"}},
	{"guest_end", form_end, {"reason", "$message"}},
	{"stage", form_stage, {"stage", "$message"}},
	{"span", form_span, {"pair", "key", "value", "duration_tsc"}},
	{"tracepoint", form_tracepoint, {"format", "#raw"}},
	{"kvm_exit", dump_host_exit, {"tid", "vcpu", "flags", "reason", "duration", "rip"}},
	{"kvm_hypercall", dump_host_hypercall,
		{"tid", "vcpu", "flags", "reason", "duration", "rip", "nr", "a0", "a1", "a2", "a3"}},
	{"exit_histogram", dump_host_histogram,
		{"tid", "vcpu", "flags", "reason", "count", "total", "min", "max"}},
	{"vcpu_out", dump_host_out, {"tid", "vcpu", "prev_state", "next_pid", "@next_comm"}},
	{"vcpu_in", dump_host_in, {"tid", "vcpu", "prev_pid", "@prev_comm"}},
	{"vcpu_waking", dump_host_waking, {"tid", "vcpu", "target_cpu", "waker_pid"}},
	{"vcpu_migrate", dump_host_migrate, {"tid", "vcpu", "orig_cpu", "dest_cpu"}},
};

static bool kind_fits(enum event_field_kind kind, char mark)
{
	switch (mark) {
	case '@':
		return kind == EVENT_FIELD_COMM;
	case '$':
		return kind == EVENT_FIELD_TEXT;
	case '#':
		return kind == EVENT_FIELD_BYTES;
	default:
		return event_field_is_integer(kind);
	}
}

static bool find_fields(struct dump_type *type, const char *const names[DUMP_FIELDS_MAX])
{
	for (int i = 0; i < DUMP_FIELDS_MAX && names[i]; i++) {
		char mark = names[i][0];
		const char *name = strchr("@$#", mark) ? names[i] + 1 : names[i];

		type->fields[i] = event_type_find_field(type->type, name);
		if (!type->fields[i] || !kind_fits(type->fields[i]->kind, mark))
			return false;
	}
	return true;
}

void dump_forms_choose(struct dump_type *type)
{
	type->form = form_generic;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i].event, type->type->name) && find_fields(type, forms[i].fields))
			type->form = forms[i].form;
	type->names_task = type->form == form_fork || type->form == form_exec || type->form == form_rename;
	type->names_other = type->form == dump_host_out || type->form == dump_host_in;
	type->switches = type->form == form_switch;
	type->generic = type->form == form_tracepoint;
}
