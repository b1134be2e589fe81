/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host/kernel/kernel_types.h"
#include "tests/unit/btf_maker.h"

#define WORDS(...) (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)
#define NAME(text) btf_maker_name(maker, text)

/* Ids of what make() makes. */
enum id {
	INT = 1,
	LONG,
	CHAR,
	POINTER,
	CONST_INT,
	NUMBER,   /* typedef of const int */
	TEXT,     /* char[4][5] */
	UNNAMED,  /* struct { int deep; union … } */
	EITHER,   /* union { int left; char right; } */
	OUTER,    /* struct outer */
	OTHER,    /* another struct outer */
	ALIAS,    /* typedef of OUTER */
	FLEXIBLE, /* char[0] */
	OLD_BITS, /* int of 3 bits at 5 */
	BITS,     /* struct bits, without kind_flag */
	NEW_BITS, /* struct new_bits, with it */
	COLOUR,   /* enum */
	SIZE,     /* enum64 */
	STRUCTS,  /* struct outer[3] */
	HOLDER,   /* struct holder: outer array[3] */
	LOOP,     /* typedef of LOOP2, which is one of LOOP */
	LOOP2,
	LOOPED, /* struct looped: LOOP field; unnamed struct looped */
	TAG,    /* type tag of INT */
	TAGGED, /* pointer to it */
	INNER,  /* the array in TEXT */
};

static void make(struct btf_maker *maker)
{
	btf_maker_init(maker);
	btf_maker_add(maker, "int", BTF_KIND_INT, false, 0, 4, WORDS(BTF_INT_SIGNED << 24 | 32));
	btf_maker_add(maker, "unsigned long", BTF_KIND_INT, false, 0, 8, WORDS(64));
	btf_maker_add(maker, "char", BTF_KIND_INT, false, 0, 1, WORDS(8));
	btf_maker_add(maker, NULL, BTF_KIND_PTR, false, 0, 0, NULL, 0);
	btf_maker_add(maker, NULL, BTF_KIND_CONST, false, 0, INT, NULL, 0);
	btf_maker_add(maker, "number", BTF_KIND_TYPEDEF, false, 0, CONST_INT, NULL, 0);
	btf_maker_add(maker, NULL, BTF_KIND_ARRAY, false, 0, 0, WORDS(INNER, INT, 4));
	btf_maker_add(maker, NULL, BTF_KIND_STRUCT, false, 2, 8, WORDS(NAME("deep"), INT, 0, 0, EITHER, 32));
	btf_maker_add(maker, NULL, BTF_KIND_UNION, false, 2, 4,
		WORDS(NAME("left"), INT, 0, NAME("right"), CHAR, 0));
	btf_maker_add(maker, "outer", BTF_KIND_STRUCT, false, 6, 64,
		WORDS(NAME("first"), NUMBER, 0, 0, UNNAMED, 32, NAME("link"), POINTER, 128, NAME("text"),
			TEXT, 192, NAME("named"), UNNAMED, 384, NAME("tail"), FLEXIBLE, 512));
	btf_maker_add(maker, "outer", BTF_KIND_STRUCT, false, 2, 16,
		WORDS(NAME("first"), LONG, 0, NAME("only_here"), LONG, 64));
	btf_maker_add(maker, "alias", BTF_KIND_TYPEDEF, false, 0, OUTER, NULL, 0);
	btf_maker_add(maker, NULL, BTF_KIND_ARRAY, false, 0, 0, WORDS(CHAR, INT, 0));
	btf_maker_add(maker, "old", BTF_KIND_INT, false, 0, 4, WORDS(5 << 16 | 3));
	btf_maker_add(maker, "bits", BTF_KIND_STRUCT, false, 2, 8,
		WORDS(NAME("plain"), INT, 0, NAME("three"), OLD_BITS, 32));
	btf_maker_add(maker, "new_bits", BTF_KIND_STRUCT, true, 6, 7,
		WORDS(NAME("plain"), INT, 0, NAME("signed_nine"), INT, 9 << 24 | 35, NAME("high"), INT,
			11 << 24 | 44, NAME("byte"), CHAR, 8 << 24 | 48, NAME("seventeen"), LONG,
			17 << 24 | 35, NAME("beyond"), INT, 4 << 24 | 54));
	btf_maker_add(
		maker, "colour", BTF_KIND_ENUM, true, 2, 4, WORDS(NAME("RED"), 1, NAME("NONE"), UINT32_MAX));
	btf_maker_add(maker, "size", BTF_KIND_ENUM64, false, 1, 8, WORDS(NAME("HUGE"), 5, 7));
	btf_maker_add(maker, NULL, BTF_KIND_ARRAY, false, 0, 0, WORDS(OUTER, INT, 3));
	btf_maker_add(maker, "holder", BTF_KIND_STRUCT, false, 3, 208,
		WORDS(NAME("array"), STRUCTS, 0, NAME("colour"), COLOUR, 1536, NAME("size"), SIZE, 1600));
	btf_maker_add(maker, "loop", BTF_KIND_TYPEDEF, false, 0, LOOP2, NULL, 0);
	btf_maker_add(maker, "loop2", BTF_KIND_TYPEDEF, false, 0, LOOP, NULL, 0);
	btf_maker_add(maker, "looped", BTF_KIND_STRUCT, false, 4, 8,
		WORDS(NAME("field"), LOOP, 0, 0, LOOPED, 0, 0, LOOPED, 0, NAME("behind"), INT, 0));
	btf_maker_add(maker, "user", BTF_KIND_TYPE_TAG, false, 0, INT, NULL, 0);
	btf_maker_add(maker, NULL, BTF_KIND_PTR, false, 0, TAG, NULL, 0);
	btf_maker_add(maker, NULL, BTF_KIND_ARRAY, false, 0, 0, WORDS(CHAR, INT, 5));
	btf_maker_add(maker, "small", BTF_KIND_STRUCT, false, 3, 4,
		WORDS(NAME("fits"), INT, 0, NAME("too_large"), LONG, 0, NAME("behind"), INT, 8));
}

