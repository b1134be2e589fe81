/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_field_type.h"
#include "host/kernel/btf_type.h"

#define TYPE_TEXT_BYTES  128
#define FIELD_BYTES_MAX  128 /* of struct ftrace_event_field */
#define RECORD_BYTES_MAX 65536

/* An enumerator of an enum without a name. */
static int enumerator(const struct kernel_types *types, const char *name, uint64_t *value)
{
	for (uint32_t id = 1; id <= types->nr_types; id++) {
		const struct btf_view view = btf_view(types, id);

		if (view.kind != BTF_KIND_ENUM || view.name)
			continue;
		for (uint32_t i = 0; i < view.vlen; i++) {
			const uint8_t *member = view.tail + i * sizeof(struct btf_enum);
			const uint32_t at = btf_word(member);

			if (at < types->strings_bytes && strcmp(types->strings + at, name) == 0) {
				*value = btf_word(member + 4);
				return 0;
			}
		}
	}
	return -ENOENT;
}

struct wanted {
	const char *type, *path;
	uint32_t *offset;
	struct kernel_field *field; /* or that, whole */
};

int ftrace_call_layout_init(
	struct ftrace_call_layout *layout, const struct guest_kernel *kernel, struct error *error)
{
	const struct kernel_types *types = &kernel->types;
	const struct wanted wanted[] = {
		{"trace_event_call", "list", &layout->list},
		{"trace_event_call", "class", &layout->class},
		{"trace_event_call", "name", &layout->name},
		{"trace_event_call", "event.type", &layout->type},
		{"trace_event_call", "data", &layout->data},
		{"trace_event_call", "flags", &layout->flags},
		{"trace_event_class", "system", &layout->system},
		{"trace_event_class", "get_fields", &layout->get_fields},
		{"trace_event_class", "fields", &layout->fields},
		{"tracepoint", "name", &layout->tracepoint_name},
		{"ftrace_event_field", "link", NULL, &layout->link},
		{"ftrace_event_field", "name", NULL, &layout->field_name},
		{"ftrace_event_field", "type", NULL, &layout->field_type},
		{"ftrace_event_field", "offset", NULL, &layout->field_offset},
		{"ftrace_event_field", "size", NULL, &layout->field_size},
		{"ftrace_event_field", "is_signed", NULL, &layout->field_signed},
		{"ftrace_event_field", "filter_type", NULL, &layout->field_filter},
	};
	struct kernel_field field;

	*layout = (struct ftrace_call_layout){0};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (kernel_types_field(types, wanted[i].type, wanted[i].path, &field))
			return error_set(error, -ENOTSUP,
				"kernel %s: ftrace of a kind we do not know: no %s.%s", kernel->release,
				wanted[i].type, wanted[i].path);
		if (wanted[i].field)
			*wanted[i].field = field;
		else
			*wanted[i].offset = field.byte_offset;
	}
	layout->field_bytes = kernel_types_size(types, "ftrace_event_field");
	if (layout->field_bytes > FIELD_BYTES_MAX ||
		enumerator(types, "TRACE_EVENT_FL_TRACEPOINT", &layout->tracepoint_flag))
		return error_set(error, -ENOTSUP,
			"kernel %s: ftrace of a kind we do not know: no TRACE_EVENT_FL_TRACEPOINT",
			kernel->release);
	if (enumerator(types, "FILTER_TRACE_FN", &layout->function_filter))
		layout->function_filter = UINT64_MAX;
	/* CONFIG_FTRACE_SYSCALLS */
	layout->syscall_fields = guest_kernel_symbol(kernel, "syscall_get_enter_fields");
	if (kernel_types_field(types, "syscall_metadata", "enter_fields", &field))
		layout->syscall_fields = 0;
	else
		layout->enter_fields = field.byte_offset;
	return 0;
}

static bool is_name(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!isascii(*name) || (!isalnum(*name) && *name != '_' && *name != '-'))
			return false;
	return true;
}

static int read_name(struct guest_copies *copies, uint64_t address, char *name)
{
	int code = guest_copies_text(copies, address, name, FTRACE_NAME_BYTES);

	return code ? code : is_name(name) ? 0 : -EINVAL;
}

/* The list of an event's own fields; 0: none that we know of. */
static int find_fields(const struct ftrace_call_layout *layout, struct guest_copies *copies, uint64_t call,
	uint64_t class, uint64_t *list)
{
	uint64_t get_fields, data;
	int code = guest_copies_u64(copies, class + layout->get_fields, &get_fields);

	*list = 0;
	if (code)
		return code;
	if (!get_fields) {
		*list = class + layout->fields;
	} else if (get_fields == layout->syscall_fields) {
		code = guest_copies_u64(copies, call + layout->data, &data);
		if (!code)
			*list = data + layout->enter_fields;
	}
	return code;
}

