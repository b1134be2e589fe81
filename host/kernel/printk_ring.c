/* SPDX-License-Identifier: MIT */
/* Facts: kernel/printk/printk_ringbuffer.{c,h} of Linux 6.1 and 6.12. */
#include "host/kernel/printk_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX 65536u /* text_len has 16 bits */
#define COUNT_BITS_MAX 24u
#define SIZE_BITS_MAX  31u /* LOG_BUF_LEN_MAX */
#define STRUCT_BYTES   256u
#define TRIES          8 /* reads of what changes meanwhile */

/* state_var: DESC_SV() */
#define STATE_SHIFT 62
#define ID_MASK     ((UINT64_C(1) << STATE_SHIFT) - 1)
#define NO_SEQ      UINT64_MAX

enum desc_state {
	DESC_RESERVED,
	DESC_COMMITTED, /* whole, but the kernel may continue it */
	DESC_FINALIZED,
	DESC_REUSABLE, /* its text may be gone */
};

/* Positions that are none: bit 0 says so, and the whole value why. */
#define LPOS_FAILED     1u /* the text was lost */
#define LPOS_EMPTY_LINE 3u

enum outcome {
	TAKEN,
	GONE,
	UNFINISHED,
};

/* --- what the ring says of itself --- */

static int read_ring(const struct printk_ring *ring, uint8_t *copy)
{
	uint64_t address;
	int code = ring->read(ring->context, ring->pointer, &address, sizeof(address));

	return code ? code : ring->read(ring->context, address, copy, ring->layout.ring_bytes);
}

/*
 * Ids and sequence numbers go together. The first record has the id behind DESC0_ID(), which is -(count + 1) in an
 * unsigned int, widened: 2^32 - count - 1. Where it is made in a long one day, ids begin below 2^62 and wrap at once.
 * Before there is a record, head and tail are at DESC0_ID(): that is NO_SEQ.
 */
static uint64_t seq_of_id(const struct printk_ring *ring, uint64_t id)
{
	uint64_t seq = (id + (UINT64_C(1) << ring->count_bits)) & ID_MASK;

	if (seq == ID_MASK || seq == UINT32_MAX)
		return NO_SEQ;
	return seq > UINT32_MAX ? seq - UINT32_MAX - 1 : seq;
}

static bool take_ring(struct printk_ring *ring, const uint8_t *copy)
{
	const struct printk_layout *layout = &ring->layout;
	uint64_t count_bits = kernel_field_value(&layout->count_bits, copy);
	uint64_t size_bits = kernel_field_value(&layout->size_bits, copy);
	uint64_t first, end;

	if (!count_bits || count_bits > COUNT_BITS_MAX || size_bits < 3 || size_bits > SIZE_BITS_MAX)
		return false;
	ring->count_bits = (uint32_t)count_bits;
	ring->size_bits = (uint32_t)size_bits;
	ring->descs = kernel_field_value(&layout->descs, copy);
	ring->infos = kernel_field_value(&layout->infos, copy);
	ring->data = kernel_field_value(&layout->data, copy);
	first = seq_of_id(ring, kernel_field_value(&layout->tail_id, copy));
	if (first == NO_SEQ)
		first = 0;
	end = seq_of_id(ring, kernel_field_value(&layout->head_id, copy)) + 1; /* of NO_SEQ: 0 */
	if (!ring->descs || !ring->infos || !ring->data || first > end ||
		end - first > UINT64_C(1) << count_bits)
		return false;
	ring->first_seq = first;
	ring->end_seq = end;
	return true;
}

int printk_ring_refresh(struct printk_ring *ring)
{
	uint8_t copy[STRUCT_BYTES];

	ring->is_known = false;
	for (int try = 0; try < TRIES; try++) {
		int code = read_ring(ring, copy);

		if (code)
			return code;
		if (!take_ring(ring, copy))
			continue;
		ring->is_known = true;
		if (!ring->was_read) {
			ring->was_read = true;
			ring->overwritten = ring->next_seq = ring->first_seq;
		}
		return 0;
	}
	return -EINVAL;
}

int printk_ring_tail(struct printk_ring *ring, uint64_t count)
{
	int code = printk_ring_refresh(ring);

	if (code)
		return code;
	ring->next_seq = ring->end_seq - ring->first_seq > count ? ring->end_seq - count : ring->first_seq;
	return 0;
}

/* --- one record --- */

static int read_state(const struct printk_ring *ring, uint64_t seq, uint64_t *state)
{
	uint64_t index = seq & ((UINT64_C(1) << ring->count_bits) - 1);
	uint64_t address = ring->descs + index * ring->layout.desc_bytes + ring->layout.state.byte_offset;

	return ring->read(ring->context, address, state, sizeof(*state));
}

/*
 * Where the text of a block begins, and how much there is at most; false: positions that cannot be. A block that would
 * cross the ring's end lies at its start instead, and then only its id is at `begin`.
 */
