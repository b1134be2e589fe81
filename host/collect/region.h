/* SPDX-License-Identifier: MIT */
/*
 * The shared region of one guest (abi/region.h), mapped on its host. The guest's part is mapped read-only;
 * what its header says is checked and copied once, and only the copy is used.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/region.h"
#include "lib/base/error.h"

/* Our checked copy of the header: everything lies within the file. */
struct region_layout {
	uint64_t generation;
	uint64_t rings_offset, data_offset; /* both multiples of 8 */
	uint32_t nr_rings;                  /* 2..HT_MAX_RINGS; the last is the names ring */
	uint32_t nr_packets;                /* a power of two */
	uint32_t packet_bytes;              /* a power of two */
	enum ht_mode mode;
	/* regions that the guest passes on to guests of its own, from nested_offset on; 0: none */
	uint32_t nested_parts;
	uint64_t nested_offset, nested_bytes; /* multiples of HT_NESTED_ALIGN; bytes of each */
};

/* What the header says of the guest, for people and the trace. Text is NUL-terminated and raw: escape it. */
struct region_guest {
	uint32_t tsc_khz;
	uint64_t text_address, kaslr_offset;
	struct ht_clock_sample clock_first;
	char release[65], version[129], hostname[65];
};

struct region {
	char *path;
	int fd;
	uint64_t offset; /* in the file: a part that a guest has passed on, or 0 */
	uint32_t layer;  /* of its guest: 1, or one more than that of the guest that passed it on */
	size_t bytes;
	const uint8_t *base;           /* all of it, read-only */
	const struct ht_region *guest; /* = base */
	struct ht_host *host;          /* the host's pages, writable */
};

/*
 * Maps the file and locks it against a second recorder. -EBUSY: another one has it; -ENODATA: too small, and
 * whatever open() and mmap() say. `region` is good for region_deinit() also after an error.
 */
int region_init(struct region *region, const char *path, struct error *error);

/* The same for one who only looks: no lock, `host` is NULL. */
int region_init_to_look(struct region *region, const char *path, struct error *error);
void region_deinit(struct region *region);

/*
 * The part number `index` of those that the guest of `whole` passes on, by its checked layout. A region like any other,
 * under the lock of `whole`, which it may outlive. Errors of mmap(), -ENOMEM.
 */
int region_init_part(struct region *region, const struct region *whole, const struct region_layout *layout,
	uint32_t index, struct error *error);

/*
 * Asks the guest of a region that no guest has yet (a new file, all zeros) to pass on so many parts of so many bytes.
 * -EINVAL: they do not fit into it, or are no multiples of HT_NESTED_ALIGN; errors of open() and write().
 */
int region_ask_nested(const char *path, uint64_t bytes, uint32_t parts, struct error *error);

/*
 * Reads the header. 0: `layout` is filled. -EAGAIN: there is none yet (no error is set): the module is not
 * loaded, or just starting its rings anew. -EBADMSG: noise, or a header that cannot be true; -EPROTO: another
 * version.
 */
int region_check(const struct region *region, struct region_layout *layout, struct error *error);

/* Copies what the header says of the guest. */
void region_describe(const struct region *region, struct region_guest *guest);

/* Is the generation of `layout` still what the guest writes? */
bool region_is_current(const struct region *region, const struct region_layout *layout);

/* The guest's state; `message`, unless NULL, gets its last words, raw, NUL-terminated. Unknown states are RUNNING. */
enum ht_state region_state(const struct region *region, char message[513]);

/* Was the file taken away (unlinked), or made smaller under our feet? */
bool region_is_detached(const struct region *region);

static inline const struct ht_ring *region_ring(
	const struct region *region, const struct region_layout *layout, uint32_t ring)
{
	return (const struct ht_ring *)(region->base + layout->rings_offset) + ring;
}

static inline const uint8_t *region_ring_data(
	const struct region *region, const struct region_layout *layout, uint32_t ring)
{
	return region->base + layout->data_offset +
		(uint64_t)ring * layout->nr_packets * layout->packet_bytes;
}