static uint8_t *made(size_t *bytes)
{
	struct btf_maker maker;

	make(&maker);
	return btf_maker_finish(&maker, bytes);
}

static int setup(void **state)
{
	struct kernel_types *types = calloc(1, sizeof(*types));
	struct error error = {0};
	size_t bytes;
	uint8_t *data = made(&bytes);

	*state = types;
	return kernel_types_init(types, data, bytes, &error) || !types->nr_types;
}

static int teardown(void **state)
{
	struct kernel_types *types = *state;

	free((void *)types->data);
	kernel_types_deinit(types);
	free(types);
	return 0;
}

static void expect(
	const struct kernel_types *types, const char *type, const char *path, struct kernel_field wanted)
{
	struct kernel_field field;

	assert_int_equal(kernel_types_field(types, type, path, &field), 0);
	assert_int_equal(field.byte_offset, wanted.byte_offset);
	assert_int_equal(field.bytes, wanted.bytes);
	assert_int_equal(field.bit_offset, wanted.bit_offset);
	assert_int_equal(field.bits, wanted.bits);
	assert_int_equal(field.is_signed, wanted.is_signed);
	assert_int_equal(field.is_pointer, wanted.is_pointer);
	assert_int_equal(field.elements, wanted.elements);
}

static void fields(void **state)
{
	const struct kernel_types *types = *state;
	struct kernel_field field;

	expect(types, "outer", "first", (struct kernel_field){0, 4, .is_signed = true, .elements = 1});
	expect(types, "outer", "deep", (struct kernel_field){4, 4, .is_signed = true, .elements = 1});
	expect(types, "outer", "right", (struct kernel_field){8, 1, .elements = 1});
	expect(types, "outer", "link", (struct kernel_field){16, 8, .is_pointer = true, .elements = 1});
	expect(types, "outer", "text", (struct kernel_field){24, 20, .elements = 20});
	expect(types, "outer", "named", (struct kernel_field){48, 8, .elements = 1});
	expect(types, "outer", "named.left", (struct kernel_field){52, 4, .is_signed = true, .elements = 1});
	expect(types, "outer", "tail", (struct kernel_field){64, 0, .elements = 0});
	expect(types, "alias", "named.deep", (struct kernel_field){48, 4, .is_signed = true, .elements = 1});
	expect(types, "outer", "only_here", (struct kernel_field){8, 8, .elements = 1}); /* of the second */
	expect(types, "holder", "array", (struct kernel_field){0, 192, .elements = 3});
	expect(types, "holder", "array.deep", (struct kernel_field){4, 4, .is_signed = true, .elements = 1});
	expect(types, "holder", "colour", (struct kernel_field){192, 4, .is_signed = true, .elements = 1});
	expect(types, "holder", "size", (struct kernel_field){200, 8, .elements = 1});
	expect(types, "looped", "behind", (struct kernel_field){0, 4, .is_signed = true, .elements = 1});

	assert_int_equal(kernel_types_field(types, "outer", "none", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "outer", "", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "outer", "first.", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "outer", ".first", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "outer", "firs", &field), -ENOENT);
	assert_int_equal(
		kernel_types_field(types, "outer", "link.deep", &field), -ENOENT); /* through a pointer */
	assert_int_equal(kernel_types_field(types, "none", "first", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "", "first", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "number", "first", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "looped", "field", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "looped", "none", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "loop", "none", &field), -ENOENT);
	/* beyond the struct */
	assert_int_equal(kernel_types_field(types, "small", "fits", &field), 0);
	assert_int_equal(kernel_types_field(types, "small", "too_large", &field), -ENOENT);
	assert_int_equal(kernel_types_field(types, "small", "behind", &field), -ENOENT);
	assert_int_equal(kernel_types_size(types, "outer"), 64);
	assert_int_equal(kernel_types_size(types, "alias"), 64);
	assert_int_equal(kernel_types_size(types, "colour"), 0);
	assert_int_equal(kernel_types_size(types, "none"), 0);
}

