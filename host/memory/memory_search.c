/* SPDX-License-Identifier: MIT */
/*
 * The search for pages by their first bytes. Only those bytes are copied: of a process many pieces with one system
 * call, of a file one by one. The cursor counts the bytes of all places up to the page to look at next.
 */
#include "host/memory/guest_memory.h"
#include "host/memory/memory_backing.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/file.h"

#define LOOK_BYTES 16u /* of each page; the rest of the prefix only where these agree */
#define BATCH      IOV_MAX
#define PRESENT    (UINT64_C(1) << 63) /* Documentation/admin-guide/mm/pagemap.rst */
#define SWAPPED    (UINT64_C(1) << 62)

struct page_search {
	const struct guest_memory *memory;
	const void *prefix;
	size_t prefix_bytes, look_bytes;
	size_t nr_pages;
	uint64_t pages[BATCH]; /* offsets to look at */
	uint64_t entries[BATCH];
	uint8_t seen[BATCH * LOOK_BYTES];
	struct iovec pieces[BATCH];
};

static const struct memory_backing *find_backing(const struct guest_memory *memory, uint64_t address)
{
	for (size_t i = 0; i < memory->nr_backings; i++)
		if (address >= memory->backings[i].start && address < memory->backings[i].end)
			return &memory->backings[i];
	return NULL;
}

/* [from, end) of a file: what its first data is, or false. A file that cannot tell is data everywhere. */
static bool next_data(int fd, uint64_t from, uint64_t end, uint64_t *data, uint64_t *hole)
{
	off_t at = lseek(fd, (off_t)from, SEEK_DATA);

	*data = at < 0 && errno != ENXIO ? from : (uint64_t)at;
	*hole = end;
	if (at < 0)
		return errno != ENXIO;
	at = lseek(fd, at, SEEK_HOLE);
	if (at > 0 && (uint64_t)at < end)
		*hole = (uint64_t)at;
	return *data < end;
}

/* Marks pages as there, by the data of the file behind them. */
static void mark_data(
	struct page_search *search, const struct memory_backing *backing, uint64_t first, size_t count)
{
	uint64_t base = first - backing->start + backing->file_offset,
		 end = base + count * (uint64_t)GUEST_PAGE_BYTES;
	uint64_t data, hole;

	for (uint64_t from = base; next_data(backing->fd, from, end, &data, &hole); from = hole)
		for (size_t i = (data - base) / GUEST_PAGE_BYTES;
			i < count && base + i * GUEST_PAGE_BYTES < hole; i++)
			search->entries[i] = PRESENT;
}

/* Chooses what to look at among `count` pages of a process from `first` on, which is page aligned there. */
static void choose_present(struct page_search *search, uint64_t first, size_t count)
{
	const struct guest_memory *memory = search->memory;
	const struct memory_backing *backing = find_backing(memory, first);
	size_t bytes = count * sizeof(search->entries[0]);

	if (file_read_at(memory->pagemap_fd, search->entries, bytes,
		    (off_t)(first / GUEST_PAGE_BYTES * sizeof(search->entries[0]))) != (ssize_t)bytes)
		memset(search->entries, 0xff, bytes);
	if (backing && backing->fd >= 0)
		mark_data(search, backing, first, count);
	search->nr_pages = 0;
	for (size_t i = 0; i < count; i++)
		if (search->entries[i] & (PRESENT | SWAPPED))
			search->pages[search->nr_pages++] = first + i * (uint64_t)GUEST_PAGE_BYTES;
}

static bool matches(const struct page_search *search, uint64_t page)
{
	uint8_t bytes[GUEST_PAGE_BYTES];

	return !guest_memory_read_offset(search->memory, page, bytes, search->prefix_bytes) &&
		!memcmp(bytes, search->prefix, search->prefix_bytes);
}

