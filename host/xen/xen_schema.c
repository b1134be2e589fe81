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

static struct event_schema *complete(struct event_schema *schema, const struct known *known,
	const struct xen_layouts *layouts, struct error *error)
{
	int code;

	if (!schema)
		return NULL;
	code = add_known(schema, known, error);
	if (!code)
		code = xen_layouts_describe(layouts, schema, error);
	if (!code)
		code = event_schema_check(schema, error);
	if (!code)
		return schema;
	event_schema_destroy(schema);
	return NULL;
}

struct event_schema *xen_schema_host(const struct xen_layouts *layouts, struct error *error)
{
	return complete(host_events_schema(error), host_events, layouts, error);
}

struct event_schema *xen_schema_guest(const struct xen_layouts *layouts, struct error *error)
{
	struct event_schema *schema = event_schema_create();

	if (!schema)
		error_set(error, -ENOMEM, "out of memory");
	return complete(schema, guest_events, layouts, error);
}

/* --- payloads --- */

static uint8_t *put(uint8_t *at, const void *value, size_t bytes)
{
	memcpy(at, value, bytes);
	return at + bytes;
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
