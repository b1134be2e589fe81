/* SPDX-License-Identifier: MIT */
/*
 * The search for pages by their first bytes. Pages that follow each other are copied as a whole: what the system takes
 * for each piece is more than what the bytes in between cost. The cursor counts the bytes of all places up to the page
 * to look at next.
 */
#include "host/memory/guest_memory.h"
#include "host/memory/memory_backing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/file.h"

#define SPAN    4096u /* pages of a process whose state is asked for together */
#define BATCH   128u  /* pages that are looked at together: their copy should stay in the processor's cache */
#define PRESENT (UINT64_C(1) << 63) /* Documentation/admin-guide/mm/pagemap.rst */
#define SWAPPED (UINT64_C(1) << 62)

struct page_search {
	const struct guest_memory *memory;
	const void *prefix;
	size_t prefix_bytes;

	/* of a process */
	uint64_t entries[SPAN]; /* what its page map says */
	uint64_t pages[SPAN];   /* those that are there */
	size_t nr_pages;
	struct iovec pieces[BATCH];
	size_t positions[BATCH];              /* where in the copy a page is */
	const struct memory_backing *backing; /* in its file, [data, hole) is the next data */
	uint64_t data, hole;

	uint8_t copy[BATCH * GUEST_PAGE_BYTES];
};

static const struct memory_backing *find_backing(const struct guest_memory *memory, uint64_t address)
{
	for (size_t i = 0; i < memory->nr_backings; i++)
		if (address >= memory->backings[i].start && address < memory->backings[i].end)
			return &memory->backings[i];
	return NULL;
}

/* The first data of a file in [from, end), with nothing but a hole before: *data == *hole == end: none. */
static void next_data(int fd, uint64_t from, uint64_t end, uint64_t *data, uint64_t *hole)
{
	off_t at = lseek(fd, (off_t)from, SEEK_DATA);

	*hole = end;
	*data = at < 0 && errno != ENXIO       ? from
		: at < 0 || (uint64_t)at > end ? end
					       : (uint64_t)at; /* cannot tell: all */
	if (at < 0 || *data == end)
		return;
	at = lseek(fd, at, SEEK_HOLE);
	if (at > (off_t)*data && (uint64_t)at < end)
		*hole = (uint64_t)at;
}

/* Marks pages as there, by the data of the file behind them. What was found out is kept: it was found for long runs. */
static void mark_data(
	struct page_search *search, const struct memory_backing *backing, uint64_t first, size_t count)
{
	uint64_t base = first - backing->start + backing->file_offset;
	uint64_t end = base + count * (uint64_t)GUEST_PAGE_BYTES;

	if (search->backing != backing) {
		search->backing = backing;
		search->hole = 0;
	}
	for (uint64_t from = base; from < end; from = search->hole) {
		size_t page;

		if (from >= search->hole)
			next_data(backing->fd, from, backing->end - backing->start + backing->file_offset,
				&search->data, &search->hole);
		page = search->data > from ? (search->data - base) / GUEST_PAGE_BYTES
					   : (from - base) / GUEST_PAGE_BYTES;
		for (; page < count && base + page * GUEST_PAGE_BYTES < search->hole; page++)
			search->entries[page] = PRESENT;
	}
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

/* Copies what is needed of `count` pages. Returns how many bytes came. */
static size_t copy_pages(struct page_search *search, const uint64_t *pages, size_t count)
{
	struct iovec local = {search->copy, 0};
	size_t nr_pieces = 0;
	ssize_t done;

	for (size_t i = 0; i < count; i++) {
		if (i && pages[i] == pages[i - 1] + GUEST_PAGE_BYTES) {
			search->positions[i] = search->positions[i - 1] + GUEST_PAGE_BYTES;
			search->pieces[nr_pieces - 1].iov_len += GUEST_PAGE_BYTES;
		} else {
			search->positions[i] = local.iov_len;
			search->pieces[nr_pieces++] =
				(struct iovec){(void *)(uintptr_t)pages[i], search->prefix_bytes};
		}
		local.iov_len = search->positions[i] + search->prefix_bytes;
	}
	/* by the process's id, which may be another's by now: what matches is read again by the descriptor */
	done = process_vm_readv(search->memory->pid, &local, 1, search->pieces, nr_pieces, 0);
	return done > 0 ? (size_t)done : 0;
}

/* Which of the chosen pages of a process matches, or nr_pages; what cannot be read does not match. */
static size_t look_at_pages(struct page_search *search)
{
	size_t from = 0;

	while (from < search->nr_pages) {
		const uint64_t *pages = search->pages + from;
		size_t count = search->nr_pages - from < BATCH ? search->nr_pages - from : BATCH, i;
		size_t bytes = copy_pages(search, pages, count);

		for (i = 0; i < count && search->positions[i] + search->prefix_bytes <= bytes; i++)
			if (!memcmp(search->copy + search->positions[i], search->prefix,
				    search->prefix_bytes) &&
				matches(search, pages[i]))
				return from + i;
		/* the one that failed; the others after it are tried again */
		if (i < count && matches(search, pages[i]))
			return from + i;
		from += i + (i < count);
	}
	return from;
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
		if (count > SPAN)
			count = SPAN;
		if (guest_memory_has_ended(search->memory))
			return -ESRCH;
		choose_present(search, first, count);
		found = look_at_pages(search);
		if (found < search->nr_pages) {
			*offset = search->pages[found];
			return 1;
		}
		first += count * GUEST_PAGE_BYTES;
	}
	return guest_memory_has_ended(search->memory) ? -ESRCH : 0;
}

