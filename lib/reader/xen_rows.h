/* SPDX-License-Identifier: MIT */
/*
 * The records of a Xen trace as they stand in the file, CPU changes included, for who translates them one by one. What is no
 * record is skipped and counted as by xen_reader.h, which has them in the order of time.
 */
#pragma once
#include "lib/reader/xen_scan.h"

struct xen_rows {
	struct xen_file file;
	struct xen_counts counts;
	struct xen_scan scan;
	struct xen_view view;
	struct xen_span span; /* that is being read, or comes next */
	uint64_t offset;      /* of what is next: in the span, or before it, where CPU changes are */
	bool last;            /* there is no span behind this one */
};

/* Errors of xen_reader_open(). Good for xen_rows_deinit() all the same. */
int xen_rows_init(struct xen_rows *rows, const char *path, struct error *error);
void xen_rows_deinit(struct xen_rows *rows);

/*
 * 1: *event is the next; tsc and order_tsc are its own, 0 if it has none. 0: there are no more. Negative errno: the file
 * could not be read on.
 */
int xen_rows_next(struct xen_rows *rows, struct xen_event *event, struct error *error);
