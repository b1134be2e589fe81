/* SPDX-License-Identifier: MIT */
/* Xen traces made for tests, in memory; then as a file. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct xen_maker {
	uint8_t *data;
	size_t bytes, capacity;
	size_t window; /* where the size of the open window stands; 0: none is open */
};

void xen_maker_deinit(struct xen_maker *maker);

/* Ends the window before it. */
void xen_maker_window(struct xen_maker *maker, uint32_t pcpu);

/* One record; tsc 0: without. Returns where it is. */
size_t xen_maker_event(
	struct xen_maker *maker, uint64_t tsc, uint32_t code, unsigned n_extra, const uint32_t *extra);

/* An unlinked file with the trace; the caller's to close. */
int xen_maker_file(struct xen_maker *maker);