static void bit_fields(void **state)
{
	const struct kernel_types *types = *state;
	uint8_t copy[8] = {0, 0, 0, 0, 0xa8, 0x0f, 0xff};
	struct kernel_field field;

	expect(types, "bits", "plain", (struct kernel_field){0, 4, .is_signed = true, .elements = 1});
	/* the old way: the type says bits 5 to 7 of the word */
	expect(types, "bits", "three", (struct kernel_field){4, 1, 5, 3, .elements = 1});
	expect(types, "new_bits", "plain", (struct kernel_field){0, 4, .is_signed = true, .elements = 1});
	expect(types, "new_bits", "signed_nine",
		(struct kernel_field){4, 2, 3, 9, .is_signed = true, .elements = 1});

	expect(types, "new_bits", "high",
		(struct kernel_field){5, 2, 4, 11, .is_signed = true, .elements = 1});
	/* three bytes, which no word has; four would go beyond the struct, so it begins earlier */
	expect(types, "new_bits", "seventeen", (struct kernel_field){3, 4, 11, 17, .elements = 1});
	assert_int_equal(kernel_types_field(types, "new_bits", "beyond", &field), -ENOENT);
	expect(types, "new_bits", "byte", (struct kernel_field){6, 1, 0, 8, .elements = 1});

	assert_int_equal(kernel_types_field(types, "bits", "three", &field), 0);
	assert_int_equal(kernel_field_value(&field, copy), 5);
	assert_int_equal(kernel_types_field(types, "new_bits", "signed_nine", &field), 0);
	assert_int_equal((int64_t)kernel_field_value(&field, copy), -11); /* 0x1f5 */
	assert_int_equal(kernel_types_field(types, "new_bits", "byte", &field), 0);
	assert_int_equal(kernel_field_value(&field, copy), 0xff);
}

