/* SPDX-License-Identifier: MIT */
/* Forms of the machine `host`: collector_events.def says what the fields are. */
#include <string.h>

#include "lib/model/exit_reasons.h"
#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/dump_put.h"

static inline uint64_t value(const struct dump_type *type, const struct trace_event *event, int field)
{
	return event_field_value(type->fields[field], event->payload);
}

static char *put_vcpu(char *at, uint64_t vcpu)
{
	at = put_unsigned(put_literal(at, "vcpu "), vcpu);
	*at++ = ' ';
	return at;
}

static char *put_reason(char *at, uint64_t flags, uint64_t reason)
{
	char buffer[EXIT_REASON_NAME_BYTES];

	return put_string(at, exit_reason_name(flags & 3, (uint32_t)reason, buffer));
}

/* Fields: vcpu, flags, reason, duration, rip. */
static char *put_exit(const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_vcpu(at, value(type, event, 0));
	at = put_reason(at, value(type, event, 1), value(type, event, 2));
	return put_hex(put_literal(at, " rip "), value(type, event, 4));
}

static char *put_duration(const struct dump_type *type, const struct trace_event *event, char *at)
{
	static const struct {
		unsigned bit;
		const char *text;
	} words[] = {{1 << 2, ", user space"}, {1 << 3, ", lost its pCPU"}, {1 << 4, ", halted"},
		{1 << 7, ", nested"}};
	const uint64_t flags = value(type, event, 1);

	if (flags & 1 << 5)
		at = put_literal(at, " (its begin was not seen");
	else
		at = put_literal(put_us(put_literal(at, " ("), value(type, event, 3)), " us");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (flags & words[i].bit)
			at = put_string(at, words[i].text);
	*at++ = ')';
	return at;
}

char *dump_host_exit(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	return put_duration(type, event, put_exit(type, event, at));
}

char *dump_host_hypercall(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	static const char *const names[] = {" nr ", " a0 ", " a1 ", " a2 ", " a3 "};

	(void)dump;
	at = put_exit(type, event, at);
	for (int i = 0; i < 5; i++)
		at = put_hex(put_string(at, names[i]), value(type, event, 5 + i));
	return put_duration(type, event, at);
}

/* Fields: vcpu, flags, reason, count, total, min, max. */
char *dump_host_histogram(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	at = put_vcpu(at, value(type, event, 0));
	at = put_reason(at, value(type, event, 1), value(type, event, 2));
	at = put_unsigned(put_literal(at, " count "), value(type, event, 3));
	at = put_literal(put_us(put_literal(at, " total "), value(type, event, 4)), " us");
	at = put_literal(put_us(put_literal(at, " min "), value(type, event, 5)), " us");
	return put_literal(put_us(put_literal(at, " max "), value(type, event, 6)), " us");
}

/* Fields of a task: pid and comm; 0 is the idle one. */
static char *put_task(
	const struct dump_type *type, const struct trace_event *event, int pid, int comm, char *at)
{
	const char *text = (const char *)event->payload + type->fields[comm]->byte_offset;

	at = put_foreign(at, text, strnlen(text, 16));
	*at++ = ':';
	return put_unsigned(at, value(type, event, pid));
}

static const char *why_out(uint64_t state)
{
	return state & 0x100 ? "preempted" : !(state & 0xff) ? "yielded" : state & 1 ? "sleeps" : "waits";
}

/* Fields: vcpu, prev_state, next_pid, next_comm. */
char *dump_host_out(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	at = put_string(put_vcpu(at, value(type, event, 0)), why_out(value(type, event, 1)));
	return put_task(type, event, 2, 3, put_literal(at, " ==> "));
}

/* Fields: vcpu, prev_pid, prev_comm. */
char *dump_host_in(struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	(void)dump;
	at = put_vcpu(at, value(type, event, 0));
	return put_task(type, event, 1, 2, put_literal(at, "<== "));
}
