/* SPDX-License-Identifier: MIT */
/* ORC entries of both formats, tables, and steps over a made-up stack. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "host/kernel/orc.h"

#define STACK 0xffffc90000010000u
#define WORDS 64u

#define SIGNED(offset)                                                                \
	{                                                                             \
		.byte_offset = (offset), .bytes = 2, .is_signed = true, .elements = 1 \
	}
#define BITS(offset, bit, size)                                                                         \
	{                                                                                               \
		.byte_offset = (offset), .bytes = 1, .bit_offset = (bit), .bits = (size), .elements = 1 \
	}

/* arch/x86/include/asm/orc_types.h */
static const struct orc_format format_6_1 = {
	.bytes = 6,
	.sp_offset = SIGNED(0),
	.bp_offset = SIGNED(2),
	.sp_register = BITS(4, 0, 4),
	.bp_register = BITS(4, 4, 4),
	.type = BITS(5, 0, 2),
	.end = BITS(5, 2, 1),
	.has_end = true,
};
static const struct orc_format format_6_12 = {
	.bytes = 6,
	.sp_offset = SIGNED(0),
	.bp_offset = SIGNED(2),
	.sp_register = BITS(4, 0, 4),
	.bp_register = BITS(4, 4, 4),
	.type = BITS(5, 0, 3),
	.signal = BITS(5, 3, 1),
	.has_signal = true,
};

/* include: struct pt_regs of x86-64 */
static const struct orc_registers registers = {
	.r10 = 56, .r13 = 16, .di = 112, .dx = 96, .bp = 32, .ip = 128, .cs = 136, .sp = 152, .bytes = 168};

static struct orc_entry decode(const struct orc_format *format, uint8_t registers_byte, uint8_t type_byte)
{
	const uint8_t bytes[6] = {0x10, 0, 0xf0, 0xff, registers_byte, type_byte};

	return orc_decode(format, bytes);
}

static void test_entries(void **state)
{
	struct orc_entry entry = decode(&format_6_1, 0x15, 0);

	(void)state;
	assert_int_equal(entry.sp_offset, 16);
	assert_int_equal(entry.bp_offset, -16);
	assert_int_equal(entry.sp_register, ORC_REG_SP);
	assert_int_equal(entry.bp_register, ORC_REG_PREV_SP);
	assert_int_equal(entry.type, ORC_CALL);
	assert_false(entry.signal);
	assert_int_equal(decode(&format_6_1, 5, 1).type, ORC_REGS);
	assert_true(decode(&format_6_1, 5, 1).signal);
	assert_int_equal(decode(&format_6_1, 5, 2).type, ORC_REGS_PARTIAL);
	assert_int_equal(decode(&format_6_1, 5, 3).type, ORC_UNDEFINED);
	assert_int_equal(decode(&format_6_1, 0, 0).type, ORC_UNDEFINED);
	assert_int_equal(decode(&format_6_1, 0, 4).type, ORC_END);

	assert_int_equal(decode(&format_6_12, 0, 0).type, ORC_UNDEFINED);
	assert_int_equal(decode(&format_6_12, 0, 1).type, ORC_END);
	assert_int_equal(decode(&format_6_12, 5, 2).type, ORC_CALL);
	assert_false(decode(&format_6_12, 5, 2).signal);
	assert_int_equal(decode(&format_6_12, 5, 3).type, ORC_REGS);
	assert_int_equal(decode(&format_6_12, 5, 4).type, ORC_REGS_PARTIAL);
	assert_int_equal(decode(&format_6_12, 5, 7).type, ORC_UNDEFINED);
	assert_int_equal(decode(&format_6_12, 5, 2 | 8).type, ORC_CALL);
	assert_true(decode(&format_6_12, 5, 2 | 8).signal);
}

