/* SPDX-License-Identifier: MIT */
/* What `hypertrace list` shows: the guests of this host, and what reaches them. */
#pragma once
#include <stdio.h>
#include "host/collect/guest_survey.h"
#include "host/vmm/host_layer.h"
#include "host/vmm/vmm_list.h"

struct guest_list {
	struct host_layer layer;
	struct vmm_list vmms;
	struct guest_survey *surveys; /* of each VMM */
	bool has_kernels;             /* asked for */
};

/* Errors of vmm_list_read(). With `kernels`, that of each guest is looked for; where there is none, `release` is "". */
int guest_list_read(struct guest_list *list, bool kernels, struct error *error);
void guest_list_deinit(struct guest_list *list);
#define cleanup_guest_list __attribute__((cleanup(guest_list_deinit)))

/* -ENOMEM. */
int guest_list_text(const struct guest_list *list, FILE *out, bool colour);
int guest_list_json(const struct guest_list *list, FILE *out);

/* What could not be found out, and what would help, a line each; nothing if all is known. */
void guest_list_remedies(const struct guest_list *list, FILE *out);
