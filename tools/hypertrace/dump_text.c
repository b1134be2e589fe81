/* SPDX-License-Identifier: MIT */
/*
 * A line as trace-cmd's users know it: " bash-1234 [001] 12.345678901: sched_switch: bash:1234 [120] S ==> …"
 */
#include <stdio.h>
#include <time.h>

#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/dump_put.h"

#define COMM_WIDTH 16
#define NAME_WIDTH 64 /* of a machine */

const char *dump_comm(const struct dump_machine *machine, uint32_t pid)
{
	const struct names_task *task = names_task(&machine->machine->names, pid);

	if (task)
		return task->comm;
	return pid ? "<...>" : "<idle>";
}

/* The machine's name where there are several, all as wide as the longest. */
static char *put_machine(const struct dump *dump, const struct dump_machine *machine, char *at)
{
	size_t width = 0;

	if (dump->trace->nr_machines < 2)
		return at;
	for (uint32_t i = 0; i < dump->trace->nr_machines; i++) {
		size_t length = strnlen(dump->trace->machines[i].name, NAME_WIDTH);

		width = length > width ? length : width;
	}
	return at + snprintf(at, NAME_WIDTH + 16, "%.*s: %*s", NAME_WIDTH, machine->machine->name,
		(int)(width - strnlen(machine->machine->name, NAME_WIDTH)), "");
}

/* That, then "comm-pid [cpu] ". */
static void make_prefix(
	struct dump *dump, struct dump_machine *machine, struct dump_cpu *cpu, uint32_t number, uint32_t pid)
{
	const char *comm = dump_comm(machine, pid);
	char *at = cpu->prefix, name[4 * COMM_WIDTH], *end;
	size_t width;

	at = put_machine(dump, machine, at);
	end = put_foreign(name, comm, strnlen(comm, COMM_WIDTH));
	width = (size_t)(end - name);
	for (; width < COMM_WIDTH; width++)
		*at++ = ' ';
	at = put_bytes(at, name, (size_t)(end - name));
	*at++ = '-';
	end = put_unsigned(at, pid);
	while (end - at < 7)
		*end++ = ' ';
	at = put_literal(end, " [");
	for (uint32_t ten = 100; ten > 1 && number < ten; ten /= 10)
		*at++ = '0';
	at = put_literal(put_unsigned(at, number), "] ");
	cpu->prefix_bytes = (uint8_t)(at - cpu->prefix);
	cpu->pid = pid;
	cpu->generation = machine->generation;
	cpu->known = true;
}

static void make_second(struct dump *dump, int64_t second)
{
	struct tm calendar;
	time_t clock = (time_t)second;

	dump->second = second;
	if (dump->time == DUMP_UTC && gmtime_r(&clock, &calendar))
		dump->second_bytes = (uint8_t)strftime(
			dump->second_text, sizeof(dump->second_text), "%Y-%m-%dT%H:%M:%S", &calendar);
	else
		dump->second_bytes = (uint8_t)snprintf(
			dump->second_text, sizeof(dump->second_text), "%5lld", (long long)second);
}

char *dump_text_time(struct dump *dump, const struct dump_machine *machine, int64_t unix_ns, char *at)
{
	const int64_t from_ns = dump->time == DUMP_RELATIVE ? dump->start_ns
		: dump->time == DUMP_MONOTONIC              ? machine->machine->realtime_offset_ns
							    : 0;
	/* a guest's clock may say anything: what is too far turns over */
	int64_t ns = (int64_t)((uint64_t)unix_ns - (uint64_t)from_ns), second;

	if (ns < 0 && dump->time != DUMP_UTC) {
		*at++ = '-';
		ns = ns == INT64_MIN ? INT64_MAX : -ns;
	}
	second = ns / 1000000000 - (ns % 1000000000 < 0);
	if (second != dump->second || !dump->second_bytes)
		make_second(dump, second);
	at = put_bytes(at, dump->second_text, dump->second_bytes);
	*at++ = '.';
	return put_nanoseconds(at, (uint32_t)(ns - second * 1000000000));
}

static char *put_tracepoint_label(
	struct dump_machine *machine, const struct dump_type *type, const struct trace_event *event, char *at)
{
	const char *name =
		dump_tracepoint_name(machine, (uint32_t)event_field_value(type->fields[0], event->payload));
	const char *colon = name ? strchr(name, ':') : NULL;
	char *begin = at;

	at = put_string(at, colon ? colon + 1 : "tracepoint");
	*at++ = ':';
	while (at - begin < 22)
		*at++ = ' ';
	return at;
}

char *dump_text_line(struct dump *dump, struct dump_machine *machine, struct dump_type *type,
	const struct trace_event *event, int64_t unix_ns, char *at)
{
	struct dump_cpu *cpu = &machine->cpus[event->cpu];

	if (event->type->id == TRACE_EVENT_LOST) {
		at = put_machine(dump, machine, at);
		at = put_unsigned(put_literal(at, "[CPU "), event->cpu);
		at = put_unsigned(
			put_literal(at, ": "), event_field_value(&event->type->fields[0], event->payload));
		return put_literal(at, " events lost]\n");
	}
	if (!cpu->known || cpu->pid != event->pid || cpu->generation != machine->generation)
		make_prefix(dump, machine, cpu, event->cpu, event->pid);
	at = put_bytes(at, cpu->prefix, cpu->prefix_bytes);
	at = dump_text_time(dump, machine, unix_ns, at);
	at = put_literal(at, ": ");
	if (type->generic)
		at = put_tracepoint_label(machine, type, event, at);
	else
		at = put_bytes(at, type->label, type->label_bytes);
	at = type->form(dump, type, event, at);
	if (dump->has_duration) {
		at = put_us(put_literal(at, " (took "), dump->duration_ns);
		at = put_literal(at, " us)");
	}
	*at++ = '\n';
	return at;
}