static int read_field(const struct ftrace_call_layout *layout, struct guest_copies *copies, uint64_t address,
	struct ftrace_field *field)
{
	char type[TYPE_TEXT_BYTES];
	uint8_t copy[FIELD_BYTES_MAX];
	uint64_t offset, bytes;
	int code = guest_copies_read(copies, address, copy, layout->field_bytes);

	if (!code)
		code = read_name(copies, kernel_field_value(&layout->field_name, copy), field->name);
	if (!code)
		code = guest_copies_text(
			copies, kernel_field_value(&layout->field_type, copy), type, sizeof(type));
	if (code)
		return code;
	offset = kernel_field_value(&layout->field_offset, copy);
	bytes = kernel_field_value(&layout->field_size, copy);
	if (offset > RECORD_BYTES_MAX || bytes > RECORD_BYTES_MAX)
		return -EINVAL;
	field->offset = (uint32_t)offset;
	field->bytes = (uint32_t)bytes;
	field->is_signed = kernel_field_value(&layout->field_signed, copy) & 1;
	field->kind = ftrace_field_type_kind(type, field->bytes);
	if (field->kind == FTRACE_FIELD_INTEGER && field->bytes == 8 &&
		kernel_field_value(&layout->field_filter, copy) == layout->function_filter)
		field->kind = FTRACE_FIELD_POINTER;
	return 0;
}

/* The list begins with the last field. Returns the count, or < 0. */
static int read_fields(const struct ftrace_call_layout *layout, struct guest_copies *copies, uint64_t list,
	struct ftrace_field fields[FTRACE_FIELDS_MAX])
{
	int count = 0;
	uint64_t at;
	int code = list ? guest_copies_u64(copies, list, &at) : 0;

	while (list && !code && at != list) {
		if (count == FTRACE_FIELDS_MAX)
			return -EINVAL;
		code = read_field(layout, copies, at - layout->link.byte_offset,
			&fields[FTRACE_FIELDS_MAX - 1 - count]);
		if (!code)
			code = guest_copies_u64(copies, at, &at);
		count++;
	}
	return code ? code : count;
}

/* Name and system. A tracepoint's name is the tracepoint's. */
static int read_names(const struct ftrace_call_layout *layout, struct guest_copies *copies, uint64_t call,
	uint64_t class, struct ftrace_event *event)
{
	uint64_t name, system;
	uint32_t flags;
	int code = guest_copies_read(copies, call + layout->flags, &flags, sizeof(flags));

	if (!code)
		code = guest_copies_u64(copies, call + layout->name, &name);
	if (!code && flags & layout->tracepoint_flag)
		code = guest_copies_u64(copies, name + layout->tracepoint_name, &name);
	if (!code)
		code = guest_copies_u64(copies, class + layout->system, &system);
	if (!code)
		code = read_name(copies, name, event->name);
	return code ? code : read_name(copies, system, event->system);
}

/*
 * Two of ftrace's own say less than their records hold (kernel/trace/trace_entries.h): kernel_stack names 8 addresses
 * and has as many as there were callers; raw_data has bytes where it says char.
 */
static void mend(struct ftrace_event *event)
{
	struct ftrace_field *last = event->nr_fields ? &event->fields[event->nr_fields - 1] : NULL;

	if (last && strcmp(event->system, "ftrace") == 0 &&
		(strcmp(event->name, "kernel_stack") == 0 || strcmp(event->name, "raw_data") == 0)) {
		last->kind = FTRACE_FIELD_TAIL_BYTES;
		last->bytes = 0; /* none that a record must have */
	}
}

int ftrace_call_read(const struct ftrace_call_layout *layout, struct guest_copies *copies, uint64_t address,
	struct ftrace_event **result)
{
	struct ftrace_field fields[FTRACE_FIELDS_MAX] = {0};
	struct ftrace_event *event, head = {0};
	uint64_t class, list;
	uint32_t type;
	int count, code = guest_copies_read(copies, address + layout->type, &type, sizeof(type));

	if (!code)
		code = guest_copies_u64(copies, address + layout->class, &class);
	if (!code && (!type || type > UINT16_MAX))
		code = -EINVAL; /* not registered */
	if (!code)
		code = read_names(layout, copies, address, class, &head);
	if (!code)
		code = find_fields(layout, copies, address, class, &list);
	if (code)
		return code;
	count = read_fields(layout, copies, list, fields);
	if (count < 0)
		return count;
	event = calloc(1, sizeof(*event) + (size_t)count * sizeof(event->fields[0]));
	if (!event)
		return -ENOMEM;
	*event = head;
	event->type = (uint16_t)type;
	event->nr_fields = (uint32_t)count;
	memcpy(event->fields, fields + FTRACE_FIELDS_MAX - count, (size_t)count * sizeof(event->fields[0]));
	mend(event);
	*result = event;
	return 0;
}
