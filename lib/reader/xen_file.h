/* SPDX-License-Identifier: MIT */
/* A file that can be read at any place, and views on parts of it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

struct xen_file {
	int fd;
	bool owned;    /* closed by xen_file_deinit() */
	uint64_t size; /* when it was opened; later growth is not read */
	char *name;    /* for messages */
};

/* As xen_reader_open() and xen_reader_open_fd(), without looking at the content. */
int xen_file_init(struct xen_file *file, const char *path, struct error *error);
int xen_file_init_fd(struct xen_file *file, int fd, const char *name, struct error *error);
void xen_file_deinit(struct xen_file *file);

/* So many bytes behind a view's last may be read, and mean nothing. */
#define XEN_VIEW_SLACK 64

/* A part of the file in memory. */
struct xen_view {
	const struct xen_file *file;
	uint8_t *buffer; /* NULL: nothing yet */
	size_t capacity, bytes;
	uint64_t offset; /* of buffer[0] in the file */
};

/* The capacity must be a multiple of 4096 and hold what is ever wanted at once. */
void xen_view_init(struct xen_view *view, const struct xen_file *file, size_t capacity);
void xen_view_deinit(struct xen_view *view);

/*
 * Makes view->buffer hold the file from `offset` on, at least `wanted` bytes of it if the file has them; the place
 * in the buffer is offset - view->offset. Returns how many bytes there are from there, fewer than wanted only at the
 * end of the file; negative errno.
 */
int64_t xen_view_load(struct xen_view *view, uint64_t offset, size_t wanted, struct error *error);

/* The same; *at points to them. Cheap if they are there already. */
static inline int64_t xen_view_at(
	struct xen_view *view, uint64_t offset, size_t wanted, const uint8_t **at, struct error *error)
{
	int64_t have;

	/* without a sum of them, which may be beyond 64 bits */
	if (offset >= view->offset && wanted <= view->bytes && offset - view->offset <= view->bytes - wanted)
		have = (int64_t)(view->offset + view->bytes - offset);
	else
		have = xen_view_load(view, offset, wanted, error);
	*at = have > 0 ? view->buffer + (offset - view->offset) : NULL;
	return have;
}