/* Which of the chosen pages of a process matches, or nr_pages; what cannot be read does not match. */
static size_t look_in_process(struct page_search *search)
{
	size_t at = 0;

	while (at < search->nr_pages) {
		size_t count = search->nr_pages - at, got;
		struct iovec local = {search->seen, count * search->look_bytes};
		ssize_t done;

		for (size_t i = 0; i < count; i++)
			search->pieces[i] =
				(struct iovec){(void *)(uintptr_t)search->pages[at + i], search->look_bytes};
		done = process_vm_readv(search->memory->pid, &local, 1, search->pieces, count, 0);
		got = done > 0 ? (size_t)done / search->look_bytes : 0;
		for (size_t i = 0; i < got; i++)
			if (!memcmp(search->seen + i * search->look_bytes, search->prefix,
				    search->look_bytes) &&
				matches(search, search->pages[at + i]))
				return at + i;
		at += got;
		if (got < count) {
			/* the one that failed: what is true is known to the descriptor that is pinned */
			if (matches(search, search->pages[at]))
				return at;
			at++;
		}
	}
	return at;
}

static bool has_ended(const struct guest_memory *memory)
{
	struct pollfd ended = {.fd = memory->pid_fd, .events = POLLIN};

	return memory->pid_fd >= 0 && poll(&ended, 1, 0) > 0;
}

/* Pages from `first` to `end` of one place. 1: found, *offset; 0: none. */
static int search_process(struct page_search *search, uint64_t first, uint64_t end, uint64_t *offset)
{
	while (first < end) {
		const struct memory_backing *backing = find_backing(search->memory, first);
		uint64_t count = (end - first + GUEST_PAGE_BYTES - 1) / GUEST_PAGE_BYTES;
		size_t found;

		if (backing && count > (backing->end - first) / GUEST_PAGE_BYTES)
			count = (backing->end - first) / GUEST_PAGE_BYTES;
		if (count > BATCH)
			count = BATCH;
		if (has_ended(search->memory))
			return -ESRCH;
		choose_present(search, first, count);
		found = look_in_process(search);
		if (found < search->nr_pages) {
			*offset = search->pages[found];
			return 1;
		}
		first += count * GUEST_PAGE_BYTES;
	}
	return has_ended(search->memory) ? -ESRCH : 0;
}

static int search_file(struct page_search *search, uint64_t first, uint64_t end, uint64_t *offset)
{
	int fd = search->memory->fd;
	uint64_t data, hole;

	while (first < end && next_data(fd, first, end, &data, &hole)) {
		first += (data - first) &
			~(uint64_t)(GUEST_PAGE_BYTES - 1); /* the page that holds the data's beginning */
		for (; first < hole && first < end; first += GUEST_PAGE_BYTES) {
			ssize_t got = pread(fd, search->seen, search->look_bytes, (off_t)first);

			if (got == (ssize_t)search->look_bytes &&
				!memcmp(search->seen, search->prefix, search->look_bytes) &&
				matches(search, first)) {
				*offset = first;
				return 1;
			}
			if (got < 0 && errno != EINTR)
				return -EIO;
			if (!got)
				return 0; /* the file ends earlier than the header says */
		}
	}
	return 0;
}

int guest_memory_find_page(const struct guest_memory *memory, const void *prefix, size_t prefix_bytes,
	uint64_t *cursor, uint64_t *offset)
{
	struct page_search search;
	uint64_t passed = 0;

	if (!prefix_bytes || prefix_bytes > GUEST_PAGE_BYTES)
		return -EINVAL;
	search.memory = memory;
	search.prefix = prefix;
	search.prefix_bytes = prefix_bytes;
	search.look_bytes = prefix_bytes < LOOK_BYTES ? prefix_bytes : LOOK_BYTES;
	for (size_t i = 0; i < memory->nr_places; passed += memory->places[i++].bytes) {
		const struct guest_memory_range *place = &memory->places[i];
		uint64_t from = *cursor > passed ? *cursor - passed : 0;
		int found;

		if (from >= place->bytes)
			continue;
		from += -(place->physical + from) & (GUEST_PAGE_BYTES - 1);
		if (from >= place->bytes)
			continue;
		found = memory->pid
			? search_process(&search, place->offset + from, place->offset + place->bytes, offset)
			: search_file(&search, place->offset + from, place->offset + place->bytes, offset);
		if (found)
			*cursor = passed + (found > 0 ? *offset - place->offset + 1 : 0);
		if (found)
			return found;
	}
	*cursor = passed;
	return 0;
}
