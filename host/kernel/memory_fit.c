/* SPDX-License-Identifier: MIT */
#include "host/kernel/memory_fit.h"

#include "host/kernel/kernel_address.h"
#include "host/kernel/kernel_image.h"

#define TASKS_MAX 64

bool memory_fit_offset(const struct guest_memory *memory, size_t layout, uint64_t physical, uint64_t *offset)
{
	const struct guest_memory_range *ranges = memory->layouts[layout].ranges, *range;
	size_t low = 0, high = memory->layouts[layout].nr_ranges;

	/* the first one that begins after it */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].physical <= physical)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	range = &ranges[low - 1];
	if (physical - range->physical >= range->bytes)
		return false;
	*offset = physical - range->physical + range->offset;
	return true;
}

static bool is_same(const struct guest_memory *memory, size_t left, size_t right, uint64_t physical)
{
	uint64_t in_left, in_right;

	return memory_fit_offset(memory, left, physical, &in_left) &&
		memory_fit_offset(memory, right, physical, &in_right) && in_left == in_right;
}

bool memory_fit_is_new(const struct guest_memory *memory, size_t layout, uint64_t physical)
{
	uint64_t offset;

	if (!memory_fit_offset(memory, layout, physical, &offset))
		return false;
	for (size_t i = 0; i < layout; i++)
		if (is_same(memory, i, layout, physical))
			return false;
	return true;
}

/* How far the list of tasks holds together: in a wrong layout its entries are somewhere else. */
static unsigned count_tasks(const struct guest_kernel *kernel)
{
	const uint64_t init_task = guest_kernel_symbol(kernel, "init_task");
	struct kernel_field tasks;
	uint64_t head, at, next, back;
	unsigned count = 0;

	if (!init_task || kernel_types_field(&kernel->types, "task_struct", "tasks", &tasks))
		return 0;
	head = at = init_task + tasks.byte_offset;
	while (count < TASKS_MAX && !guest_kernel_read_u64(kernel, at, &next) &&
		!guest_kernel_read_u64(kernel, next + 8, &back) && back == at) {
		if (next == head)
			return TASKS_MAX; /* all of them */
		at = next;
		count++;
	}
	return count;
}

/*
 * Tasks first; then that the RAM ends where the kernel was told that it ends (max_pfn, set before the direct map). Until
 * then it says nothing, and the likeliest layout stays.
 */
struct fit {
	unsigned tasks;
	/* bytes that the kernel does not know of; UINT64_MAX: it knows of more than there is, or of nothing so far */
	uint64_t beyond;
};

static struct fit measure(const struct guest_kernel *kernel)
{
	const uint64_t end = guest_memory_end(kernel->memory),
		       symbol = guest_kernel_symbol(kernel, "max_pfn");
	uint64_t pages;

	return (struct fit){
		.tasks = count_tasks(kernel),
		.beyond = symbol && !guest_kernel_read_u64(kernel, symbol, &pages) &&
				pages && pages <= end / GUEST_PAGE_BYTES
			? end - pages * GUEST_PAGE_BYTES
			: UINT64_MAX,
	};
}

size_t memory_fit_choose(struct guest_kernel *kernel, size_t found)
{
	struct guest_memory *memory = kernel->memory;
	const uint64_t begin = kernel->text - KERNEL_IMAGE_BASE + kernel->phys_base,
		       last = kernel->end - 1 - KERNEL_IMAGE_BASE + kernel->phys_base;
	size_t best = found;
	struct fit best_fit;

	if (memory->nr_layouts == 1)
		return found;
	guest_memory_use_layout(memory, found);
	best_fit = measure(kernel);
	for (size_t i = 0; i < memory->nr_layouts; i++) {
		struct fit fit;

		if (i == found || !is_same(memory, found, i, begin) || !is_same(memory, found, i, last))
			continue;
		guest_memory_use_layout(memory, i);
		fit = measure(kernel);
		if (fit.tasks > best_fit.tasks ||
			(fit.tasks == best_fit.tasks && fit.beyond < best_fit.beyond)) {
			best = i;
			best_fit = fit;
		}
	}
	return best;
}
