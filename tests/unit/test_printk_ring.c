/* SPDX-License-Identifier: MIT */
/* The printk ring out of bytes: every kind of block, what is being written, what was overwritten, what cannot be. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/kernel/printk_ring.h"

#define POINTER    0x1000u /* addresses of our kernel's memory */
#define RING       0x2000u
#define DESCS      0x3000u
#define INFOS      0x5000u
#define DATA       0x10000u
#define MEMORY     0x20000u
#define COUNT_BITS 4u
#define COUNT      (1u << COUNT_BITS)
#define SIZE_BITS  8u
#define SIZE       (1u << SIZE_BITS)

enum {
	RESERVED,
	COMMITTED,
	FINALIZED,
	REUSABLE,
};

/* As 6.1 and 6.12 lay it out on x86-64. */
struct ring {
	uint32_t count_bits, pad;
	uint64_t descs, infos, head_id, tail_id, last;
	uint32_t size_bits, pad2;
	uint64_t data, head_lpos, tail_lpos, fail;
};

struct desc {
	uint64_t state, begin, next;
};

struct info {
	uint64_t seq, ts_ns;
	uint16_t length;
	uint8_t facility, flags_and_level;
	uint32_t caller;
	char subsystem[16], device[48];
};

/* A kernel that writes as its printk does. */
struct writer {
	uint8_t memory[MEMORY];
	uint64_t head_lpos;
	unsigned reads, fail_at; /* the read that fails */
	unsigned overwrite_at;   /* the read after which everything is written over */
};

static void write_over(struct writer *writer);

static struct ring *ring_of(struct writer *writer)
{
	return (struct ring *)(writer->memory + RING);
}

static struct desc *desc_of(struct writer *writer, uint64_t seq)
{
	return (struct desc *)(writer->memory + DESCS) + seq % COUNT;
}

static struct info *info_of(struct writer *writer, uint64_t seq)
{
	return (struct info *)(writer->memory + INFOS) + seq % COUNT;
}

static uint64_t id_of(uint64_t seq)
{
	return (uint32_t)-COUNT + seq;
}

static uint64_t state_of(uint64_t seq, uint64_t state)
{
	return id_of(seq) | state << 62;
}

static int read_writer(const void *context, uint64_t address, void *data, size_t bytes)
{
	struct writer *writer = (struct writer *)context;

	if (++writer->reads == writer->fail_at)
		return -EIO;
	if (address >= MEMORY || bytes > MEMORY - address)
		return -EFAULT;
	memcpy(data, writer->memory + address, bytes);
	if (writer->reads == writer->overwrite_at)
		write_over(writer);
	return 0;
}

#define FIELD(type, member)                                                                                \
	{                                                                                                  \
		.byte_offset = offsetof(struct type, member), .bytes = sizeof(((struct type *)0)->member), \
		.elements = 1                                                                              \
	}

static const struct printk_layout layout = {
	.ring_bytes = sizeof(struct ring),
	.desc_bytes = sizeof(struct desc),
	.info_bytes = sizeof(struct info),
	.count_bits = FIELD(ring, count_bits),
	.descs = FIELD(ring, descs),
	.infos = FIELD(ring, infos),
	.head_id = FIELD(ring, head_id),
	.tail_id = FIELD(ring, tail_id),
	.size_bits = FIELD(ring, size_bits),
	.data = FIELD(ring, data),
	.state = FIELD(desc, state),
	.begin = FIELD(desc, begin),
	.next = FIELD(desc, next),
	.seq = FIELD(info, seq),
	.ts_ns = FIELD(info, ts_ns),
	.text_length = FIELD(info, length),
	.facility = FIELD(info, facility),
	.flags = {.byte_offset = offsetof(struct info, flags_and_level), .bytes = 1, .bits = 5},
	.level = {.byte_offset = offsetof(struct info, flags_and_level),
		.bytes = 1,
		.bit_offset = 5,
		.bits = 3},
	.caller = FIELD(info, caller),
	.subsystem = FIELD(info, subsystem),
	.device = FIELD(info, device),
};

static struct writer *writer_create(void)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	assert_non_null(writer);
	memcpy(writer->memory + POINTER, &(uint64_t){RING}, 8);
	*ring_of(writer) = (struct ring){
		.count_bits = COUNT_BITS,
		.descs = DESCS,
		.infos = INFOS,
		.head_id = id_of(0) - 1,
		.tail_id = id_of(0) - 1,
		.size_bits = SIZE_BITS,
		.data = DATA,
	};
	writer->head_lpos = -(uint64_t)SIZE; /* as the kernel begins */
	desc_of(writer, COUNT - 1)->state = state_of(0, REUSABLE) - 1;
	return writer;
}

