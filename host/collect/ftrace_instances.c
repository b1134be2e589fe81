/* SPDX-License-Identifier: MIT */
/* Which trace buffers a guest has: the list ftrace_trace_arrays (kernel/trace/trace.c). */
#include "host/collect/ftrace_buffer.h"

#include <errno.h>
#include <string.h>

#include "host/collect/ftrace_layout.h"

struct listing {
	const struct ftrace_layout *layout;
	uint64_t main;
	struct ftrace_instance *instances;
	size_t max, count;
};

static int add_instance(void *context, uint64_t address)
{
	struct listing *listing = context;
	struct ftrace_instance *instance = &listing->instances[listing->count];
	struct ftrace_array array;

	if (address == listing->main || listing->count >= listing->max)
		return 0;
	if (ftrace_layout_array(listing->layout, address, &array))
		return 0; /* removed while we looked */
	*instance = (struct ftrace_instance){.address = address};
	if (!array.name ||
		guest_kernel_read_text(
			listing->layout->kernel, array.name, instance->name, sizeof(instance->name)))
		return 0;
	listing->count++;
	return 0;
}

int ftrace_instances(
	const struct guest_kernel *kernel, struct ftrace_instance *instances, size_t max, struct error *error)
{
	struct ftrace_layout layout;
	struct listing listing = {.layout = &layout, .instances = instances, .max = max};
	uint64_t list;
	int code = ftrace_layout_init(&layout, kernel, error);

	if (!code)
		code = guest_kernel_need_symbol(kernel, "global_trace", &listing.main, error);
	if (!code)
		code = guest_kernel_need_symbol(kernel, "ftrace_trace_arrays", &list, error);
	if (code || !max)
		return code;
	instances[listing.count++] = (struct ftrace_instance){.address = listing.main};
	code = guest_kernel_walk_list(
		kernel, list, layout.list_offset, FTRACE_BUFFERS_MAX, add_instance, &listing);
	/* a list that changes under our eyes: what was found is there */
	if (code && code != -EFAULT && code != -ELOOP)
		return error_set(error, code, "kernel %s: list of trace buffers: %s", kernel->release,
			strerror(-code));
	return (int)listing.count;
}
