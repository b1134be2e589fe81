/* SPDX-License-Identifier: MIT */
/* -g NAME: a guest of this host by its name, uuid or process id, as `hypertrace list` shows it. */
#pragma once
#include "host/collect/guest_survey.h"
#include "host/vmm/vmm_list.h"
#include "tools/hypertrace/options.h"

#define GUEST_NAME_HELP "guest as `hypertrace list` shows it: its name, uuid or process id"

/* One guest of this host, and how it is reached. */
struct named_guest {
	struct vmm_list list;
	const struct vmm *vmm; /* in the list */
	struct guest_survey survey;
};
#define NAMED_GUEST_NONE ((struct named_guest){0})

/* Errors of vmm_list_read() and vmm_list_find(). */
int named_guest_find(struct named_guest *guest, const char *word, struct error *error);
void named_guest_deinit(struct named_guest *guest);
#define cleanup_named_guest __attribute__((cleanup(named_guest_deinit)))

/* Is one of -g and --qmp given, and only one? -EINVAL, with a hint. */
int named_guest_check(const char *word, const char *qmp, struct error *error);

/*
 * The QMP socket for `attach` and the like: --qmp's where that is given, else that of the guest, and as long good as it.
 * -ENOENT: the guest has no socket that is free; errors of named_guest_find().
 */
int named_guest_socket(struct named_guest *guest, const char *word, const char *qmp, const char **socket,
	struct error *error);