static struct printk_ring ring_over(const struct writer *writer)
{
	struct printk_ring ring = {
		.read = read_writer, .context = writer, .layout = layout, .pointer = POINTER};

	ring.text = malloc(65536);
	assert_non_null(ring.text);
	return ring;
}

static uint64_t next_seq(struct writer *writer)
{
	return ring_of(writer)->head_id + 1 - id_of(0);
}

/* Room for a text, with its block's id; at the start of the ring where it would cross its end. */
static uint64_t put_text(struct writer *writer, uint64_t seq, const char *text, size_t length)
{
	uint64_t bytes = (8 + length + 7) & ~UINT64_C(7), begin = writer->head_lpos, next = begin + bytes,
		 at = begin;

	if (begin / SIZE != next / SIZE) {
		memcpy(writer->memory + DATA + begin % SIZE, &(uint64_t){id_of(seq)}, 8);
		at = next & ~(uint64_t)(SIZE - 1);
		next = at + bytes;
	}
	memcpy(writer->memory + DATA + at % SIZE, &(uint64_t){id_of(seq)}, 8);
	memcpy(writer->memory + DATA + at % SIZE + 8, text, length);
	desc_of(writer, seq)->begin = begin;
	desc_of(writer, seq)->next = next;
	writer->head_lpos = next;
	return begin;
}

static uint64_t put(struct writer *writer, const char *text, uint64_t state)
{
	struct ring *ring = ring_of(writer);
	uint64_t seq = next_seq(writer);
	struct info *info = info_of(writer, seq);

	if (seq >= COUNT)
		ring->tail_id = id_of(seq - COUNT + 1);
	else if (!seq)
		ring->tail_id = id_of(0);
	ring->head_id = id_of(seq);
	*info = (struct info){.seq = seq,
		.ts_ns = 1000 * (seq + 1),
		.length = (uint16_t)strlen(text),
		.facility = 3,
		.flags_and_level = 2 | 4 << 5,
		.caller = 77};
	put_text(writer, seq, text, strlen(text));
	desc_of(writer, seq)->state = state_of(seq, state);
	return seq;
}

static void expect(struct printk_ring *ring, uint64_t seq, const char *text)
{
	struct printk_record record;

	assert_int_equal(printk_ring_next(ring, &record), 1);
	assert_int_equal(record.seq, seq);
	assert_int_equal(record.length, strlen(text));
	assert_memory_equal(record.text, text, record.length);
}

static void expect_end(struct printk_ring *ring)
{
	struct printk_record record;

	assert_int_equal(printk_ring_next(ring, &record), 0);
}

static void test_records(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);
	struct printk_record record;

	(void)state;
	expect_end(&ring); /* before the first */
	put(writer, "first", FINALIZED);
	memcpy(info_of(writer, 0)->subsystem, "0123456789abcdef", 16); /* without a NUL */
	memcpy(info_of(writer, 0)->device, "+pci:1", 6);
	assert_int_equal(printk_ring_next(&ring, &record), 1);
	assert_int_equal(record.seq, 0);
	assert_int_equal(record.ts_ns, 1000);
	assert_int_equal(record.level, 4);
	assert_int_equal(record.flags, 2);
	assert_int_equal(record.facility, 3);
	assert_int_equal(record.caller, 77);
	assert_false(record.unfinished);
	assert_string_equal(record.subsystem, "0123456789abcdef");
	assert_string_equal(record.device, "+pci:1");
	assert_memory_equal(record.text, "first", 5);
	expect_end(&ring);
	put(writer, "second", FINALIZED);
	put(writer, "two\nlines", FINALIZED);
	expect(&ring, 1, "second");
	expect(&ring, 2, "two\nlines");
	expect_end(&ring);
	assert_int_equal(ring.lost + ring.overwritten + ring.unfinished, 0);
	free(writer);
}

/* Many times round both rings, so that texts lie across the end at every place. */
static void test_wrapping(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);
	unsigned wrapped = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char text[64];
		uint64_t seq;

		snprintf(text, sizeof(text), "%u %.*s", i, (int)(i * 7 % 50),
			"a text of some length, so that blocks are of any size");
		seq = put(writer, text, FINALIZED);
		wrapped += desc_of(writer, seq)->begin / SIZE != desc_of(writer, seq)->next / SIZE;
		expect(&ring, i, text);
	}
	assert_true(wrapped > 50);
	expect_end(&ring);
	assert_int_equal(ring.lost, 0);
	free(writer);
}