static bool find_text(
	const struct printk_ring *ring, uint64_t begin, uint64_t next, uint64_t *offset, uint64_t *bytes)
{
	uint64_t size = UINT64_C(1) << ring->size_bits;
	uint64_t last = next & (size - 1);

	if (begin % sizeof(uint64_t) || next % sizeof(uint64_t))
		return false;
	if (begin >> ring->size_bits == next >> ring->size_bits && begin < next) {
		*offset = begin & (size - 1);
		*bytes = next - begin;
	} else if ((begin + size) >> ring->size_bits == next >> ring->size_bits) {
		*offset = last ? 0 : begin & (size - 1); /* ends exactly with the ring, in newer kernels */
		*bytes = last ? last : size - (begin & (size - 1));
	} else {
		return false;
	}
	*offset += sizeof(uint64_t);
	*bytes -= sizeof(uint64_t);
	return true;
}

/* 0: the text is in ring->text; -ENODATA: it is lost; errors of reading. */
static int read_text(struct printk_ring *ring, const uint8_t *desc, size_t *length)
{
	uint64_t begin = kernel_field_value(&ring->layout.begin, desc);
	uint64_t next = kernel_field_value(&ring->layout.next, desc), offset, bytes;

	if (begin & next & 1) {
		*length = 0;
		return begin == LPOS_EMPTY_LINE && next == LPOS_EMPTY_LINE ? 0 : -ENODATA;
	}
	if (!find_text(ring, begin, next, &offset, &bytes))
		return -ENODATA;
	if (*length > bytes)
		*length = (size_t)bytes;
	return *length ? ring->read(ring->context, ring->data + offset, ring->text, *length) : 0;
}

static void copy_text(char *out, size_t size, const struct kernel_field *field, const uint8_t *copy)
{
	size_t bytes = field->bytes < size - 1 ? field->bytes : size - 1;

	memcpy(out, copy + field->byte_offset, bytes);
	out[bytes] = '\0';
}

static void fill(const struct printk_ring *ring, struct printk_record *record, const uint8_t *info)
{
	const struct printk_layout *layout = &ring->layout;

	record->seq = kernel_field_value(&layout->seq, info);
	record->ts_ns = kernel_field_value(&layout->ts_ns, info);
	record->level = (uint8_t)kernel_field_value(&layout->level, info);
	record->facility = (uint8_t)kernel_field_value(&layout->facility, info);
	record->flags = (uint8_t)kernel_field_value(&layout->flags, info);
	record->caller = (uint32_t)kernel_field_value(&layout->caller, info);
	record->length = (size_t)kernel_field_value(&layout->text_length, info) & (TEXT_BYTES_MAX - 1);
	record->text = ring->text;
	copy_text(record->subsystem, sizeof(record->subsystem), &layout->subsystem, info);
	copy_text(record->device, sizeof(record->device), &layout->device, info);
}

/* Of a descriptor whose state was just read: everything that belongs to it, or an outcome without. */
static int read_contents(struct printk_ring *ring, struct printk_record *record, uint64_t seq)
{
	const struct printk_layout *layout = &ring->layout;
	uint64_t index = seq & ((UINT64_C(1) << ring->count_bits) - 1);
	uint8_t desc[STRUCT_BYTES], info[STRUCT_BYTES];
	int code =
		ring->read(ring->context, ring->descs + index * layout->desc_bytes, desc, layout->desc_bytes);

	if (!code)
		code = ring->read(
			ring->context, ring->infos + index * layout->info_bytes, info, layout->info_bytes);
	if (code)
		return code;
	fill(ring, record, info);
	if (record->seq != seq)
		return GONE;
	code = read_text(ring, desc, &record->length);
	return code == -ENODATA ? GONE : code ? code : TAKEN;
}

/* The descriptor is of another record. Of a later one: written over. Else its writer has not come so far. */
static enum outcome outcome_of_miss(const struct printk_ring *ring, uint64_t state, uint64_t seq)
{
	uint64_t other = seq_of_id(ring, state & ID_MASK);

	return state && other != NO_SEQ && other > seq ? GONE : UNFINISHED;
}

static int read_record(struct printk_ring *ring, struct printk_record *record, uint64_t seq)
{
	for (int try = 0; try < TRIES; try++) {
		uint64_t before, after;
		int outcome, code = read_state(ring, seq, &before);

		if (code)
			return code;
		if (seq_of_id(ring, before & ID_MASK) != seq)
			return outcome_of_miss(ring, before, seq);
		if (before >> STATE_SHIFT == DESC_RESERVED)
			return UNFINISHED;
		if (before >> STATE_SHIFT == DESC_REUSABLE)
			return GONE;
		record->unfinished = before >> STATE_SHIFT == DESC_COMMITTED;
		if (record->unfinished && ring->patient)
			return UNFINISHED;
		outcome = read_contents(ring, record, seq);
		if (outcome < 0)
			return outcome;
		code = read_state(ring, seq, &after);
		if (code)
			return code;
		if (before == after)
			return outcome;
	}
	return UNFINISHED;
}

