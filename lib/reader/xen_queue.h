/* SPDX-License-Identifier: MIT */
/*
 * The spans that the scan has found and nobody has read yet, by pCPU: a bounded pool, so that a file of any
 * size needs the same memory. It keeps the scan far enough ahead that a pCPU which appears late, or rests for
 * a while, is known before its turn comes.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/reader/xen_scan.h"

#define XEN_QUEUE_SPANS 16384u
#define XEN_QUEUE_NONE  UINT32_MAX

struct xen_queue_entry {
	uint64_t offset, bytes;
	uint32_t next; /* of the same pCPU, or of the free ones */
};

/* One pCPU's; kept by who reads it. */
struct xen_queue_list {
	uint32_t first, last;
};
#define XEN_QUEUE_LIST_EMPTY ((struct xen_queue_list){XEN_QUEUE_NONE, XEN_QUEUE_NONE})

struct xen_queue {
	struct xen_queue_entry *entries;
	uint32_t free;    /* the first */
	uint32_t waiting; /* spans */
	uint64_t bytes;   /* … of records in them */
};

/* -ENOMEM. */
int xen_queue_init(struct xen_queue *queue, struct error *error);
void xen_queue_deinit(struct xen_queue *queue);

/* Should the scan go on, for so many pCPUs? Never when the pool is full. */
bool xen_queue_wants(const struct xen_queue *queue, uint32_t pcpus);

/* Appends; the queue must want more. */
void xen_queue_put(struct xen_queue *queue, struct xen_queue_list *list, const struct xen_span *span);

/* Takes the first; false: there is none. span->pcpu is left alone. */
bool xen_queue_take(struct xen_queue *queue, struct xen_queue_list *list, struct xen_span *span);
