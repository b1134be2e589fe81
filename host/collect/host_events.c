/* SPDX-License-Identifier: MIT */
#include "host/collect/host_events.h"

#include <errno.h>
#include <string.h>

#define DURATION_MAX \
	((UINT64_C(1) << 40) - 1) /* 18 minutes; a vCPU that halts for longer did so for "18 minutes" */
#define TID_MAX        ((UINT32_C(1) << 24) - 1)
#define FIRST_HALF_END (UINT64_C(1) << 47) /* of the addresses: user space's */

struct field_definition {
	const char *name;
	enum event_field_kind kind;
	unsigned bits;
};

#define U(field, bits) {#field, EVENT_FIELD_UNSIGNED, bits},
#define S(field, bits) {#field, EVENT_FIELD_SIGNED, bits},
#define X(field, bits) {#field, EVENT_FIELD_HEX, bits},
#define C(field)       {#field, EVENT_FIELD_COMM, 128},
#define B(field)       {#field, EVENT_FIELD_BYTES, 16},
#define HT_LAYOUT(id, identifier, name, group, ...) \
	static const struct field_definition fields_of_##identifier[] = {__VA_ARGS__{NULL}};
#include "host/collect/collector_events.def"
#undef U
#undef S
#undef X
#undef C
#undef B

static const struct {
	uint32_t id;
	const char *name;
	const struct field_definition *fields; /* ends with a NULL name */
} definitions[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) {id, #name, fields_of_##identifier},
#include "host/collect/collector_events.def"
};
#define NR_DEFINITIONS (sizeof(definitions) / sizeof(definitions[0]))

struct event_schema *host_events_schema(struct error *error)
{
	struct event_schema *schema = event_schema_create();
	struct event_type *type;
	int code = 0;

	if (!schema) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; !code && i < NR_DEFINITIONS; i++) {
		code = event_schema_add_type(schema, definitions[i].id, definitions[i].name, &type, error);
		for (const struct field_definition *field = definitions[i].fields; !code && field->name;
			field++)
			code = event_type_add_field(type, field->name, field->kind, field->bits, error);
	}
	if (!code)
		code = event_schema_check(schema, error);
	if (code) {
		event_schema_destroy(schema);
		return NULL;
	}
	return schema;
}

/* The lowest bytes of a value; what does not fit is cut off. */
static uint8_t *put(uint8_t *at, unsigned bits, uint64_t value)
{
	memcpy(at, &value, bits / 8);
	return at + bits / 8;
}

static uint8_t *put_vcpu(uint8_t *at, const struct collector_record *record)
{
	at = put(at, 24, record->tid & TID_MAX);
	return put(at, 16, record->vcpu);
}

static uint64_t limited(uint64_t duration_ns)
{
	return duration_ns < DURATION_MAX ? duration_ns : DURATION_MAX;
}

static uint8_t *put_exit(uint8_t *at, const struct collector_record *record)
{
	const uint64_t rip = record->words[1];
	uint8_t flags = record->flags & (uint8_t)~COLLECTOR_USER_MODE;

	if (rip && rip < FIRST_HALF_END)
		flags |= COLLECTOR_USER_MODE;
	at = put_vcpu(at, record);
	at = put(at, 8, flags);
	at = put(at, 32, record->value);
	at = put(at, 40, limited(record->words[0]));
	return put(at, 64, rip);
}

static uint8_t *put_hypercall(uint8_t *at, const struct collector_event *event)
{
	at = put_exit(at, &event->record);
	for (int i = 2; i < 5; i++)
		at = put(at, 64, event->record.words[i]);
	at = put(at, 64, event->more[0]);
	return put(at, 64, event->more[1]);
}

static uint8_t *put_task(uint8_t *at, const struct collector_task *task)
{
	at = put(at, 32, task->pid);
	at = put(at, 32, task->tgid);
	memcpy(at, task->comm, sizeof(task->comm));
	return at + sizeof(task->comm);
}

