/* SPDX-License-Identifier: MIT */
/* How the events of a host machine are shown: its vCPU, then what happened to it. */
#include "tools/hypertrace/dump.h"

#include <inttypes.h>

#include "lib/model/exit_reasons.h"
#include "lib/model/vcpu_model.h"
#include "tools/hypertrace/dump_put.h"

static uint64_t value(const struct dump_type *type, const struct trace_event *event, int field)
{
	return event_field_value(type->fields[field], event->payload);
}

/* "vm1/0 ", or the thread's number where the trace does not know it. Fields 0 and 1: tid, vcpu. */
static char *put_vcpu(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	const struct trace_machine_info *info = dump->machines[event->machine].machine->info;
	uint32_t tid = (uint32_t)value(type, event, 0);

	for (size_t i = 0; i < info->nr_vms; i++) {
		const struct trace_vm_info *vm = &info->vms[i];
		const char *name = vm->machine[0] ? vm->machine : vm->name;

		for (size_t j = 0; j < vm->nr_vcpus; j++) {
			if (vm->vcpus[j].tid != tid || !name[0])
				continue;
			at = put_foreign(at, name, strnlen(name, 63));
			*at++ = '/';
			return put_unsigned(at, vm->vcpus[j].vcpu);
		}
	}
	at = put_unsigned(put_literal(at, "thread "), tid);
	*at++ = '/';
	return put_unsigned(at, value(type, event, 1));
}

static char *put_exit(const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint64_t flags = value(type, event, 2);
	char buffer[EXIT_REASON_NAME_BYTES];

	at = put_string(at, exit_reason_name(flags & VCPU_EXIT_ISA, (uint32_t)value(type, event, 3), buffer));
	if (flags & VCPU_EXIT_HEADLESS)
		at = put_literal(at, " (its beginning was not seen)");
	else if (value(type, event, 4) || (flags & VCPU_EXIT_ISA) != VCPU_EXIT_ISA_XEN_PV)
		at = put_literal(put_us(put_literal(at, " took "), value(type, event, 4)), " us");
	if (value(type, event, 5) || (flags & VCPU_EXIT_ISA) != VCPU_EXIT_ISA_XEN_PV)
		at = put_hex(put_literal(at, " rip="), value(type, event, 5));
	if (flags & VCPU_EXIT_GUEST_USER)
		at = put_literal(at, " user-mode");
	if (flags & VCPU_EXIT_NESTED)
		at = put_literal(at, " nested");
	if (flags & VCPU_EXIT_USER)
		at = put_literal(at, " to-VMM");
	if (flags & VCPU_EXIT_HALTED)
		at = put_literal(at, " halted");
	if (flags & VCPU_EXIT_LOST_PCPU)
		at = put_literal(at, " lost-pCPU");
	return at;
}

char *dump_host_exit(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_vcpu(dump, type, event, at);
	*at++ = ' ';
	return put_exit(type, event, at);
}

char *dump_host_hypercall(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_vcpu(dump, type, event, at);
	at = put_hex(put_literal(at, " nr="), value(type, event, 6));
	for (int i = 0; i < 4; i++) {
		at = put_literal(at, " a");
		*at++ = (char)('0' + i);
		*at++ = '=';
		at = put_hex(at, value(type, event, 7 + i));
	}
	*at++ = ' ';
	return put_exit(type, event, at);
}

char *dump_host_histogram(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	char buffer[EXIT_REASON_NAME_BYTES];

	at = put_vcpu(dump, type, event, at);
	*at++ = ' ';
	at = put_string(at,
		exit_reason_name(
			value(type, event, 2) & VCPU_EXIT_ISA, (uint32_t)value(type, event, 3), buffer));
	at = put_unsigned(put_literal(at, " count="), value(type, event, 4));
	at = put_literal(put_us(put_literal(at, " total="), value(type, event, 5)), " us");
	at = put_literal(put_us(put_literal(at, " min="), value(type, event, 6)), " us");
	return put_literal(put_us(put_literal(at, " max="), value(type, event, 7)), " us");
}

static char *put_task(
	const struct dump_type *type, const struct trace_event *event, int pid, int comm, char *at)
{
	const char *text = (const char *)event->payload + type->fields[comm]->byte_offset;

	at = put_foreign(at, text, strnlen(text, 16));
	*at++ = ':';
	return put_unsigned(at, value(type, event, pid));
}

char *dump_host_out(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	uint64_t state = value(type, event, 2);

	at = put_vcpu(dump, type, event, at);
	at = put_string(at,
		!state || state & 0x100 ? " preempted ==> "
			: state & 2     ? " waits ==> "
					: " sleeps ==> ");
	return put_task(type, event, 3, 4, at);
}

char *dump_host_in(struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_literal(put_vcpu(dump, type, event, at), " <== ");
	return put_task(type, event, 2, 3, at);
}

char *dump_host_waking(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_vcpu(dump, type, event, at);
	at = put_unsigned(put_literal(at, " CPU "), value(type, event, 2));
	return put_unsigned(put_literal(at, " by pid "), value(type, event, 3));
}

char *dump_host_migrate(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at)
{
	at = put_vcpu(dump, type, event, at);
	at = put_unsigned(put_literal(at, " CPU "), value(type, event, 2));
	return put_unsigned(put_literal(at, " ==> "), value(type, event, 3));
}
