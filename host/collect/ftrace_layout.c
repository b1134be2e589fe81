/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define CLOCKS_MAX   64
#define CLOCK_STRIDE 24 /* trace_clocks[]: func, name, in_ns */
#define CLOCK_NAME   8
#define FLAGS_MASK   UINT64_C(3)       /* RB_FLAG_MASK */
#define ENTRIES_MASK UINT64_C(0xfffff) /* RB_WRITE_MASK; above it the number of writers at work */

/* A field of the guest's and the uint64_t of ours that takes its value. */
struct wanted_field {
	const char *path;
	size_t into;
	bool is_optional;
};

#define LOOK(field)                                                \
	{                                                          \
#field, offsetof(struct ftrace_look, field), false \
	}
#define LINK(path, field)                                             \
	{                                                             \
		path, offsetof(struct ftrace_page_link, field), false \
	}

static const struct wanted_field look_fields[FTRACE_LOOK_FIELDS] = {
	LOOK(record_disabled), LOOK(reader_lock), LOOK(nr_pages), LOOK(head_page), LOOK(tail_page),
	LOOK(commit_page), LOOK(reader_page), LOOK(last_overrun), LOOK(entries), LOOK(overrun),
	LOOK(commit_overrun), LOOK(dropped_events), LOOK(committing), LOOK(read),
	{"pages_read", offsetof(struct ftrace_look, pages_read), true}, /* since 5.0 */
};

static const struct wanted_field link_fields[FTRACE_LINK_FIELDS] = {
	LINK("list.next", next), LINK("list.prev", prev), LINK("read", read), LINK("entries", entries),
	LINK("page", data), {"order", offsetof(struct ftrace_page_link, order), true}, /* since 6.8 */
};

static const struct wanted_field array_fields[FTRACE_ARRAY_NEAR] = {
	{"list.next", offsetof(struct ftrace_array, list_next), false},
	{"list.prev", offsetof(struct ftrace_array, list_prev), false},
	{"name", offsetof(struct ftrace_array, name), false},
	{"array_buffer.buffer", offsetof(struct ftrace_array, buffer), false},
	{"array_buffer.time_start", offsetof(struct ftrace_array, time_start), false},
	{"max_buffer.buffer", offsetof(struct ftrace_array, spare), true}, /* CONFIG_TRACER_MAX_TRACE */
};

static const struct wanted_field array_far_fields[FTRACE_ARRAY_FAR] = {
	{"clock_id", offsetof(struct ftrace_array, clock_id), false},
	{"current_trace", offsetof(struct ftrace_array, current_trace), false},
};

static const struct wanted_field set_fields[FTRACE_SET_FIELDS] = {
	{"buffers", offsetof(struct ftrace_ring_set, buffers), false},
	{"record_disabled", offsetof(struct ftrace_ring_set, record_disabled), false},
};

static int need(const struct ftrace_layout *layout, const char *type, const char *path,
	struct kernel_field *field, struct error *error)
{
	const int code = kernel_types_need(&layout->kernel->types, type, path, field, error);

	if (code == -ENOENT)
		return error_set(error, -ENOTSUP, "kernel %s: ftrace of a kind we do not know: no %s.%s",
			layout->kernel->release, type, path);
	return code;
}

/* Looks up all fields; *span: what of the struct must be read to have them. */
static int resolve(const struct ftrace_layout *layout, const char *type, const struct wanted_field *wanted,
	size_t count, struct kernel_field *fields, struct ftrace_span *span, struct error *error)
{
	uint32_t from = UINT32_MAX, to = 0;

	for (size_t i = 0; i < count; i++) {
		struct kernel_field *field = &fields[i];
		int code = wanted[i].is_optional
			? kernel_types_field(&layout->kernel->types, type, wanted[i].path, field)
			: need(layout, type, wanted[i].path, field, error);

		if (code == -ENOENT && wanted[i].is_optional) {
			*field = (struct kernel_field){0};
			continue;
		}
		if (code)
			return code;
		if (field->bytes > 8) /* a lock with its debugging fields: its state comes first */
			field->bytes = 4;
		from = field->byte_offset < from ? field->byte_offset : from;
		to = field->byte_offset + 8 > to ? field->byte_offset + 8 : to;
	}
	if (to - from > FTRACE_COPY_BYTES_MAX)
		return error_set(error, -ENOTSUP,
			"kernel %s: ftrace of a kind we do not know: %u bytes of struct %s",
			layout->kernel->release, to - from, type);
	*span = (struct ftrace_span){from, to - from};
	for (size_t i = 0; i < count; i++)
		if (fields[i].bytes)
			fields[i].byte_offset -= from;
	return 0;
}

