/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_batch.h"

#include <errno.h>

#define BATCH_BYTES (FTRACE_BATCH_PAGES * GUEST_PAGE_BYTES)

/* Copies of the guest's pages that hold struct buffer_page's. */
struct links {
	uint64_t addresses[FTRACE_BATCH_LINKS];
	uint8_t copies[FTRACE_BATCH_LINKS][GUEST_PAGE_BYTES];
	unsigned count;
};

static int find_link(
	const struct ftrace_layout *layout, struct links *links, uint64_t page, struct ftrace_page_link *link)
{
	const uint32_t at = (uint32_t)(page % GUEST_PAGE_BYTES);
	const uint64_t address = page - at;
	unsigned i = 0;

	while (i < links->count && links->addresses[i] != address)
		i++;
	if (i == FTRACE_BATCH_LINKS ||
		at + layout->link_span.from + layout->link_span.bytes > GUEST_PAGE_BYTES)
		return ftrace_layout_link(layout, page, link);
	if (i == links->count) {
		int code = guest_kernel_read(layout->kernel, address, links->copies[i], GUEST_PAGE_BYTES);

		if (code)
			return code;
		links->addresses[links->count++] = address;
	}
	return ftrace_layout_decode_link(layout, links->copies[i] + at + layout->link_span.from, link);
}

int ftrace_batch_find(struct ftrace_batch *batch, const struct ftrace_layout *layout, struct ftrace_place at,
	uint64_t last, unsigned most)
{
	struct links links;
	uint64_t bytes = 0;

	links.count = 0;
	batch->count = 0;
	while (batch->count < most && batch->count < FTRACE_BATCH_PAGES && at.page != last) {
		struct ftrace_batch_page *page = &batch->pages[batch->count];
		int code = find_link(layout, &links, at.page, &page->link);

		if (code)
			return batch->count ? 0 : code;
		bytes += page->link.data_bytes + layout->header_bytes;
		if (batch->count && bytes > BATCH_BYTES)
			break;
		page->place = at;
		at.page = page->link.next;
		at.start += page->link.entries;
		batch->count++;
	}
	return batch->count ? 0 : -EINVAL;
}

int ftrace_batch_take(struct ftrace_batch *batch, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, struct ftrace_place first, uint64_t last, unsigned most)
{
	uint8_t *at;
	int code = ftrace_batch_find(batch, layout, first, last, most);

	if (!code)
		code = ftrace_memory_reserve(
			memory, BATCH_BYTES + ((size_t)GUEST_PAGE_BYTES << batch->pages[0].link.order));
	if (code)
		return code;
	at = memory->scratch;
	for (unsigned i = 0; i < batch->count;) {
		const uint64_t data = batch->pages[i].link.data;
		size_t bytes = 0;
		unsigned n = i;

		while (n < batch->count && batch->pages[n].link.data == data + bytes) {
			batch->pages[n].copy = at + bytes;
			bytes += batch->pages[n++].link.data_bytes + layout->header_bytes;
		}
		code = ftrace_memory_read(memory, data, at, bytes);
		if (code) {
			batch->count = i;
			return i ? 0 : code;
		}
		at += bytes;
		i = n;
	}
	return 0;
}