static void test_block_that_ends_with_the_ring(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);
	uint64_t seq = put(writer, "x", FINALIZED);

	(void)state;
	/* newer kernels leave it where it is */
	desc_of(writer, seq)->begin = 5 * SIZE + SIZE - 16;
	desc_of(writer, seq)->next = 6 * SIZE;
	memcpy(writer->memory + DATA + SIZE - 8, "at end", 6);
	info_of(writer, seq)->length = 6;
	expect(&ring, 0, "at end");
	free(writer);
}

static void test_without_text(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);

	(void)state;
	for (int i = 0; i < 8; i++)
		put(writer, "gone", FINALIZED);
	*desc_of(writer, 0) = (struct desc){state_of(0, FINALIZED), 3, 3}; /* an empty line */
	*desc_of(writer, 1) = (struct desc){state_of(1, FINALIZED), 1, 1}; /* there was no room */
	*desc_of(writer, 2) = (struct desc){state_of(2, FINALIZED), 8, 4}; /* and what cannot be */
	*desc_of(writer, 3) = (struct desc){state_of(3, FINALIZED), 24, 8};
	*desc_of(writer, 4) = (struct desc){state_of(4, FINALIZED), 8, 8 + 2 * SIZE};
	*desc_of(writer, 5) = (struct desc){state_of(5, FINALIZED), 8, 8};
	*desc_of(writer, 6) = (struct desc){state_of(6, FINALIZED), 0, 16}; /* longer than its block */
	memcpy(writer->memory + DATA + 8, "8 bytes.beyond", 14);
	info_of(writer, 6)->length = 65535;
	expect(&ring, 0, "");
	expect(&ring, 6, "8 bytes.");
	expect(&ring, 7, "gone");
	expect_end(&ring);
	assert_int_equal(ring.lost, 5);
	free(writer);
}

static void test_overwritten(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);

	(void)state;
	for (int i = 0; i < 20; i++)
		put(writer, "a", FINALIZED);
	expect(&ring, 4, "a"); /* the oldest of 16 */
	assert_int_equal(ring.overwritten, 4);
	assert_int_equal(ring.lost, 0);
	for (int i = 0; i < 30; i++)
		put(writer, "b", FINALIZED);
	expect(&ring, 34, "b"); /* 5 to 33 went by */
	assert_int_equal(ring.lost, 29);
	desc_of(writer, 35)->state = state_of(35, REUSABLE);
	expect(&ring, 36, "b");
	assert_int_equal(ring.lost, 30);
	free(writer);
}

/* Texts are written over before their descriptors. */
static void test_overwritten_texts(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);

	(void)state;
	for (int i = 0; i < 10; i++)
		put(writer, "a", i < 4 ? REUSABLE : FINALIZED);
	expect(&ring, 4, "a");
	assert_int_equal(ring.overwritten, 4);
	assert_int_equal(ring.lost, 0);
	free(writer);
}

static void test_unfinished(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);
	struct printk_record record;

	(void)state;
	put(writer, "a", FINALIZED);
	put(writer, "b", RESERVED);
	put(writer, "c", COMMITTED);
	ring.patient = true;
	expect(&ring, 0, "a");
	expect_end(&ring);
	assert_int_equal(ring.next_seq, 1);
	desc_of(writer, 1)->state = state_of(1, FINALIZED);
	expect(&ring, 1, "b");
	expect_end(&ring); /* c may be continued */
	desc_of(writer, 2)->state = state_of(2, FINALIZED);
	expect(&ring, 2, "c");
	/* its writer died */
	put(writer, "d", RESERVED);
	put(writer, "e", FINALIZED);
	put(writer, "f", COMMITTED);
	desc_of(writer, 6)->state = 0; /* reserved, and not even so far */
	ring_of(writer)->head_id = id_of(6);
	expect_end(&ring);
	ring.patient = false;
	expect(&ring, 4, "e");
	assert_int_equal(printk_ring_next(&ring, &record), 1);
	assert_true(record.unfinished);
	assert_int_equal(record.seq, 5);
	expect_end(&ring);
	assert_int_equal(ring.unfinished, 2);
	assert_int_equal(ring.lost, 0);
	free(writer);
}

static void test_tail(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);

	(void)state;
	for (int i = 0; i < 20; i++)
		put(writer, "a", FINALIZED);
	assert_int_equal(printk_ring_tail(&ring, 2), 0);
	expect(&ring, 18, "a");
	assert_int_equal(printk_ring_tail(&ring, 1000), 0);
	expect(&ring, 4, "a");
	assert_int_equal(printk_ring_tail(&ring, 0), 0);
	expect_end(&ring);
	free(writer);
}

static void write_over(struct writer *writer)
{
	for (int i = 0; i < 16; i++)
		put(writer, "new", FINALIZED);
}

