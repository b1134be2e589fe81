/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/xen/xen_codes.h"

#define FAULT_USER 4u /* bit of a page fault's error code */

struct field {
	const char *name;
	enum event_field_kind kind;
	unsigned bits;
};

static const struct known {
	uint32_t id;
	const char *name;
	struct field fields[4];
} host_events[] =
	{
		{XEN_ID_SCHED_SWITCH, "sched_switch",
			{{"next_pid", EVENT_FIELD_UNSIGNED, 22}, {"prev_state", EVENT_FIELD_UNSIGNED, 10},
				{"next_prio", EVENT_FIELD_SIGNED, 8}}},
		{XEN_ID_SCHED_WAKING, "sched_waking",
			{{"pid", EVENT_FIELD_UNSIGNED, 32}, {"target_cpu", EVENT_FIELD_UNSIGNED, 16},
				{"prio", EVENT_FIELD_SIGNED, 8}}},
		{0},
},
  guest_events[] = {
	  {XEN_ID_FAULT_USER, "page_fault_user",
		  {{"address", EVENT_FIELD_HEX, 64}, {"ip", EVENT_FIELD_HEX, 64},
			  {"error_code", EVENT_FIELD_UNSIGNED, 32}}},
	  {XEN_ID_FAULT_KERNEL, "page_fault_kernel",
		  {{"address", EVENT_FIELD_HEX, 64}, {"ip", EVENT_FIELD_HEX, 64},
			  {"error_code", EVENT_FIELD_UNSIGNED, 32}}},
	  {HOST_EVENT_current_task, EVENT_CURRENT_TASK, {{"pid", EVENT_FIELD_UNSIGNED, 32}}},
	  {0},
};

/* --- schemas --- */

static int add_known(struct event_schema *schema, const struct known *known, struct error *error)
{
	struct event_type *type;
	int code = 0;

	for (; !code && known->name; known++) {
		code = event_schema_add_type(schema, known->id, known->name, &type, error);
		for (size_t i = 0; !code && i < 4 && known->fields[i].name; i++)
			code = event_type_add_field(type, known->fields[i].name, known->fields[i].kind,
				known->fields[i].bits, error);
	}
	return code;
}

static bool is_page_fault(uint32_t code)
{
	return (code & ~XEN_CODE_64) == (XEN_CODE_PV | XEN_PV_PAGE_FAULT);
}

bool xen_is_guests(uint32_t code)
{
	return xen_code_class(code) == XEN_CLASS_PV || xen_code_class(code) == XEN_CLASS_HVM;
}

static int add_xen(
	struct event_schema *schema, uint32_t id, uint32_t code, unsigned words, struct error *error)
{
	char name[EVENT_NAME_BYTES];
	struct event_type *type;
	int result;

	snprintf(name, sizeof(name), "xen_0x%05x", code);
	result = event_schema_add_type(schema, id, name, &type, error);
	for (unsigned i = 0; !result && i < words; i++) {
		snprintf(name, sizeof(name), "word%u", i + 1);
		result = event_type_add_field(type, name, EVENT_FIELD_HEX, 32, error);
	}
	return result;
}

/* Those that stay together in one machine get all its ids in rising order of their codes' place in the survey. */
static int add_all_xen(struct event_schema *schema, const struct xen_survey *survey, struct error *error)
{
	struct xen_ids ids = {0};
	size_t position = 0;
	uint64_t code, value;
	int result = xen_ids_init(&ids, survey);

	if (result)
		error_set(error, result, "out of memory");
	while (!result && hash_map_next(&ids.by_code, &position, &code, &value))
		result = add_xen(schema, (uint32_t)(value >> 8), (uint32_t)code, value & 0xff, error);
	xen_ids_deinit(&ids);
	return result;
}

static struct event_schema *complete(struct event_schema *schema, const struct known *known,
	const struct xen_survey *survey, struct error *error)
{
	int code;

	if (!schema)
		return NULL;
	code = add_known(schema, known, error);
	if (!code)
		code = add_all_xen(schema, survey, error);
	if (!code)
		code = event_schema_check(schema, error);
	if (!code)
		return schema;
	event_schema_destroy(schema);
	return NULL;
}

struct event_schema *xen_schema_host(const struct xen_survey *survey, struct error *error)
{
	return complete(host_events_schema(error), host_events, survey, error);
}

struct event_schema *xen_schema_guest(const struct xen_survey *survey, struct error *error)
{
	struct event_schema *schema = event_schema_create();

	if (!schema)
		error_set(error, -ENOMEM, "out of memory");
	return complete(schema, guest_events, survey, error);
}

/* --- ids --- */

int xen_ids_init(struct xen_ids *ids, const struct xen_survey *survey)
{
	uint32_t next = XEN_ID_FIRST;
	size_t position = 0;
	uint64_t code, words, *place;

	while (hash_map_next(&survey->codes, &position, &code, &words) && next < EVENT_TYPES_MAX) {
		place = hash_map_put(&ids->by_code, code);
		if (!place)
			return -ENOMEM;
		*place = (uint64_t)next++ << 8 | (words - 1);
	}
	return 0;
}

void xen_ids_deinit(struct xen_ids *ids)
{
	hash_map_deinit(&ids->by_code);
}

/* --- payloads --- */

static uint8_t *put(uint8_t *at, const void *value, size_t bytes)
{
	memcpy(at, value, bytes);
	return at + bytes;
}

uint32_t xen_ids_encode(
	const struct xen_ids *ids, const struct xen_event *event, uint8_t *at, uint32_t *bytes)
{
	const uint64_t *found = hash_map_get(&ids->by_code, event->code);

	if (!found)
		return 0;
	*bytes = (uint32_t)(*found & 0xff) * 4;
	memcpy(at, event->extra, *bytes);
	return (uint32_t)(*found >> 8);
}

uint32_t xen_put_switch(uint8_t *at, uint32_t next, uint32_t prev_state)
{
	const uint32_t word = (next & 0x3fffff) | prev_state << 22;

	memcpy(at, &word, sizeof(word));
	at[4] = 0;
	return 5;
}

uint32_t xen_put_waking(uint8_t *at, uint32_t vcpu, uint32_t target)
{
	const uint8_t *const begin = at;

	at = put(at, &vcpu, 4);
	at = put(at, &target, 2);
	*at++ = 0;
	return (uint32_t)(at - begin);
}

uint32_t xen_put_fault(const struct xen_event *event, uint8_t *at, uint32_t *id)
{
	const bool wide = event->code & XEN_CODE_64;
	const uint8_t *const begin = at;
	const uint32_t *word = event->extra;
	uint64_t ip, address;
	uint32_t error_code;

	if (!is_page_fault(event->code) || event->n_extra < (wide ? 5 : 3))
		return 0;
	ip = wide ? word[0] | (uint64_t)word[1] << 32 : word[0];
	address = wide ? word[2] | (uint64_t)word[3] << 32 : word[1];
	error_code = wide ? word[4] : word[2];
	*id = error_code & FAULT_USER ? XEN_ID_FAULT_USER : XEN_ID_FAULT_KERNEL;
	at = put(at, &address, 8);
	at = put(at, &ip, 8);
	return (uint32_t)(put(at, &error_code, 4) - begin);
}