/* The pages of one run of data. 1: found; 0: none; -EIO. */
static int search_data(struct page_search *search, uint64_t first, uint64_t end, uint64_t *offset)
{
	while (first < end) {
		size_t bytes = BATCH * GUEST_PAGE_BYTES;
		ssize_t got;

		if (bytes > end - first)
			bytes = end - first;
		got = file_read_at(search->memory->fd, search->copy, bytes, (off_t)first);
		if (got < 0)
			return -EIO;
		for (size_t at = 0; at + search->prefix_bytes <= (size_t)got; at += GUEST_PAGE_BYTES)
			if (!memcmp(search->copy + at, search->prefix, search->prefix_bytes)) {
				*offset = first + at;
				return 1;
			}
		first += bytes;
	}
	return 0;
}

static int search_file(struct page_search *search, uint64_t first, uint64_t end, uint64_t *offset)
{
	uint64_t data, hole;
	struct stat status;
	int found = 0;

	/* it may end earlier than its header says */
	if (fstat(search->memory->fd, &status))
		return -EIO;
	if (end > (uint64_t)status.st_size)
		end = (uint64_t)status.st_size;
	while (!found && first < end) {
		next_data(search->memory->fd, first, end, &data, &hole);
		/* from the page on that the data begins in, to the one that it ends in */
		first += (data - first) & ~(uint64_t)(GUEST_PAGE_BYTES - 1);
		/* the page that the data ends in is looked at as a whole */
		hole = first + ((hole - first + GUEST_PAGE_BYTES - 1) & ~(uint64_t)(GUEST_PAGE_BYTES - 1));
		found = search_data(search, first, hole < end ? hole : end, offset);
		first = hole;
	}
	return found;
}

static int search_places(struct page_search *search, uint64_t *cursor, uint64_t *offset)
{
	const struct guest_memory *memory = search->memory;
	uint64_t passed = 0;

	for (size_t i = 0; i < memory->nr_places; passed += memory->places[i++].bytes) {
		const struct guest_memory_range *place = &memory->places[i];
		uint64_t from = *cursor > passed ? *cursor - passed : 0, first,
			 end = place->offset + place->bytes;
		int found;

		from += from < place->bytes ? -(place->physical + from) & (GUEST_PAGE_BYTES - 1) : 0;
		if (from >= place->bytes)
			continue;
		first = place->offset + from;
		found = memory->pid ? search_process(search, first, end, offset)
				    : search_file(search, first, end, offset);
		if (found > 0)
			*cursor = passed + (*offset - place->offset) + 1;
		if (found)
			return found;
	}
	*cursor = passed;
	return 0;
}

int guest_memory_find_page(const struct guest_memory *memory, const void *prefix, size_t prefix_bytes,
	uint64_t *cursor, uint64_t *offset)
{
	struct page_search *search;
	int found;

	if (!prefix_bytes || prefix_bytes > GUEST_PAGE_BYTES)
		return -EINVAL;
	search = malloc(sizeof(*search));
	if (!search)
		return -ENOMEM;
	search->memory = memory;
	search->prefix = prefix;
	search->prefix_bytes = prefix_bytes;
	search->backing = NULL;
	found = search_places(search, cursor, offset);
	free(search);
	return found;
}