/* While a record is copied, the kernel writes over it. */
static void test_overtaken(void **state)
{
	for (unsigned after = 1; after < 5; after++) { /* reads of the record */
		struct writer *writer = writer_create();
		cleanup_printk_ring struct printk_ring ring = ring_over(writer);

		(void)state;
		put(writer, "first", FINALIZED);
		put(writer, "old", FINALIZED);
		expect(&ring, 0, "first");
		writer->reads = 0;
		writer->overwrite_at = after;
		expect(&ring, 2, "new");
		assert_int_equal(ring.lost, 1);
		free(writer);
	}
}

static void test_other_ring(void **state)
{
	struct writer *writer = writer_create();
	cleanup_printk_ring struct printk_ring ring = ring_over(writer);

	(void)state;
	put(writer, "a", FINALIZED);
	expect(&ring, 0, "a");
	/* the kernel makes a larger one while it boots, and copies what there was */
	memcpy(writer->memory + POINTER, &(uint64_t){RING + 0x800}, 8);
	memcpy(writer->memory + RING + 0x800, ring_of(writer), sizeof(struct ring));
	memset(ring_of(writer), 0xff, sizeof(struct ring));
	expect_end(&ring);
	free(writer);
}

static void test_damaged(void **state)
{
	static const struct {
		size_t offset;
		uint64_t value;
		size_t bytes;
	} damages[] = {
		{offsetof(struct ring, count_bits), 0, 4}, {offsetof(struct ring, count_bits), 32, 4},
		{offsetof(struct ring, count_bits), UINT32_MAX, 4}, {offsetof(struct ring, size_bits), 0, 4},
		{offsetof(struct ring, size_bits), 63, 4}, {offsetof(struct ring, descs), 0, 8},
		{offsetof(struct ring, infos), 0, 8}, {offsetof(struct ring, data), 0, 8},
		{offsetof(struct ring, head_id), 0x100000000, 8}, /* far ahead of the tail */
		{offsetof(struct ring, tail_id), 0x100000100, 8}, /* ahead of the head */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct writer *writer = writer_create();
		cleanup_printk_ring struct printk_ring ring = ring_over(writer);
		struct printk_record record;

		for (int j = 0; j < 3; j++)
			put(writer, "a", FINALIZED);
		memcpy(writer->memory + RING + damages[i].offset, &damages[i].value, damages[i].bytes);
		assert_int_equal(printk_ring_next(&ring, &record), -EINVAL);
		free(writer);
	}
}

static void test_errors(void **state)
{
	struct writer *writer = writer_create();
	struct printk_record record;
	unsigned reads;

	(void)state;
	put(writer, "a", FINALIZED);
	{
		cleanup_printk_ring struct printk_ring ring = ring_over(writer);

		assert_int_equal(printk_ring_next(&ring, &record), 1);
		reads = writer->reads;
	}
	for (unsigned i = 1; i <= reads; i++) { /* each of them may fail */
		cleanup_printk_ring struct printk_ring ring = ring_over(writer);

		writer->reads = 0;
		writer->fail_at = i;
		assert_int_equal(printk_ring_next(&ring, &record), -EIO);
	}
	writer->fail_at = 0;
	ring_of(writer)->descs = UINT64_MAX - 4;
	{
		cleanup_printk_ring struct printk_ring ring = ring_over(writer);

		assert_int_equal(printk_ring_next(&ring, &record), -EFAULT);
	}
	free(writer);
}

/* Garbage of any kind: it ends, and nothing is read that is not there. */
static void test_noise(void **state)
{
	uint64_t random = 88172645463325252u;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct writer *writer = writer_create();
		cleanup_printk_ring struct printk_ring ring = ring_over(writer);
		struct printk_record record;
		int code = 1;

		for (int i = 0; i < 24; i++)
			put(writer, "some text", FINALIZED);
		for (int i = 0; i < 20; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			writer->memory[(random >> 8) % (i % 2 ? 0x6000 : RING + 128)] = (uint8_t)random;
		}
		for (unsigned i = 0; i < 100 && code == 1; i++)
			code = printk_ring_next(&ring, &record);
		assert_true(code <= 0);
		free(writer);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(printk_level_name(0), "emerg");
	assert_string_equal(printk_level_name(7), "debug");
	assert_null(printk_level_name(8));
	assert_string_equal(printk_facility_name(0), "kern");
	assert_string_equal(printk_facility_name(23), "local7");
	assert_null(printk_facility_name(13));
	assert_null(printk_facility_name(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_wrapping),
		cmocka_unit_test(test_block_that_ends_with_the_ring),
		cmocka_unit_test(test_without_text),
		cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_overwritten_texts),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_other_ring),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