static void enumerators(void **state)
{
	const struct kernel_types *types = *state;
	int64_t value;

	assert_int_equal(kernel_types_enumerator(types, "colour", "RED", &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(kernel_types_enumerator(types, "colour", "NONE", &value), 0);
	assert_int_equal(value, -1);
	assert_int_equal(kernel_types_enumerator(types, "size", "HUGE", &value), 0);
	assert_int_equal(value, 7 * (INT64_C(1) << 32) + 5);
	assert_int_equal(kernel_types_enumerator(types, "colour", "BLUE", &value), -ENOENT);
	assert_int_equal(kernel_types_enumerator(types, "outer", "RED", &value), -ENOENT);
	assert_int_equal(kernel_types_enumerator(types, "none", "RED", &value), -ENOENT);
}

static void needs(void **state)
{
	const struct kernel_types *types = *state;
	struct kernel_field field;
	struct error error = {0};

	assert_int_equal(kernel_types_need(types, "outer", "first", &field, &error), 0);
	assert_int_equal(kernel_types_need(types, "outer", "none", &field, &error), -ENOENT);
	assert_string_equal(error.text, "the kernel's types: struct outer has no field none");
	assert_int_equal(kernel_types_need(types, "none", "first", &field, &error), -ENOENT);
	assert_string_equal(error.text, "the kernel's types: no struct none");
}

/* Takes BTF in after a word of it was changed. */
static void expect_refused(size_t offset, uint32_t value, const char *why)
{
	struct kernel_types types;
	struct error error = {0};
	size_t bytes;
	uint8_t *data = made(&bytes);

	memcpy(data + offset, &value, sizeof(value));
	assert_int_equal(kernel_types_init(&types, data, bytes, &error), -EINVAL);
	assert_non_null(strstr(error.text, why));
	assert_null(types.offsets);
	free(data);
}

static void damaged(void **state)
{
	const size_t header = sizeof(struct btf_header), array = header + 3 * 16 + 3 * 12;
	struct kernel_types types;
	struct error error = {0};
	size_t bytes;
	uint8_t *data = made(&bytes);

	(void)state;
	expect_refused(0, 0x01009feb, "magic"); /* of the other byte order */
	expect_refused(0, 0x0002eb9f, "version 2");
	expect_refused(4, 8, "header of 8 bytes");
	expect_refused(8, UINT32_MAX, "sections end at");
	expect_refused(12, UINT32_MAX, "sections end at");
	expect_refused(16, UINT32_MAX, "sections end at");
	expect_refused(20, UINT32_MAX, "sections end at");
	expect_refused(20, 0, "no NUL");
	expect_refused(20, (uint32_t)bytes / 8, "no NUL");
	expect_refused(16, 0, "no NUL"); /* the types, as strings */
	expect_refused(12, 0, "no types");
	expect_refused(12, 8, "type 1 at 24: unknown kind, or cut off");
	expect_refused(header + 4, UINT32_C(31) << 24, "type 1 at 24: unknown kind");
	expect_refused(header, 1u << 20, "type 1 at 24: name 1048576 does not exist");
	expect_refused(array - 4, 99, "type 6 at 96: type 99 does not exist");   /* the typedef */
	expect_refused(array + 12, 99, "type 7 at 108: type 99 does not exist"); /* the array's elements */
	expect_refused(array + 24 + 12, 1u << 20, "type 8 at 132: name 1048576 does not exist");
	expect_refused(array + 24 + 16, 99, "type 8 at 132: type 99 does not exist");
	/* cut off anywhere it is refused */
	for (size_t size = 0; size < bytes; size++)
		assert_int_equal(kernel_types_init(&types, data, size, &error), -EINVAL);
	assert_int_equal(kernel_types_init(&types, data, (size_t)KERNEL_TYPES_BYTES_MAX + 1, &error), -E2BIG);
	free(data);
}

/* Unnamed structs that each hold the one before four times: 4^16 ways, and no such field. */
static void doubles(void **state)
{
	struct btf_maker doubled, *maker = &doubled;
	struct kernel_types types;
	struct kernel_field field;
	struct error error = {0};
	size_t bytes;
	uint8_t *data;

	(void)state;
	btf_maker_init(maker);
	btf_maker_add(maker, NULL, BTF_KIND_STRUCT, false, 0, 8, NULL, 0);
	for (uint32_t i = 1; i < 40; i++)
		btf_maker_add(maker, i == 39 ? "top" : NULL, BTF_KIND_STRUCT, false, 4, 8,
			WORDS(0, i, 0, 0, i, 0, 0, i, 0, 0, i, 0));
	data = btf_maker_finish(maker, &bytes);
	assert_int_equal(kernel_types_init(&types, data, bytes, &error), 0);
	assert_int_equal(kernel_types_field(&types, "top", "none", &field), -ENOENT);
	kernel_types_deinit(&types);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fields, setup, teardown),
		cmocka_unit_test_setup_teardown(bit_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(enumerators, setup, teardown),
		cmocka_unit_test_setup_teardown(needs, setup, teardown),
		cmocka_unit_test(damaged),
		cmocka_unit_test(doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
