/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/model/xen_event.h"

static int bad_symbols(struct error *error, const char *text, const char *why)
{
	error_set(error, -EINVAL, "--symbols %s: %s", text, why);
	return error_hint(error, "FILE or FILE:DOMAIN, for example System.map:3");
}

/* A number behind the last colon is a domain; a path may have others. */
static int parse_file(struct xen_symbol_file *file, const char *text, struct error *error)
{
	char *colon;
	uint64_t domain;

	file->path = file->copy = strdup(text);
	if (!file->copy)
		return error_set(error, -ENOMEM, "out of memory");
	colon = strrchr(file->copy, ':');
	file->all = !colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")];
	if (file->all)
		return 0;
	if (text_parse_unsigned(colon + 1, strlen(colon + 1), XEN_DOMAIN_IDLE - 1, &domain))
		return bad_symbols(error, text, "the domain is no number below 32767");
	file->domain = (uint16_t)domain;
	*colon = 0;
	return *file->path ? 0 : bad_symbols(error, text, "no file");
}

int xen_symbols_parse(struct xen_symbols *symbols, const struct string_list *list, struct error *error)
{
	int result = 0;

	*symbols = (struct xen_symbols){0};
	for (size_t i = 0; i < list->count && !result; i++) {
		struct xen_symbol_file *file = &symbols->files[symbols->count++];

		result = parse_file(file, list->items[i], error);
		for (size_t j = 0; j < i && !result; j++)
			if (symbols->files[j].all == file->all && symbols->files[j].domain == file->domain)
				result = bad_symbols(error, list->items[i], "its domain has symbols already");
	}
	return result;
}

int xen_symbols_load(struct xen_symbols *symbols, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < symbols->count && !result; i++)
		result = symbol_file_load(&symbols->files[i].names, symbols->files[i].path, error);
	return result;
}

void xen_symbols_deinit(struct xen_symbols *symbols)
{
	for (size_t i = 0; i < symbols->count; i++) {
		free(symbols->files[i].copy);
		names_deinit(&symbols->files[i].names);
	}
	symbols->count = 0;
}

const char *xen_symbols_at(
	const struct xen_symbols *symbols, uint16_t domain, uint64_t address, uint64_t *offset)
{
	const struct xen_symbol_file *chosen = NULL;

	for (size_t i = 0; i < symbols->count; i++)
		if (symbols->files[i].all ? !chosen : symbols->files[i].domain == domain)
			chosen = &symbols->files[i];
	return chosen ? names_symbol(&chosen->names, address, offset) : NULL;
}