/* The next record before end_seq. *stale: some were written over meanwhile, so there are newer ones. */
static int next_known(struct printk_ring *ring, struct printk_record *record, bool *stale)
{
	while (ring->next_seq < ring->end_seq) {
		int outcome;

		if (ring->next_seq < ring->first_seq) {
			ring->lost += ring->first_seq - ring->next_seq;
			ring->next_seq = ring->first_seq;
		}
		outcome = read_record(ring, record, ring->next_seq);
		if (outcome < 0)
			return outcome;
		if (outcome == UNFINISHED && ring->patient) {
			ring->is_known = false; /* look anew, the kernel may have changed rings */
			return 0;
		}
		ring->next_seq++;
		if (outcome == TAKEN) {
			ring->was_taken = true;
			return 1;
		}
		*(ring->was_taken ? &ring->lost : &ring->overwritten) += outcome == GONE;
		ring->unfinished += outcome == UNFINISHED;
		*stale |= outcome == GONE;
	}
	return 0;
}

int printk_ring_next(struct printk_ring *ring, struct printk_record *record)
{
	bool stale = !ring->is_known || ring->next_seq >= ring->end_seq;
	int code = 0;

	if (!stale)
		code = next_known(ring, record, &stale);
	for (int try = 0; !code && stale && try < TRIES; try++) {
		code = printk_ring_refresh(ring);
		stale = false;
		if (!code)
			code = next_known(ring, record, &stale);
	}
	return code;
}

/* --- the kernel's layout --- */

static int read_kernel(const void *kernel, uint64_t address, void *data, size_t bytes)
{
	return guest_kernel_read(kernel, address, data, bytes);
}

struct wanted_field {
	const char *type, *path;
	struct kernel_field *field;
	uint32_t *bytes; /* of the type */
};

/* Every field must lie in its struct, and every struct in our copy of it. */
static int find_fields(const struct kernel_types *types, const struct wanted_field *wanted, size_t count,
	struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t bytes = kernel_types_size(types, wanted[i].type);
		int code = kernel_types_need(types, wanted[i].type, wanted[i].path, wanted[i].field, error);

		if (code)
			return code;
		if (bytes > STRUCT_BYTES || wanted[i].field->byte_offset > bytes ||
			wanted[i].field->bytes > bytes - wanted[i].field->byte_offset)
			return error_set(error, -EINVAL, "struct %s of the guest's kernel: %u bytes, too odd",
				wanted[i].type, bytes);
		*wanted[i].bytes = bytes;
	}
	return 0;
}

static int find_layout(struct printk_layout *layout, const struct kernel_types *types, struct error *error)
{
#define RING(path, member)                                                      \
	{                                                                       \
		"printk_ringbuffer", path, &layout->member, &layout->ring_bytes \
	}
#define DESC(path, member)                                             \
	{                                                              \
		"prb_desc", path, &layout->member, &layout->desc_bytes \
	}
#define INFO(path, member)                                                \
	{                                                                 \
		"printk_info", path, &layout->member, &layout->info_bytes \
	}
	const struct wanted_field wanted[] = {
		RING("desc_ring.count_bits", count_bits),
		RING("desc_ring.descs", descs),
		RING("desc_ring.infos", infos),
		RING("desc_ring.head_id.counter", head_id),
		RING("desc_ring.tail_id.counter", tail_id),
		RING("text_data_ring.size_bits", size_bits),
		RING("text_data_ring.data", data),
		DESC("state_var.counter", state),
		DESC("text_blk_lpos.begin", begin),
		DESC("text_blk_lpos.next", next),
		INFO("seq", seq),
		INFO("ts_nsec", ts_ns),
		INFO("text_len", text_length),
		INFO("facility", facility),
		INFO("flags", flags),
		INFO("level", level),
		INFO("caller_id", caller),
		INFO("dev_info.subsystem", subsystem),
		INFO("dev_info.device", device),
	};
#undef RING
#undef DESC
#undef INFO

	return find_fields(types, wanted, sizeof(wanted) / sizeof(wanted[0]), error);
}

int printk_ring_init(struct printk_ring *ring, const struct guest_kernel *kernel, struct error *error)
{
	int code;

	*ring = (struct printk_ring){.read = read_kernel, .context = kernel};
	code = find_layout(&ring->layout, &kernel->types, error);
	if (!code)
		code = guest_kernel_need_symbol(kernel, "prb", &ring->pointer, error);
	if (!code) {
		ring->text = malloc(TEXT_BYTES_MAX);
		if (!ring->text)
			code = error_set(error, -ENOMEM, "out of memory");
	}
	return code ? error_add(error, "the guest's log") : 0;
}

void printk_ring_deinit(struct printk_ring *ring)
{
	free(ring->text);
	*ring = (struct printk_ring){0};
}
