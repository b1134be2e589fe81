/* SPDX-License-Identifier: MIT */
#include "tests/unit/ring_maker.h"

#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/collect/ftrace_page.h"
#include "tests/unit/btf_maker.h"
#include "tests/unit/kernel_maker.h"

#define RAM_BYTES   (1u << 20)
#define PAGE_OFFSET UINT64_C(0xffff888000000000)
#define RING        UINT64_C(0x1000)
#define LINKS       UINT64_C(0x2000)
#define LINK_BYTES  64
#define DATA        UINT64_C(0x10000)
#define HEADER      16
#define ROOM        (GUEST_PAGE_BYTES - HEADER)
#define HEAD_WORDS  5 /* header, trace_entry, number */

/* Where the fields are in our struct ring_buffer_per_cpu. */
enum field {
	DISABLED,
	LOCK = 4,
	NR_PAGES = 8,
	HEAD = 16,
	TAIL = 24,
	COMMIT = 32,
	READER = 40,
	LAST_OVERRUN = 48,
	ENTRIES = 56,
	OVERRUN = 64,
	COMMIT_OVERRUN = 72,
	DROPPED = 80,
	COMMITTING = 88,
	READ = 96,
	PAGES_READ = 104
};
/* … and in struct buffer_page. */
enum link { NEXT, PREV = 8, LINK_READ = 16, LINK_ENTRIES = 24, LINK_DATA = 32 };

struct member {
	const char *name;
	uint32_t type, offset;
};

static uint32_t add_struct(struct btf_maker *maker, const char *name, uint32_t bytes,
	const struct member *members, uint32_t count)
{
	uint32_t words[64];

	for (uint32_t i = 0; i < count; i++) {
		words[3 * i] = btf_maker_name(maker, members[i].name);
		words[3 * i + 1] = members[i].type;
		words[3 * i + 2] = 8 * members[i].offset;
	}
	return btf_maker_add(maker, name, BTF_KIND_STRUCT, false, count, bytes, words, 3 * (size_t)count);
}

#define ADD(name, bytes, ...)                                           \
	add_struct(&maker, name, bytes, (struct member[]){__VA_ARGS__}, \
		sizeof((struct member[]){__VA_ARGS__}) / sizeof(struct member))

static uint8_t *make_types(size_t *bytes)
{
	struct btf_maker maker;
	uint32_t half, integer, word, list, data, buffer;

	btf_maker_init(&maker);
	half = btf_maker_add(&maker, "unsigned short", BTF_KIND_INT, false, 0, 2, (uint32_t[]){16}, 1);
	integer = btf_maker_add(&maker, "int", BTF_KIND_INT, false, 0, 4, (uint32_t[]){32}, 1);
	word = btf_maker_add(&maker, "unsigned long", BTF_KIND_INT, false, 0, 8, (uint32_t[]){64}, 1);
	list = ADD("list_head", 16, {"next", word, 0}, {"prev", word, 8});
	data = btf_maker_add(&maker, NULL, BTF_KIND_ARRAY, false, 0, 0, (uint32_t[]){word, integer, 0}, 3);
	buffer = ADD("array_buffer", 16, {"buffer", word, 0}, {"time_start", word, 8});
	ADD("ring_buffer_per_cpu", 128, {"record_disabled", integer, DISABLED},
		{"reader_lock", integer, LOCK}, {"nr_pages", word, NR_PAGES}, {"head_page", word, HEAD},
		{"tail_page", word, TAIL}, {"commit_page", word, COMMIT}, {"reader_page", word, READER},
		{"last_overrun", word, LAST_OVERRUN}, {"entries", word, ENTRIES}, {"overrun", word, OVERRUN},
		{"commit_overrun", word, COMMIT_OVERRUN}, {"dropped_events", word, DROPPED},
		{"committing", word, COMMITTING}, {"read", word, READ}, {"pages_read", word, PAGES_READ});
	ADD("buffer_page", LINK_BYTES, {"list", list, NEXT}, {"read", integer, LINK_READ},
		{"entries", word, LINK_ENTRIES}, {"page", word, LINK_DATA});
	ADD("buffer_data_page", HEADER, {"time_stamp", word, 0}, {"commit", word, 8}, {"data", data, HEADER});
	ADD("trace_buffer", 16, {"record_disabled", integer, 0}, {"buffers", word, 8});
	ADD("trace_array", 64, {"list", list, 0}, {"name", word, 16}, {"array_buffer", buffer, 24},
		{"clock_id", integer, 40}, {"current_trace", word, 48});
	ADD("tracer", 8, {"name", word, 0});
	ADD("trace_entry", 8, {"type", half, 0}, {"pid", integer, 4});
	return btf_maker_finish(&maker, bytes);
}

