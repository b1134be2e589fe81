/* SPDX-License-Identifier: MIT */
/*
 * Walks a Xen trace from its first to its last byte and divides it into spans: rows of records of one pCPU that are
 * whole. Everything that may be wrong with a file is dealt with here; who reads a span can rely on its frames.
 *
 * A window ends where the next CPU change stands on the boundary of a record; its size only helps to tell what is
 * wrong. Where a word cannot begin a record, the walk looks on, byte by byte, for a row of records that can,
 * or for the next window.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/reader/xen_file.h"
#include "lib/reader/xen_reader.h"

struct xen_span {
	uint64_t offset, bytes;
	uint32_t pcpu;
};

struct xen_scan {
	struct xen_view view;
	struct xen_counts *counts; /* windows, wrong, cut, skipped, damage: filled here */
	uint64_t offset;           /* what is before it is dealt with */
	uint64_t window_end;       /* as its CPU change says; UINT64_MAX: it was found wrong */
	uint32_t pcpu;
	bool in_window;
};

/* The file must stay open. */
void xen_scan_init(struct xen_scan *scan, const struct xen_file *file, struct xen_counts *counts);
void xen_scan_deinit(struct xen_scan *scan);

/* 1: *span is the next, with at least one record. 0: the file's end. Negative errno: it cannot be read. */
int xen_scan_next(struct xen_scan *scan, struct xen_span *span, struct error *error);