static uint8_t *put_words(uint8_t *at, const struct collector_record *record, int count)
{
	at = put_vcpu(at, record);
	for (int i = 0; i < count; i++)
		at = put(at, 64, record->words[i]);
	return at;
}

/* Of level full. NULL: none of them. */
static uint8_t *put_detail(uint8_t *at, const struct collector_record *record, uint32_t *id)
{
	switch (record->type) {
	case COLLECTOR_USERSPACE_EXIT:
		*id = HOST_EVENT_kvm_userspace_exit;
		at = put(put_vcpu(at, record), 32, record->value);
		return put(at, 32, record->words[0]);
	case COLLECTOR_PAGE_FAULT:
		*id = HOST_EVENT_kvm_page_fault;
		return put_words(at, record, 3);
	case COLLECTOR_INJ_VIRQ:
		*id = HOST_EVENT_kvm_inj_virq;
		return put(put_vcpu(at, record), 32, record->value);
	case COLLECTOR_HALT_POLL:
		*id = HOST_EVENT_kvm_halt_poll;
		at = put(put_vcpu(at, record), 40, limited(record->words[0]));
		at = put(at, 8, record->value & 1);
		return put(at, 8, record->value >> 1 & 1);
	case COLLECTOR_EXIT_INFO:
		*id = HOST_EVENT_kvm_exit_info;
		at = put(put_words(at, record, 2), 32, record->value);
		return put(at, 32, record->words[2]);
	}
	return NULL;
}

static uint8_t *put_sched(uint8_t *at, const struct collector_record *record, uint32_t *id)
{
	switch (record->type) {
	case COLLECTOR_VCPU_OUT:
		*id = HOST_EVENT_vcpu_out;
		return put_task(put(put_vcpu(at, record), 16, record->value), &record->task);
	case COLLECTOR_VCPU_IN:
		*id = HOST_EVENT_vcpu_in;
		return put_task(put_vcpu(at, record), &record->task);
	case COLLECTOR_VCPU_WAKING:
		*id = HOST_EVENT_vcpu_waking;
		return put(put(put_vcpu(at, record), 16, record->value), 32, record->task.pid);
	case COLLECTOR_VCPU_MIGRATE:
		*id = HOST_EVENT_vcpu_migrate;
		return put(put(put_vcpu(at, record), 16, record->value), 16, record->words[0]);
	}
	return NULL;
}

uint32_t host_events_encode(const struct collector_event *event, uint8_t *at, uint32_t *bytes)
{
	const struct collector_record *record = &event->record;
	uint8_t *end = NULL;
	uint32_t id = 0;

	switch (record->type) {
	case COLLECTOR_EXIT:
		id = HOST_EVENT_kvm_exit;
		end = put_exit(at, record);
		break;
	case COLLECTOR_HYPERCALL:
		id = HOST_EVENT_kvm_hypercall;
		end = put_hypercall(at, event);
		break;
	case COLLECTOR_TSC_OFFSET:
		id = HOST_EVENT_kvm_write_tsc_offset;
		end = put_words(at, record, 2);
		break;
	default:
		end = put_sched(at, record, &id);
		if (!end)
			end = put_detail(at, record, &id);
	}
	*bytes = end ? (uint32_t)(end - at) : 0;
	return id;
}

uint32_t host_events_encode_histogram(const struct host_histogram *histogram, uint8_t *at)
{
	uint8_t *const begin = at;

	at = put(at, 24, histogram->tid & TID_MAX);
	at = put(at, 16, histogram->vcpu);
	at = put(at, 8, histogram->flags);
	at = put(at, 32, histogram->reason);
	at = put(at, 64, histogram->count);
	at = put(at, 64, histogram->total_ns);
	at = put(at, 40, limited(histogram->min_ns));
	at = put(at, 40, limited(histogram->max_ns));
	at = put(at, 16, sizeof(histogram->buckets));
	memcpy(at, histogram->buckets, sizeof(histogram->buckets));
	return (uint32_t)(at + sizeof(histogram->buckets) - begin);
}
