/* SPDX-License-Identifier: MIT */
#include "host/vmm/vmm_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/suggest.h"
#include "lib/base/text.h"

#define HINT_PIDS_MAX 8

static int add(struct vmm_list *list, const struct vmm *vmm)
{
	struct vmm *grown = realloc(list->items, (list->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->items[list->count++] = *vmm;
	return 0;
}

static int compare_pids(const void *a, const void *b)
{
	const struct vmm *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int vmm_list_read(struct vmm_list *list, const char *proc, struct error *error)
{
	DIR *directory = opendir(proc);
	struct dirent *entry;
	int err = 0;

	*list = VMM_LIST_EMPTY;
	if (!directory)
		return error_set(error, -errno, "%s: %s", proc, strerror(errno));
	while (err >= 0 && (entry = readdir(directory))) {
		struct vmm vmm;
		uint64_t pid;

		if (text_parse_unsigned(entry->d_name, strlen(entry->d_name), INT32_MAX, &pid) || !pid)
			continue;
		err = vmm_read(&vmm, dirfd(directory), (pid_t)pid);
		if (err > 0 && (err = add(list, &vmm)))
			vmm_deinit(&vmm);
	}
	closedir(directory);
	if (err < 0) {
		vmm_list_deinit(list);
		return error_set(error, err, "%s: %s", proc, strerror(-err));
	}
	if (list->count)
		qsort(list->items, list->count, sizeof(list->items[0]), compare_pids);
	return 0;
}

void vmm_list_deinit(struct vmm_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		vmm_deinit(&list->items[i]);
	free(list->items);
	*list = VMM_LIST_EMPTY;
}

static void escape(const char *text, char *out, size_t size)
{
	char whole[4 * VMM_NAME_BYTES + 1];

	whole[text_escape(whole, text, strnlen(text, VMM_NAME_BYTES))] = '\0';
	snprintf(out, size, "%s", whole);
}

static int not_found(const struct vmm_list *list, const char *word, struct error *error)
{
	struct suggestion suggestion = suggestion_for(word, strlen(word));
	char shown[200], near[200];

	for (size_t i = 0; i < list->count; i++)
		suggestion_consider(&suggestion, list->items[i].name);
	escape(word, shown, sizeof(shown));
	error_set(error, -ENOENT, "no guest '%s' on this host", shown);
	if (suggestion.best) {
		escape(suggestion.best, near, sizeof(near));
		return error_hint(
			error, "did you mean '%s'? hypertrace list shows all %zu", near, list->count);
	}
	return error_hint(error,
		list->count ? "hypertrace list shows the %zu there are"
			    : "hypertrace list shows none: it sees the guests of this host only",
		list->count);
}

static int not_unique(const char *word, const struct vmm *const *found, size_t count, struct error *error)
{
	struct strbuf pids = STRBUF_EMPTY;
	char shown[200];

	for (size_t i = 0; i < count && i < HINT_PIDS_MAX; i++)
		strbuf_printf(&pids, "%s%d", i ? ", " : "", (int)found[i]->pid);
	escape(word, shown, sizeof(shown));
	error_set(error, -ENOTUNIQ, "guest '%s': %zu have that name", shown, count);
	error_hint(error, "name it by its pid: %s", pids.data ? pids.data : "");
	strbuf_deinit(&pids);
	return -ENOTUNIQ;
}

int vmm_list_find(const struct vmm_list *list, const char *word, const struct vmm **found, size_t max,
	struct error *error)
{
	const bool is_pattern = strpbrk(word, "*?[");
	const struct vmm *all[64];
	uint64_t pid = 0;
	size_t count = 0;

	text_parse_unsigned(word, strlen(word), INT32_MAX, &pid);
	for (size_t i = 0; i < list->count; i++) {
		const struct vmm *vmm = &list->items[i];
		/* a name that looks like a pattern is found as it stands, too */
		const bool matches = !strcmp(vmm->name, word) ||
			(is_pattern && !fnmatch(word, vmm->name, 0)) ||
			(vmm->command.uuid[0] && !strcasecmp(vmm->command.uuid, word)) ||
			(pid && (uint64_t)vmm->pid == pid);

		if (matches && count < sizeof(all) / sizeof(all[0]))
			all[count++] = vmm;
	}
	if (!count)
		return not_found(list, word, error);
	if (count > 1 && !is_pattern)
		return not_unique(word, all, count, error);
	if (count > max) {
		error_set(error, -E2BIG, "'%s': %zu guests have such a name", word, count);
		return error_hint(error, "name one of them");
	}
	memcpy(found, all, count * sizeof(all[0]));
	return (int)count;
}
