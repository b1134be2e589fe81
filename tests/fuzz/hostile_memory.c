/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/hostile_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "host/memory/guest_memory.h"

#define POINTERS_MAX  4096u
#define KERNEL_HALF   UINT64_C(0xff00000000000000)
#define EARLIER_BYTES 256u
#define EARLIER_MAX   16u
#define CHANGED_BYTES 4096u /* of one change */

int __real_guest_memory_read(const struct guest_memory *memory, uint64_t physical, void *data, size_t bytes);
int __wrap_guest_memory_read(const struct guest_memory *memory, uint64_t physical, void *data, size_t bytes);

/* What is in place of the guest's own bytes. */
struct changed {
	uint64_t physical;
	size_t bytes;
	uint8_t data[CHANGED_BYTES];
};

/* What was read a while ago. */
struct earlier {
	size_t bytes;
	uint8_t data[EARLIER_BYTES];
};

static struct {
	const struct hostile_change *changes;
	size_t count;
	uint64_t honest_reads, reads, page_offset, random;
	struct changed changed[HOSTILE_CHANGES_MAX];
	size_t nr_changed;
	struct earlier earlier[EARLIER_MAX];
	uint64_t pointers[POINTERS_MAX];
	uint32_t nr_pointers, pointers_seen;
	int failed;
	bool is_on, learns;
} hostile;

void hostile_memory_begin(const struct hostile_change *changes, size_t count, uint64_t honest_reads)
{
	hostile.changes = changes;
	hostile.count = count < HOSTILE_CHANGES_MAX ? count : HOSTILE_CHANGES_MAX;
	hostile.honest_reads = honest_reads ? honest_reads : 1;
	hostile.reads = 0;
	hostile.nr_changed = 0;
	hostile.failed = 0;
	hostile.random = 0x9e3779b97f4a7c15;
	memset(hostile.earlier, 0, sizeof(hostile.earlier));
	hostile.is_on = true;
}

uint64_t hostile_memory_end(void)
{
	hostile.is_on = hostile.learns = false;
	return hostile.reads;
}

void hostile_memory_learn(uint64_t page_offset)
{
	hostile.learns = true;
	hostile.page_offset = page_offset;
}

int hostile_memory_failed(void)
{
	return hostile.failed;
}

static uint64_t random_word(void)
{
	hostile.random ^= hostile.random << 13;
	hostile.random ^= hostile.random >> 7;
	hostile.random ^= hostile.random << 17;
	return hostile.random;
}

static bool is_pointer(uint64_t word)
{
	return word >= KERNEL_HALF && word < (uint64_t)-4096;
}

/* Of many some, from everywhere. */
static void learn(const uint8_t *data, size_t bytes)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, data + at, sizeof(word));
		if (!is_pointer(word))
			continue;
		hostile.pointers_seen++;
		if (hostile.nr_pointers < POINTERS_MAX)
			hostile.pointers[hostile.nr_pointers++] = word;
		else if (random_word() % hostile.pointers_seen < POINTERS_MAX)
			hostile.pointers[random_word() % POINTERS_MAX] = word;
	}
}

static uint64_t some_pointer(uint64_t number)
{
	return hostile.nr_pointers ? hostile.pointers[number % hostile.nr_pointers] : number;
}

/* The word that comes in place of another at `address` of the direct map. */
static uint64_t make_word(const struct hostile_change *change, uint64_t before, uint64_t address)
{
	static const uint64_t numbers[] = {0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0x7fff, 0x8000,
		0xffff, 0x10000, 0xfffff, 0x100000, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
		0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xfffffffffffffff8,
		UINT64_MAX};

	switch ((enum hostile_kind)(change->kind % HOSTILE_KINDS)) {
	case HOSTILE_NUMBER:
		return numbers[change->value % (sizeof(numbers) / sizeof(numbers[0]))];
	case HOSTILE_SUM:
		return before +
			(uint64_t)((int64_t)(change->value % 33) - 16) * (change->value >> 8 & 1 ? 8 : 1);
	case HOSTILE_BIT:
		return before ^ UINT64_C(1) << change->value % 64;
	case HOSTILE_POINTER:
		return some_pointer(change->value);
	case HOSTILE_SELF: /* lists and structs begin some words before */
		return address - change->value % 64 * 8;
	default:
		return change->value;
	}
}

/* Sizes, offsets, numbers: small integers of 32 bits, some of them. */
static void change_integers(const struct hostile_change *change, uint8_t *data, size_t bytes)
{
	static const uint32_t numbers[] = {0, 1, 3, 4, 8, 16, 31, 64, 255, 256, 4096, 32767, 32768, 65528,
		65535, 65536, 65540, 0xffffffff};
	const uint64_t rarely = 1 + change->value % 16;

	for (size_t at = 0; at + sizeof(uint32_t) <= bytes; at += sizeof(uint32_t)) {
		uint32_t word;

		memcpy(&word, data + at, sizeof(word));
		if (!word || word > 65536 || random_word() % rarely)
			continue;
		word = change->value & 256 ? word + (uint32_t)(random_word() % 17) - 8
					   : numbers[random_word() % (sizeof(numbers) / sizeof(numbers[0]))];
		memcpy(data + at, &word, sizeof(word));
	}
}