static int resolve_records(struct ftrace_layout *layout, struct error *error)
{
	struct kernel_field type, pid, data, time, commit, name, list;
	int code = need(layout, "trace_entry", "type", &type, error);

	if (!code)
		code = need(layout, "trace_entry", "pid", &pid, error);
	if (!code)
		code = need(layout, "buffer_data_page", "data", &data, error);
	if (!code)
		code = need(layout, "buffer_data_page", "time_stamp", &time, error);
	if (!code)
		code = need(layout, "buffer_data_page", "commit", &commit, error);
	if (!code)
		code = need(layout, "tracer", "name", &name, error);
	if (!code)
		code = need(layout, "trace_array", "list", &list, error);
	if (code)
		return code;
	layout->type_offset = type.byte_offset;
	layout->pid_offset = pid.byte_offset;
	layout->entry_bytes = kernel_types_size(&layout->kernel->types, "trace_entry");
	layout->header_bytes = data.byte_offset;
	layout->time_offset = time.byte_offset;
	layout->commit_offset = commit.byte_offset;
	layout->tracer_name = name.byte_offset;
	layout->list_offset = list.byte_offset;
	if (type.bytes != 2 || pid.bytes != 4 || layout->entry_bytes < type.byte_offset + 2 ||
		layout->entry_bytes < pid.byte_offset + 4 || layout->entry_bytes > 64)
		return error_set(error, -ENOTSUP,
			"kernel %s: ftrace of a kind we do not know: struct trace_entry",
			layout->kernel->release);
	if (time.bytes != 8 || commit.bytes != 8 || data.byte_offset < time.byte_offset + 8 ||
		data.byte_offset < commit.byte_offset + 8 || data.byte_offset > 64)
		return error_set(error, -ENOTSUP,
			"kernel %s: ftrace of a kind we do not know: struct buffer_data_page",
			layout->kernel->release);
	return 0;
}

int ftrace_layout_init(struct ftrace_layout *layout, const struct guest_kernel *kernel, struct error *error)
{
	int code;

	*layout = (struct ftrace_layout){.kernel = kernel};
	code = resolve(layout, "ring_buffer_per_cpu", look_fields, FTRACE_LOOK_FIELDS, layout->look,
		&layout->look_span, error);
	if (!code)
		code = resolve(layout, "buffer_page", link_fields, FTRACE_LINK_FIELDS, layout->link,
			&layout->link_span, error);
	/* so that the list's pointers are the pages' addresses */
	if (!code && layout->link_span.from + layout->link[0].byte_offset)
		code = error_set(error, -ENOTSUP,
			"kernel %s: ftrace of a kind we do not know: struct buffer_page", kernel->release);
	if (!code)
		code = resolve(layout, "trace_buffer", set_fields, FTRACE_SET_FIELDS, layout->set,
			&layout->set_span, error);
	if (!code)
		code = resolve(layout, "trace_array", array_fields, FTRACE_ARRAY_NEAR, layout->array,
			&layout->array_span, error);
	if (!code)
		code = resolve(layout, "trace_array", array_far_fields, FTRACE_ARRAY_FAR, layout->array_far,
			&layout->array_far_span, error);
	if (!code)
		code = resolve_records(layout, error);
	return code;
}

/* `copy` has bytes enough behind every field: see the spans. */
static void take(const struct wanted_field *wanted, const struct kernel_field *fields, size_t count,
	const uint8_t *copy, void *into)
{
	for (size_t i = 0; i < count; i++)
		*(uint64_t *)((uint8_t *)into + wanted[i].into) =
			fields[i].bytes ? kernel_field_value(&fields[i], copy) : 0;
}

