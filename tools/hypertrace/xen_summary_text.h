/* SPDX-License-Identifier: MIT */
/* What the halves of the summary's text share: xen_summary_text.c, xen_summary_work.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "tools/hypertrace/xen_summary_view.h"

struct text {
	const struct xen_summary_view *view;
	FILE *out;
	bool colour;
};

/* xen_summary_rips.c, where summary.rips is there */
void xen_summary_text_rips(const struct text *text);

/* The vCPU of a row, 0 .. nr_vcpus() - 1. */
static inline const struct xen_vcpu_summary *vcpu_at(const struct text *text, uint32_t place)
{
	return text->view->summary.vcpus + text->view->order[place];
}

static inline uint32_t nr_vcpus(const struct text *text)
{
	return text->view->order ? text->view->summary.nr_vcpus : 0;
}
