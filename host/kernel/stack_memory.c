/* SPDX-License-Identifier: MIT */
#include "host/kernel/stack_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REGION_BYTES_MAX (64u << 10)

void stack_memory_add(struct stack_memory *memory, uint64_t low, uint64_t high)
{
	if (low && low < high && high - low <= REGION_BYTES_MAX && memory->count < STACK_REGIONS_MAX)
		memory->regions[memory->count++] = (struct stack_region){.low = low, .high = high};
}

void stack_memory_deinit(struct stack_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		free(memory->regions[i].copy);
	memory->count = 0;
}

static struct stack_region *find(struct stack_memory *memory, uint64_t address)
{
	for (size_t i = 0; i < memory->count; i++)
		if (address >= memory->regions[i].low && address < memory->regions[i].high)
			return &memory->regions[i];
	return NULL;
}

/* From `address` to the top. */
static int copy(const struct guest_kernel *kernel, struct stack_region *region, uint64_t address)
{
	size_t bytes = (size_t)(region->high - address);
	int code;

	free(region->copy);
	region->copied_low = 0;
	region->copy = malloc(bytes);
	if (!region->copy)
		return -ENOMEM;
	code = guest_kernel_read(kernel, address, region->copy, bytes);
	if (!code)
		region->copied_low = address;
	return code;
}

int stack_memory_read(const void *context, uint64_t address, uint64_t *value)
{
	struct stack_memory *memory = (struct stack_memory *)context; /* a cache */
	struct stack_region *region = find(memory, address);

	if (!region || address % 8 || region->high - address < 8)
		return -EFAULT;
	if (!region->copied_low || address < region->copied_low) {
		int code = copy(memory->kernel, region, address);

		if (code && code != -EFAULT && !memory->code)
			memory->code = code;
		if (code)
			return code;
	}
	memcpy(value, region->copy + (address - region->copied_low), sizeof(*value));
	return 0;
}

bool stack_memory_same(const struct stack_memory *memory, uint64_t a, uint64_t b)
{
	const struct stack_region *region = find((struct stack_memory *)memory, a);

	return region && region == find((struct stack_memory *)memory, b);
}
