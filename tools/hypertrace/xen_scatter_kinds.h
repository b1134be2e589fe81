/* SPDX-License-Identifier: MIT */
/* The kinds of `hypertrace xen scatter`: how they are called, and which columns and axis each has. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "lib/analysis/xen_scatter.h"
#include "tools/hypertrace/human.h"

enum xen_axis {
	XEN_AXIS_STRIPS, /* a row for each vCPU, coloured by value */
	XEN_AXIS_TICKS,  /* duration, logarithmic */
	XEN_AXIS_VALUE,  /* value, linear, hexadecimal */
	XEN_AXIS_NUMBER, /* number, linear */
};

struct xen_scatter_look {
	const char *name;        /* "wake-to-halt" */
	const char *title;       /* of the drawing */
	const char *number;      /* column of xen_point.number, NULL: none */
	const char *number_name; /* … of its name, NULL: it has none */
	const char *value;       /* column of xen_point.value, NULL: none */
	const char *value_name;
	bool ticks, hexadecimal; /* has a duration; `value` is an address */
	enum xen_axis axis;
};
extern const struct xen_scatter_look xen_scatter_looks[XEN_SCATTER_KINDS];

/* XEN_SCATTER_KINDS: no such kind. */
enum xen_scatter_kind xen_scatter_kind_of(const char *name);

/* "d1v0", "idle2", "-" */
struct human xen_point_vcpu(const struct xen_vcpu_place *vcpu);

/* Tab-separated; `hz` of the TSC, `base_tsc` is 0 s. */
void xen_scatter_header(enum xen_scatter_kind kind, FILE *out);
void xen_scatter_row(enum xen_scatter_kind kind, const struct xen_point *point, double hz, uint64_t base_tsc,
	bool svm, FILE *out);
