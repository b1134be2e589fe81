/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_queue.h"

#include <errno.h>
#include <stdlib.h>

/* xentrace writes its windows in rounds, one of each pCPU that has something. */
#define ROUNDS_AHEAD 4
#define BYTES_AHEAD  (256ull << 20)

int xen_queue_init(struct xen_queue *queue, struct error *error)
{
	*queue = (struct xen_queue){0};
	queue->entries = malloc(XEN_QUEUE_SPANS * sizeof(*queue->entries));
	if (!queue->entries)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < XEN_QUEUE_SPANS; i++)
		queue->entries[i].next = i + 1;
	queue->entries[XEN_QUEUE_SPANS - 1].next = XEN_QUEUE_NONE;
	return 0;
}

void xen_queue_deinit(struct xen_queue *queue)
{
	free(queue->entries);
	queue->entries = NULL;
}

bool xen_queue_wants(const struct xen_queue *queue, uint32_t pcpus)
{
	if (queue->free == XEN_QUEUE_NONE)
		return false;
	return queue->bytes < BYTES_AHEAD || queue->waiting < ROUNDS_AHEAD * pcpus + 64;
}

void xen_queue_put(struct xen_queue *queue, struct xen_queue_list *list, const struct xen_span *span)
{
	uint32_t index = queue->free;
	struct xen_queue_entry *entry = &queue->entries[index];

	queue->free = entry->next;
	*entry = (struct xen_queue_entry){span->offset, span->bytes, XEN_QUEUE_NONE};
	if (list->first == XEN_QUEUE_NONE)
		list->first = index;
	else
		queue->entries[list->last].next = index;
	list->last = index;
	queue->waiting++;
	queue->bytes += span->bytes;
}

bool xen_queue_take(struct xen_queue *queue, struct xen_queue_list *list, struct xen_span *span)
{
	uint32_t index = list->first;
	struct xen_queue_entry *entry;

	if (index == XEN_QUEUE_NONE)
		return false;
	entry = &queue->entries[index];
	span->offset = entry->offset;
	span->bytes = entry->bytes;
	list->first = entry->next;
	entry->next = queue->free;
	queue->free = index;
	queue->waiting--;
	queue->bytes -= span->bytes;
	return true;
}