static void put(struct ring_maker *maker, uint64_t physical, uint64_t value, size_t bytes)
{
	maker_write(maker->fd, physical, &value, bytes);
}

static uint64_t link_at(unsigned page)
{
	return LINKS + (uint64_t)page * LINK_BYTES;
}

static uint64_t data_at(unsigned page)
{
	return DATA + (uint64_t)page * GUEST_PAGE_BYTES;
}

/* Writes what the model says of a page; the header of its data too. */
static void put_page(struct ring_maker *maker, unsigned page)
{
	const struct ring_maker_page *this = &maker->pages[page];

	put(maker, data_at(page), this->time, 8);
	put(maker, data_at(page) + 8, this->commit, 8);
	put(maker, link_at(page) + NEXT, (PAGE_OFFSET + link_at(this->next)) | this->flags, 8);
	put(maker, link_at(page) + PREV, PAGE_OFFSET + link_at(this->prev), 8);
	put(maker, link_at(page) + LINK_READ, this->read, 4);
	put(maker, link_at(page) + LINK_ENTRIES, this->entries, 8);
	put(maker, link_at(page) + LINK_DATA, PAGE_OFFSET + data_at(page), 8);
}

static void put_ring(struct ring_maker *maker)
{
	put(maker, RING + LOCK, maker->locked, 4);
	put(maker, RING + NR_PAGES, maker->nr_pages, 8);
	put(maker, RING + HEAD, PAGE_OFFSET + link_at(maker->head), 8);
	put(maker, RING + TAIL, PAGE_OFFSET + link_at(maker->tail), 8);
	put(maker, RING + COMMIT, PAGE_OFFSET + link_at(maker->tail), 8);
	put(maker, RING + READER, PAGE_OFFSET + link_at(maker->reader), 8);
	put(maker, RING + LAST_OVERRUN, maker->last_overrun, 8);
	put(maker, RING + ENTRIES, maker->entries, 8);
	put(maker, RING + OVERRUN, maker->overrun, 8);
	put(maker, RING + DROPPED, maker->dropped, 8);
	put(maker, RING + READ, maker->read, 8);
	put(maker, RING + PAGES_READ, maker->pages_read, 8);
}

static void clear_page(struct ring_maker *maker, unsigned page)
{
	maker->pages[page].entries = 0;
	maker->pages[page].commit = 0;
	maker->pages[page].read = 0;
	put_page(maker, page);
}

void ring_maker_reset(struct ring_maker *maker)
{
	for (unsigned i = 0; i <= maker->nr_pages; i++)
		maker->pages[i].flags = 0;
	maker->pages[maker->reader].next = maker->pages[maker->reader].prev = maker->reader;
	for (unsigned i = 0; i <= maker->nr_pages; i++)
		clear_page(maker, i);
	maker->tail = maker->head;
	maker->pages[maker->pages[maker->head].prev].flags = FTRACE_LINK_HEAD;
	put_page(maker, maker->pages[maker->head].prev);
	maker->entries = maker->overrun = maker->last_overrun = maker->read = maker->pages_read =
		maker->dropped = 0;
	put_ring(maker);
}

