/* SPDX-License-Identifier: MIT */
/* The stacks that one task's frames may lie on, copied once, so that what is read of them stays the same. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define STACK_REGIONS_MAX 4

struct stack_region {
	uint64_t low, high;  /* [low, high) */
	uint64_t copied_low; /* [copied_low, high) is in `copy`; 0: nothing so far */
	uint8_t *copy;
};

struct stack_memory {
	const struct guest_kernel *kernel;
	struct stack_region regions[STACK_REGIONS_MAX];
	size_t count;
	int code; /* the first error that is worse than -EFAULT */
};

/* What is empty, too large or upside down is left out. */
void stack_memory_add(struct stack_memory *memory, uint64_t low, uint64_t high);
void stack_memory_deinit(struct stack_memory *memory);
#define cleanup_stack_memory __attribute__((cleanup(stack_memory_deinit)))

/* 8 bytes; `context` is a struct stack_memory. -EFAULT: on none of the stacks, or not there. */
int stack_memory_read(const void *context, uint64_t address, uint64_t *value);

/* Are both on one stack? */
bool stack_memory_same(const struct stack_memory *memory, uint64_t a, uint64_t b);