static int read_span(
	const struct ftrace_layout *layout, uint64_t address, const struct ftrace_span *span, uint8_t *copy)
{
	return guest_kernel_read(layout->kernel, address + span->from, copy, span->bytes);
}

int ftrace_layout_look(const struct ftrace_layout *layout, uint64_t address, struct ftrace_look *look)
{
	uint8_t copy[FTRACE_COPY_BYTES_MAX];
	int code = read_span(layout, address, &layout->look_span, copy);

	if (code)
		return code;
	take(look_fields, layout->look, FTRACE_LOOK_FIELDS, copy, look);
	if (look->nr_pages > guest_memory_end(layout->kernel->memory) / GUEST_PAGE_BYTES)
		look->nr_pages = guest_memory_end(layout->kernel->memory) / GUEST_PAGE_BYTES;
	return 0;
}

int ftrace_layout_decode_link(
	const struct ftrace_layout *layout, const uint8_t *copy, struct ftrace_page_link *link)
{
	take(link_fields, layout->link, FTRACE_LINK_FIELDS, copy, link);
	link->flags = link->next & FLAGS_MASK;
	link->next &= ~FLAGS_MASK;
	link->prev &= ~FLAGS_MASK;
	link->entries &= ENTRIES_MASK;
	if (link->order > FTRACE_ORDER_MAX)
		return -EINVAL;
	link->data_bytes = ((uint64_t)GUEST_PAGE_BYTES << link->order) - layout->header_bytes;
	return 0;
}

int ftrace_layout_link(const struct ftrace_layout *layout, uint64_t address, struct ftrace_page_link *link)
{
	uint8_t copy[FTRACE_COPY_BYTES_MAX];
	int code = read_span(layout, address, &layout->link_span, copy);

	return code ? code : ftrace_layout_decode_link(layout, copy, link);
}

int ftrace_layout_array(const struct ftrace_layout *layout, uint64_t address, struct ftrace_array *array)
{
	uint8_t copy[FTRACE_COPY_BYTES_MAX];
	int code = read_span(layout, address, &layout->array_span, copy);

	if (code)
		return code;
	take(array_fields, layout->array, FTRACE_ARRAY_NEAR, copy, array);
	code = read_span(layout, address, &layout->array_far_span, copy);
	if (!code)
		take(array_far_fields, layout->array_far, FTRACE_ARRAY_FAR, copy, array);
	return code;
}

int ftrace_layout_set(const struct ftrace_layout *layout, uint64_t address, struct ftrace_ring_set *set)
{
	uint8_t copy[FTRACE_COPY_BYTES_MAX];
	int code = read_span(layout, address, &layout->set_span, copy);

	if (!code)
		take(set_fields, layout->set, FTRACE_SET_FIELDS, copy, set);
	return code;
}

/* The text that a pointer at `address` leads to. */
static void read_name(const struct ftrace_layout *layout, uint64_t address, char *name, size_t size)
{
	uint64_t text;

	name[0] = '\0';
	if (guest_kernel_read_u64(layout->kernel, address, &text) || !text)
		return;
	if (guest_kernel_read_text(layout->kernel, text, name, size))
		name[0] = '\0';
}

void ftrace_layout_clock(
	const struct ftrace_layout *layout, const struct ftrace_array *array, char *name, size_t size)
{
	const uint64_t clocks = guest_kernel_symbol(layout->kernel, "trace_clocks");

	name[0] = '\0';
	if (clocks && array->clock_id < CLOCKS_MAX)
		read_name(layout, clocks + array->clock_id * CLOCK_STRIDE + CLOCK_NAME, name, size);
}

void ftrace_layout_tracer(
	const struct ftrace_layout *layout, const struct ftrace_array *array, char *name, size_t size)
{
	name[0] = '\0';
	if (array->current_trace)
		read_name(layout, array->current_trace + layout->tracer_name, name, size);
}
