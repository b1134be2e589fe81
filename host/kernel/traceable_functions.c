/* SPDX-License-Identifier: MIT */
#include "host/kernel/traceable_functions.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/suggest.h"

#define PAGES_MAX       8192u       /* one or more for the kernel, and for each module */
#define PAGE_BYTES_MAX  (16u << 20) /* of one group's records */
#define PAGE_SPAN_MAX   256u        /* of struct ftrace_page */
#define RECORD_SPAN_MAX 64u         /* of struct dyn_ftrace */

struct page_layout {
	struct kernel_field next, records, index, ip;
	uint32_t page_bytes, record_bytes;
};

static int find_layout(struct page_layout *layout, const struct kernel_types *types, struct error *error)
{
	int code = kernel_types_need(types, "ftrace_page", "next", &layout->next, error);

	if (!code)
		code = kernel_types_need(types, "ftrace_page", "records", &layout->records, error);
	if (!code)
		code = kernel_types_need(types, "ftrace_page", "index", &layout->index, error);
	if (!code)
		code = kernel_types_need(types, "dyn_ftrace", "ip", &layout->ip, error);
	if (code)
		return code;
	layout->page_bytes = kernel_types_size(types, "ftrace_page");
	layout->record_bytes = kernel_types_size(types, "dyn_ftrace");
	if (!layout->page_bytes || layout->page_bytes > PAGE_SPAN_MAX || !layout->record_bytes ||
		layout->record_bytes > RECORD_SPAN_MAX)
		return error_set(
			error, -ENOENT, "the guest's list of traceable functions has an unknown layout");
	return 0;
}

/* Only the kernel's own lie between its first and its last byte. */
static void add_function(
	struct traceable_functions *functions, const struct guest_kernel *kernel, uint64_t address)
{
	uint64_t offset;
	const char *name;

	if (address < kernel->text || address >= kernel->end)
		return;
	name = kernel_symbols_name(&kernel->symbols, address, &offset);
	if (name && (!functions->count || functions->names[functions->count - 1] != name))
		functions->names[functions->count++] = name;
}

/* One group of records. *left: of all that are looked at, whatever they name. */
static int add_page(struct traceable_functions *functions, const struct guest_kernel *kernel,
	const struct page_layout *layout, const uint8_t *page, uint64_t *left)
{
	const uint64_t count = kernel_field_value(&layout->index, page);
	cleanup_free uint8_t *records = NULL;
	const char **names;
	int code;

	if (!count)
		return 0;
	if (count > PAGE_BYTES_MAX / layout->record_bytes || count > *left)
		return -E2BIG;
	*left -= count;
	names = reallocarray(functions->names, functions->count + count, sizeof(*names));
	if (names)
		functions->names = names;
	records = malloc(count * layout->record_bytes);
	if (!names || !records)
		return -ENOMEM;
	code = guest_kernel_read(
		kernel, kernel_field_value(&layout->records, page), records, count * layout->record_bytes);
	for (uint64_t i = 0; !code && i < count; i++)
		add_function(functions, kernel,
			kernel_field_value(&layout->ip, records + i * layout->record_bytes));
	return code;
}

int traceable_functions_init(
	struct traceable_functions *functions, const struct guest_kernel *kernel, struct error *error)
{
	struct page_layout layout;
	uint8_t page[PAGE_SPAN_MAX];
	uint64_t symbol, at = 0, left = TRACEABLE_FUNCTIONS_MAX;
	int code = guest_kernel_need_symbol(kernel, "ftrace_pages_start", &symbol, error);

	*functions = (struct traceable_functions){0};
	if (!code)
		code = find_layout(&layout, &kernel->types, error);
	if (code)
		return code;
	code = guest_kernel_read_u64(kernel, symbol, &at);
	for (unsigned pages = 0; !code && at && pages < PAGES_MAX; pages++) {
		code = guest_kernel_read(kernel, at, page, layout.page_bytes);
		if (!code)
			code = add_page(functions, kernel, &layout, page, &left);
		at = code ? 0 : kernel_field_value(&layout.next, page);
	}
	if (!code && functions->count)
		return 0;
	traceable_functions_deinit(functions);
	code = code ? code : -ENOENT;
	return error_set(
		error, code, "cannot read the guest's list of traceable functions: %s", strerror(-code));
}

void traceable_functions_deinit(struct traceable_functions *functions)
{
	free(functions->names);
	*functions = (struct traceable_functions){0};
}

size_t traceable_functions_count(
	const struct traceable_functions *functions, const char *pattern, size_t length)
{
	cleanup_free char *copy = strndup(pattern, length);
	size_t count = 0;

	for (size_t i = 0; copy && i < functions->count; i++)
		count += !fnmatch(copy, functions->names[i], 0);
	return count;
}

const char *traceable_functions_nearest(
	const struct traceable_functions *functions, const char *name, size_t length)
{
	struct suggestion suggestion = suggestion_for(name, length);

	for (size_t i = 0; i < functions->count; i++)
		suggestion_consider(&suggestion, functions->names[i]);
	return suggestion.best;
}