void ring_maker_init(struct ring_maker *maker, unsigned nr_pages)
{
	struct error error;
	char path[64];
	size_t bytes;

	*maker = (struct ring_maker){.fd = memfd_create("ring", 0),
		.memory = GUEST_MEMORY_NONE,
		.address = PAGE_OFFSET + RING,
		.nr_pages = nr_pages,
		.reader = nr_pages,
		.time = 1000000};
	if (maker->fd < 0 || ftruncate(maker->fd, RAM_BYTES) || nr_pages > RING_MAKER_PAGES)
		abort();
	for (unsigned i = 0; i < nr_pages; i++) {
		maker->pages[i].next = (i + 1) % nr_pages;
		maker->pages[i].prev = (i + nr_pages - 1) % nr_pages;
	}
	ring_maker_reset(maker);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", maker->fd);
	if (guest_memory_open_file(&maker->memory, path, &error))
		abort();
	maker->kernel = (struct guest_kernel){.memory = &maker->memory,
		.page_offset = PAGE_OFFSET,
		.text = UINT64_C(0xffffffff81000000),
		.end = UINT64_C(0xffffffff81000000)};
	maker->kernel.btf = make_types(&bytes);
	if (kernel_types_init(&maker->kernel.types, maker->kernel.btf, bytes, &error) ||
		ftrace_layout_init(&maker->layout, &maker->kernel, &error))
		abort();
}

void ring_maker_deinit(struct ring_maker *maker)
{
	kernel_types_deinit(&maker->kernel.types);
	free(maker->kernel.btf);
	guest_memory_deinit(&maker->memory);
	close(maker->fd);
}

/* The writer goes to the next page; if that is the oldest in the ring, its events are overwritten. */
static void move_tail(struct ring_maker *maker)
{
	const unsigned next = maker->pages[maker->tail].next;
	struct ring_maker_page *before = &maker->pages[maker->pages[next].prev];

	if (maker->tail != maker->reader && next == maker->head) {
		maker->overrun += maker->pages[next].entries;
		put_ring(maker);
		before->flags = 0;
		put_page(maker, maker->pages[next].prev);
		maker->head = maker->pages[next].next;
		maker->pages[next].flags = FTRACE_LINK_HEAD;
	}
	clear_page(maker, next);
	maker->tail = next;
	put_ring(maker);
}

/* Room for so many words on the page that is written; the rest of the one before is filled up as the kernel does. */
static void make_room(struct ring_maker *maker, uint32_t words)
{
	struct ring_maker_page *page = &maker->pages[maker->tail];
	const uint32_t left = ROOM - page->commit;

	if (left >= 4 * words)
		return;
	if (left >= 8) {
		put(maker, data_at(maker->tail) + HEADER + page->commit, 29 | 1 << 5, 4);
		put(maker, data_at(maker->tail) + HEADER + page->commit + 4, left - 4, 4);
	} else if (left) {
		put(maker, data_at(maker->tail) + HEADER + page->commit, 29, 4);
	}
	page->commit = ROOM;
	put_page(maker, maker->tail);
	move_tail(maker);
}

/* Puts words behind what is on the page, without committing them. */
static uint32_t add_words(struct ring_maker *maker, uint32_t at, const uint32_t *words, uint32_t count)
{
	maker_write(maker->fd, data_at(maker->tail) + HEADER + at, words, 4 * (size_t)count);
	return at + 4 * count;
}

/* The time of what comes next, before it: returns the delta that is left for its own header. */
static uint64_t add_time(struct ring_maker *maker, uint32_t *at, uint64_t delta)
{
	struct ring_maker_page *page = &maker->pages[maker->tail];

	maker->time += delta;
	if (!page->commit) {
		page->time = maker->time;
		return 0;
	}
	if (delta >> 27) {
		const uint32_t extend[] = {
			30 | (uint32_t)(delta & ((1u << 27) - 1)) << 5, (uint32_t)(delta >> 27)};

		*at = add_words(maker, *at, extend, 2);
		return 0;
	}
	return delta;
}

