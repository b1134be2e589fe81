/* SPDX-License-Identifier: MIT */
/* The virtual machine monitors of this host, and the one that a word means. */
#pragma once
#include "host/vmm/vmm.h"
#include "lib/base/error.h"

struct vmm_list {
	struct vmm *items; /* heap, owned; by rising pid */
	size_t count;
};
#define VMM_LIST_EMPTY ((struct vmm_list){0})

/*
 * Looks at every process. `proc`: "/proc", or a tree like it. One that ends meanwhile is left out. Errors of opening
 * the directory; -ENOMEM.
 */
int vmm_list_read(struct vmm_list *list, const char *proc, struct error *error);
void vmm_list_deinit(struct vmm_list *list);
#define cleanup_vmm_list __attribute__((cleanup(vmm_list_deinit)))

/*
 * Those that `word` means: a name, a uuid, a pid, or a shell pattern over names (with *, ? or [). Fills found[0..max) and
 * returns how many there are, at least one, at most `max`. -ENOENT: none, the hint has the nearest name; -ENOTUNIQ: the
 * same name several times, the hint has their pids; -E2BIG: a pattern of more than `max`.
 */
int vmm_list_find(const struct vmm_list *list, const char *word, const struct vmm **found, size_t max,
	struct error *error);