static void change_words(const struct hostile_change *change, uint64_t address, uint8_t *data, size_t bytes)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, data + at, sizeof(word));
		if (change->kind % HOSTILE_KINDS == HOSTILE_POINTERS && is_pointer(word))
			word = change->value & 1 ? address + at : some_pointer(change->value + at / 8);
		else if (change->kind % HOSTILE_KINDS == HOSTILE_FILL)
			word = change->value & 1 ? some_pointer(change->value) : change->value >> 1;
		else if (change->kind % HOSTILE_KINDS == HOSTILE_NOISE)
			word = random_word() * change->value;
		memcpy(data + at, &word, sizeof(word));
	}
}

/* Changes what was read. Returns the error that the read has instead, or 0; *from and *length: the part that it is. */
static int make_change(const struct hostile_change *change, uint64_t physical, uint8_t *data, size_t bytes,
	size_t *from, size_t *length)
{
	static const int failures[] = {-EFAULT, -EFAULT, -ESRCH, -EIO};
	size_t size = (size_t)1 << (change->how & HOSTILE_BYTES);
	uint64_t word = 0;

	*from = bytes > CHANGED_BYTES ? change->where % (bytes - CHANGED_BYTES) & ~(size_t)7 : 0;
	*length = bytes < CHANGED_BYTES ? bytes : CHANGED_BYTES;
	switch ((enum hostile_kind)(change->kind % HOSTILE_KINDS)) {
	case HOSTILE_FAILURE:
		hostile.failed = failures[change->value % 4];
		return hostile.failed;
	case HOSTILE_POINTERS:
	case HOSTILE_FILL:
	case HOSTILE_NOISE:
		change_words(change, hostile.page_offset + physical + *from, data + *from, *length);
		return 0;
	case HOSTILE_INTEGERS:
		change_integers(change, data + *from, *length);
		return 0;
	case HOSTILE_EARLIER:
		for (size_t i = 0; i < EARLIER_MAX; i++)
			if (hostile.earlier[(i + change->value) % EARLIER_MAX].bytes == bytes) {
				memcpy(data, hostile.earlier[(i + change->value) % EARLIER_MAX].data, bytes);
				return 0;
			}
		return 0;
	default:
		if (size > bytes)
			size = bytes;
		*from = change->where % bytes;
		*from -= *from % size;
		*length = size < bytes - *from ? size : bytes - *from;
		memcpy(&word, data + *from, *length);
		word = make_word(change, word, hostile.page_offset + physical + *from);
		memcpy(data + *from, &word, *length);
		return 0;
	}
}

/* What was changed before is still so. */
static void put_changed(uint64_t physical, uint8_t *data, size_t bytes)
{
	for (size_t i = 0; i < hostile.nr_changed; i++) {
		const struct changed *changed = &hostile.changed[i];
		const uint64_t from = changed->physical > physical ? changed->physical : physical;
		const uint64_t end = changed->physical + changed->bytes < physical + bytes
			? changed->physical + changed->bytes
			: physical + bytes;

		if (from < end)
			memcpy(data + (from - physical), changed->data + (from - changed->physical),
				end - from);
	}
}

static bool is_due(const struct hostile_change *change, uint64_t read)
{
	const uint64_t when = change->when % hostile.honest_reads;

	return read == when || (change->how & HOSTILE_AGAIN && read > when && !((read - when) % 3));
}

static int apply(uint64_t read, uint64_t physical, uint8_t *data, size_t bytes)
{
	put_changed(physical, data, bytes);
	for (size_t i = 0; i < hostile.count; i++) {
		const struct hostile_change *change = &hostile.changes[i];
		struct changed *changed;
		size_t from, length;
		int code;

		if (!is_due(change, read))
			continue;
		code = make_change(change, physical, data, bytes, &from, &length);
		if (code)
			return code;
		if (change->how & HOSTILE_PASSES || hostile.nr_changed == HOSTILE_CHANGES_MAX)
			continue;
		changed = &hostile.changed[hostile.nr_changed++];
		changed->physical = physical + from;
		changed->bytes = length;
		memcpy(changed->data, data + from, length);
	}
	return 0;
}

int __wrap_guest_memory_read(const struct guest_memory *memory, uint64_t physical, void *data, size_t bytes)
{
	int code = __real_guest_memory_read(memory, physical, data, bytes);
	uint64_t read;

	if (!hostile.is_on || code || !bytes)
		return code;
	read = hostile.reads++;
	if (hostile.learns)
		learn(data, bytes);
	code = apply(read, physical, data, bytes);
	if (!code && bytes <= EARLIER_BYTES) {
		hostile.earlier[read % EARLIER_MAX].bytes = bytes;
		memcpy(hostile.earlier[read % EARLIER_MAX].data, data, bytes);
	}
	return code;
}