void ring_maker_write(struct ring_maker *maker, unsigned words, uint64_t delta)
{
	const uint32_t data_words = HEAD_WORDS - 1 + words;
	uint32_t event[HEAD_WORDS + 1] = {0}, at, length = 0;
	const bool is_long = data_words > 28;

	make_room(maker, data_words + 1 + is_long + 2);
	at = maker->pages[maker->tail].commit;
	delta = add_time(maker, &at, delta);
	event[length++] = (is_long ? 0 : data_words) | (uint32_t)delta << 5;
	if (is_long)
		event[length++] = 4 * data_words + 4;
	event[length++] = RING_MAKER_TYPE;
	event[length++] = 4711;
	event[length++] = (uint32_t)maker->written;
	event[length++] = (uint32_t)(maker->written >> 32);
	at = add_words(maker, at, event, length) + 4 * words;
	maker->written++;
	maker->pages[maker->tail].entries++;
	maker->entries++;
	maker->pages[maker->tail].commit = at;
	put_ring(maker);
	put_page(maker, maker->tail);
}

void ring_maker_discard(struct ring_maker *maker)
{
	const uint32_t discarded[] = {29 | 3 << 5, 8, 0xffffffff};
	uint32_t at;

	make_room(maker, 4);
	if (!maker->pages[maker->tail].commit)
		maker->pages[maker->tail].time = maker->time;
	at = add_words(maker, maker->pages[maker->tail].commit, discarded, 3);
	maker->time += 3;
	maker->pages[maker->tail].commit = at;
	put_page(maker, maker->tail);
}

bool ring_maker_begin_swap(struct ring_maker *maker)
{
	struct ring_maker_page *reader = &maker->pages[maker->reader], *head = &maker->pages[maker->head];

	if (maker->tail == maker->reader || reader->read < reader->commit ||
		maker->entries == maker->overrun + maker->read)
		return false;
	maker->locked = true;
	put_ring(maker);
	clear_page(maker, maker->reader);
	reader->next = head->next;
	reader->prev = head->prev;
	reader->flags = FTRACE_LINK_HEAD;
	put_page(maker, maker->reader);
	return true;
}

void ring_maker_end_swap(struct ring_maker *maker)
{
	const unsigned taken = maker->head;
	struct ring_maker_page *head = &maker->pages[taken];

	/* with one page in the ring it is its own neighbour; there are more here */
	maker->pages[head->prev].next = maker->reader;
	maker->pages[head->prev].flags = 0;
	put_page(maker, head->prev);
	maker->pages[head->next].prev = maker->reader;
	put_page(maker, head->next);
	maker->head = head->next;
	maker->reader = taken;
	maker->pages_read++;
	maker->last_overrun = maker->overrun;
	head->read = 0;
	put_page(maker, taken);
	maker->locked = false;
	put_ring(maker);
}

/* Of the reader page; the end of a page is passed over. */
static unsigned consume_page(struct ring_maker *maker, unsigned events)
{
	struct ring_maker_page *reader = &maker->pages[maker->reader];
	struct ftrace_page_cursor cursor = {.offset = reader->read};
	struct ftrace_page_event event;
	uint8_t data[ROOM];
	unsigned taken = 0;

	if (pread(maker->fd, data, reader->commit, (off_t)(data_at(maker->reader) + HEADER)) !=
		(ssize_t)reader->commit)
		abort();
	while (taken < events && ftrace_page_next(data, reader->commit, &cursor, &event) == 1)
		taken++;
	reader->read = taken < events ? reader->commit : cursor.offset;
	maker->read += taken;
	put_ring(maker);
	put_page(maker, maker->reader);
	return taken;
}

void ring_maker_consume(struct ring_maker *maker, unsigned events)
{
	while (events) {
		events -= consume_page(maker, events);
		if (events) {
			if (!ring_maker_begin_swap(maker))
				return;
			ring_maker_end_swap(maker);
		}
	}
}

void ring_maker_steal(struct ring_maker *maker)
{
	struct ring_maker_page *reader = &maker->pages[maker->reader];

	if (maker->tail == maker->reader || reader->read || !reader->entries)
		return;
	maker->read += reader->entries;
	clear_page(maker, maker->reader);
	put_ring(maker);
}

void ring_maker_damage(struct ring_maker *maker)
{
	const uint32_t damage[] = {0, 0xfffffff0};

	make_room(maker, 4);
	if (!maker->pages[maker->tail].commit)
		maker->pages[maker->tail].time = maker->time;
	maker->pages[maker->tail].commit = add_words(maker, maker->pages[maker->tail].commit, damage, 2);
	put_page(maker, maker->tail);
}
