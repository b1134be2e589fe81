/* SPDX-License-Identifier: MIT */
/* Addresses of code as text: kernel_code_name() of kernel_stack.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/kernel/kernel_stack.h"

/* To the next symbol at another address, as the kernel calculates it. */
static uint64_t bytes_of_symbol(const struct kernel_symbols *symbols, uint64_t begin, uint64_t text_end)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->symbols[middle].address <= begin)
			low = middle + 1;
		else
			high = middle;
	}
	return (low < symbols->count ? symbols->symbols[low].address : text_end) - begin;
}

static bool name_of_kernel(const struct kernel_unwinder *unwinder, uint64_t address, char *name, size_t size,
	uint64_t *offset, uint64_t *bytes)
{
	const struct guest_kernel *kernel = unwinder->kernel;
	const char *found = NULL;

	if (address >= kernel->text && address < kernel->end)
		found = kernel_symbols_name(&kernel->symbols, address, offset);
	if (!found)
		return false;
	snprintf(name, size, "%s", found);
	*bytes = bytes_of_symbol(&kernel->symbols, address - *offset, kernel->end);
	return true;
}

size_t kernel_code_name(const struct kernel_unwinder *unwinder, const struct stack_frame *frame,
	bool with_offset, char *text, size_t size)
{
	uint64_t back = frame->is_return; /* the call itself may be the last instruction of its function */
	uint64_t address = frame->address - back, offset, bytes;
	const struct guest_module *module = NULL;
	char name[CODE_NAME_BYTES];
	bool known = name_of_kernel(unwinder, address, name, sizeof(name), &offset, &bytes);
	int length;

	if (!known)
		module = module_list_find(&unwinder->modules, address);
	if (module)
		known = !module_list_symbol(
			&unwinder->modules, module, address, name, sizeof(name), &offset, &bytes);
	if (!known)
		length = snprintf(text, size, "0x%" PRIx64, frame->address);
	else if (with_offset)
		length = snprintf(text, size, "%s+0x%" PRIx64 "/0x%" PRIx64, name, offset + back, bytes);
	else
		length = snprintf(text, size, "%s", name);
	if (module && length >= 0 && (size_t)length < size)
		length += snprintf(text + length, size - (size_t)length, " [%s]", module->name);
	return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}
