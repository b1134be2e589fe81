/* SPDX-License-Identifier: MIT */
/* One JSON object a line: what is stored, under its own names, and what the reader knows besides: also the nr of exits. */
#include "lib/model/syscall_names.h"
#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/dump_put.h"

static char *put_json(char *at, const char *text, size_t bytes)
{
	*at++ = '"';
	at += text_escape_json(at, text, bytes);
	*at++ = '"';
	return at;
}

static char *put_key(char *at, const char *name)
{
	*at++ = '"';
	at = put_string(at, name);
	return put_literal(at, "\":");
}

/* Addresses are beyond what a JSON number holds exactly. */
static char *put_field(const struct event_field *field, const struct trace_event *event, char *at)
{
	const uint8_t *bytes = event->payload + field->byte_offset;
	uint32_t count;

	switch (field->kind) {
	case EVENT_FIELD_UNSIGNED:
		return put_unsigned(at, event_field_value(field, event->payload));
	case EVENT_FIELD_SIGNED:
		return put_signed(at, event_field_signed(field, event->payload));
	case EVENT_FIELD_HEX:
	case EVENT_FIELD_CODE:
		*at++ = '"';
		at = put_hex(at, event_field_value(field, event->payload));
		*at++ = '"';
		return at;
	case EVENT_FIELD_COMM:
		return put_json(at, (const char *)bytes, strnlen((const char *)bytes, 16));
	case EVENT_FIELD_TEXT:
		bytes = trace_event_text(event, field, &count);
		return put_json(at, (const char *)bytes, count);
	case EVENT_FIELD_BYTES:
		bytes = trace_event_text(event, field, &count);
		*at++ = '"';
		for (uint32_t i = 0; i < count; i++) {
			*at++ = "0123456789abcdef"[bytes[i] >> 4];
			*at++ = "0123456789abcdef"[bytes[i] & 15];
		}
		*at++ = '"';
		return at;
	}
	return at;
}

/* An integer of one of these names, ended by NULL; the first there is. */
static const struct event_field *find_integer(const struct event_type *type, const char *const *names)
{
	const struct event_field *field = NULL;

	for (; !field && *names; names++)
		field = event_type_find_field(type, *names);
	return field && event_field_is_integer(field->kind) ? field : NULL;
}

void dump_json_choose(struct dump_type *type)
{
	type->irq = find_integer(type->type, (const char *const[]){"irq", NULL});
	type->vec = find_integer(type->type, (const char *const[]){"vec", NULL});
	type->function = find_integer(type->type, (const char *const[]){"function", "func", "ip", NULL});
}

static char *put_names(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event, char *at)
{
	uint16_t nr = type->call == DUMP_CALL_EXIT ? dump->call
		: type->nr                         ? (uint16_t)event_field_value(type->nr, event->payload)
						   : SYSCALL_NONE;
	const struct names *names = &machine->machine->names;
	const char *name;
	uint64_t offset;

	if ((name = syscall_name(nr)))
		at = put_json(put_literal(at, ",\"syscall\":"), name, strlen(name));
	if (type->irq && (name = names_irq(names, (uint32_t)event_field_value(type->irq, event->payload))))
		at = put_json(put_literal(at, ",\"irq_name\":"), name, strnlen(name, 256));
	if (type->vec && (name = dump_softirq_name(event_field_value(type->vec, event->payload))))
		at = put_json(put_literal(at, ",\"softirq\":"), name, strlen(name));
	if (type->function &&
		(name = names_symbol(names, event_field_value(type->function, event->payload), &offset)))
		at = put_json(put_literal(at, ",\"symbol\":"), name, strnlen(name, 512));
	return at;
}

static char *put_tracepoint(
	struct dump_machine *machine, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint32_t bytes, format = (uint32_t)event_field_value(type->fields[0], event->payload);
	const uint8_t *raw = trace_event_text(event, type->fields[1], &bytes);
	const char *name = dump_tracepoint_name(machine, format);

	if (!name)
		return at;
	at = put_json(put_literal(at, ",\"tracepoint\":"), name, strlen(name));
	at = put_literal(at, ",\"text\":\"");
	at = dump_tracepoint_fields(machine, format, raw, bytes, event->cpu, event->tsc, at, true);
	*at++ = '"';
	return at;
}

char *dump_json_line(struct dump *dump, struct dump_machine *machine, struct dump_type *type,
	const struct trace_event *event, int64_t unix_ns, char *at)
{
	const char *comm = dump_comm(machine, event->pid);

	at = put_json(
		put_literal(at, "{\"machine\":"), machine->machine->name, strlen(machine->machine->name));
	at = put_signed(put_literal(at, ",\"time_ns\":"), unix_ns);
	at = put_unsigned(put_literal(at, ",\"cpu\":"), event->cpu);
	at = put_unsigned(put_literal(at, ",\"pid\":"), event->pid);
	at = put_json(put_literal(at, ",\"comm\":"), comm, strnlen(comm, 16));
	at = put_json(put_literal(at, ",\"event\":"), type->type->name, strlen(type->type->name));
	if (dump->has_duration)
		at = put_unsigned(put_literal(at, ",\"duration_ns\":"), dump->duration_ns);
	at = put_names(dump, machine, type, event, at);
	if (type->generic)
		at = put_tracepoint(machine, type, event, at);
	at = put_literal(at, ",\"fields\":{");
	for (unsigned i = 0; i < type->type->nr_fields; i++) {
		if (i)
			*at++ = ',';
		at = put_field(&type->type->fields[i], event, put_key(at, type->type->fields[i].name));
	}
	/* most exits leave their number to the enter before */
	if (type->call == DUMP_CALL_EXIT && !type->nr && dump->call != SYSCALL_NONE)
		at = put_unsigned(put_literal(at, ",\"nr\":"), dump->call);
	return put_literal(at, "}}\n");
}