static void test_table(void **state)
{
	/* entries for 0x1000, 0x1010 (twice: the right one counts) and 0x1100, relative to where each number is */
	const uint64_t base = 0x2000;
	int32_t ips[] = {0x1000 - 0x2000, 0x1010 - 0x2004, 0x1010 - 0x2008, 0x1100 - 0x200c};
	uint8_t entries[4 * 6] = {[4] = 1, [10] = 2, [16] = 3, [22] = 4};
	const struct orc_table table = {base, ips, entries, 4}, one = {base, ips, entries, 1}, none = {0};
	const struct {
		uint64_t ip;
		uint8_t expected;
	} lookups[] = {{0, 1}, {0xfff, 1}, {0x1000, 1}, {0x100f, 1}, {0x1010, 3}, {0x10ff, 3}, {0x1100, 4},
		{UINT64_MAX, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++)
		assert_int_equal(((const uint8_t *)orc_table_find(&table, &format_6_12, lookups[i].ip))[4],
			lookups[i].expected);
	assert_ptr_equal(orc_table_find(&one, &format_6_12, 0x5000), entries);
	assert_null(orc_table_find(&none, &format_6_12, 0x1000));
}

static int read_stack(const void *context, uint64_t address, uint64_t *value)
{
	const uint64_t *words = context;

	if (address % 8 || address < STACK || address >= STACK + 8 * WORDS)
		return -EFAULT;
	*value = words[(address - STACK) / 8];
	return 0;
}

static int step(struct orc_frame *frame, const uint64_t *words, struct orc_entry entry)
{
	const struct orc_memory memory = {read_stack, words};

	return orc_step(&entry, &registers, &memory, frame);
}

static void test_calls(void **state)
{
	uint64_t words[WORDS] = {
		[2] = 0xb9, [3] = 0x1111, [6] = 0xba, [7] = 0x2222, [9] = STACK + 96, [11] = 0x3333};
	struct orc_frame frame = {.ip = 1, .sp = STACK, .bp = 5, .regs = 7, .signal = true};

	(void)state;
	/* sp + 32, and bp saved 16 bytes before that */
	assert_int_equal(step(&frame, words,
				 (struct orc_entry){.sp_offset = 32,
					 .bp_offset = -16,
					 .sp_register = ORC_REG_SP,
					 .bp_register = ORC_REG_PREV_SP,
					 .type = ORC_CALL}),
		0);
	assert_int_equal(frame.ip, 0x1111);
	assert_int_equal(frame.sp, STACK + 32);
	assert_int_equal(frame.bp, 0xb9);
	assert_int_equal(frame.return_slot, STACK + 24);
	assert_int_equal(frame.regs, 0);
	assert_false(frame.signal);
	/* by the frame pointer, which was saved where it points to */
	frame.bp = STACK + 48;
	assert_int_equal(step(&frame, words,
				 (struct orc_entry){.sp_offset = 16,
					 .bp_offset = 0,
					 .sp_register = ORC_REG_BP,
					 .bp_register = ORC_REG_BP,
					 .type = ORC_CALL}),
		0);
	assert_int_equal(frame.ip, 0x2222);
	assert_int_equal(frame.bp, 0xba);
	/* what lies at sp is where the stack was */
	frame.sp = STACK + 72;
	assert_int_equal(
		step(&frame, words,
			(struct orc_entry){
				.sp_offset = 0, .sp_register = ORC_REG_SP_INDIRECT, .type = ORC_CALL}),
		0);
	assert_int_equal(frame.ip, 0x3333);
	assert_int_equal(frame.sp, STACK + 96);
	/* or near bp */
	frame.bp = STACK + 80;
	assert_int_equal(
		step(&frame, words,
			(struct orc_entry){
				.sp_offset = -8, .sp_register = ORC_REG_BP_INDIRECT, .type = ORC_CALL}),
		0);
	assert_int_equal(frame.sp, STACK + 96);
}

static void test_interrupts(void **state)
{
	/* a struct pt_regs at word 8: bp at 12, ip at 24, cs at 25, sp at 27 */
	uint64_t words[WORDS] = {
		[8 + 2] = STACK + 40 * 8, [12] = 0xbb, [24] = 0x4444, [25] = 0x10, [27] = STACK + 8 * 30};
	struct orc_frame frame = {.ip = 1, .sp = STACK};

	(void)state;
	assert_int_equal(step(&frame, words,
				 (struct orc_entry){.sp_offset = 64,
					 .sp_register = ORC_REG_SP,
					 .type = ORC_REGS,
					 .signal = true}),
		0);
	assert_int_equal(frame.ip, 0x4444);
	assert_int_equal(frame.sp, STACK + 8 * 30);
	assert_int_equal(frame.bp, 0xbb);
	assert_int_equal(frame.user_cs, 0x10);
	assert_int_equal(frame.regs, STACK + 64);
	assert_true(frame.signal && frame.has_all_regs);
	/* the code that was interrupted had its stack in r13 */
	words[39] = 0x5555;
	assert_int_equal(
		step(&frame, words, (struct orc_entry){.sp_register = ORC_REG_R13, .type = ORC_CALL}), 0);
	assert_int_equal(frame.ip, 0x5555);
	/* no registers, no r13 */
	assert_int_equal(
		step(&frame, words, (struct orc_entry){.sp_register = ORC_REG_R13, .type = ORC_CALL}),
		-ENOENT);
	/* only what the CPU pushed, from ip on */
	frame = (struct orc_frame){.ip = 1, .sp = STACK + 8 * 24, .bp = 0xbc};
	assert_int_equal(
		step(&frame, words,
			(struct orc_entry){
				.sp_register = ORC_REG_SP, .type = ORC_REGS_PARTIAL, .signal = true}),
		0);
	assert_int_equal(frame.ip, 0x4444);
	assert_int_equal(frame.bp, 0xbc);
	assert_false(frame.has_all_regs);
	assert_int_equal(
		step(&frame, words, (struct orc_entry){.sp_register = ORC_REG_R10, .type = ORC_CALL}),
		-ENOENT);
}

static void test_ends(void **state)
{
	const uint64_t words[WORDS] = {0};
	struct orc_frame frame = {.sp = STACK, .bp = 3};

	(void)state;
	assert_int_equal(step(&frame, words, (struct orc_entry){.type = ORC_END}), -ENODATA);
	assert_int_equal(step(&frame, words, (struct orc_entry){.type = ORC_UNDEFINED}), -ENOENT);
	assert_int_equal(
		step(&frame, words, (struct orc_entry){.sp_register = 15, .type = ORC_CALL}), -ENOENT);
	assert_int_equal(step(&frame, words,
				 (struct orc_entry){.sp_offset = 8,
					 .sp_register = ORC_REG_SP,
					 .bp_register = 15,
					 .type = ORC_CALL}),
		-ENOENT);
	/* beyond the stack at either end, or between words */
	frame.sp = STACK;
	assert_int_equal(step(&frame, words, (struct orc_entry){.sp_register = ORC_REG_SP, .type = ORC_CALL}),
		-EFAULT);
	frame.sp = STACK + 8 * WORDS;
	assert_int_equal(
		step(&frame, words,
			(struct orc_entry){.sp_offset = 32, .sp_register = ORC_REG_SP, .type = ORC_REGS}),
		-EFAULT);
	frame.sp = UINT64_MAX;
	assert_int_equal(
		step(&frame, words,
			(struct orc_entry){.sp_offset = 32767, .sp_register = ORC_REG_SP, .type = ORC_CALL}),
		-EFAULT);
	assert_int_equal(
		step(&frame, words,
			(struct orc_entry){.sp_offset = -3, .sp_register = ORC_REG_BP, .type = ORC_CALL}),
		-EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_interrupts),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
