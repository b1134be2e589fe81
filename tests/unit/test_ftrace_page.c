/* SPDX-License-Identifier: MIT */
/* Sub-buffers made by hand: every kind of entry, whole, cut off and absurd; and the types of fields. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "host/collect/ftrace_field_type.h"
#include "host/collect/ftrace_page.h"

#define BYTES_MAX 4096

struct page {
	uint8_t data[BYTES_MAX];
	uint32_t bytes;
};

static void put(struct page *page, uint32_t word)
{
	assert_true(page->bytes + sizeof(word) <= sizeof(page->data));
	memcpy(page->data + page->bytes, &word, sizeof(word));
	page->bytes += sizeof(word);
}

static void put_head(struct page *page, uint32_t type_len, uint32_t delta)
{
	put(page, type_len | delta << 5);
}

/* A short event of `words` words, each of them `value`. */
static void put_event(struct page *page, uint32_t words, uint32_t delta, uint32_t value)
{
	put_head(page, words, delta);
	for (uint32_t i = 0; i < words; i++)
		put(page, value);
}

static struct ftrace_page_event next(const struct page *page, struct ftrace_page_cursor *cursor)
{
	struct ftrace_page_event event;

	assert_int_equal(ftrace_page_next(page->data, page->bytes, cursor, &event), 1);
	assert_true(event.data >= page->data && event.data + event.bytes <= page->data + page->bytes);
	return event;
}

static void expect_end(const struct page *page, struct ftrace_page_cursor *cursor)
{
	struct ftrace_page_event event;

	assert_int_equal(ftrace_page_next(page->data, page->bytes, cursor, &event), 0);
	assert_int_equal(cursor->offset, page->bytes);
	assert_int_equal(ftrace_page_next(page->data, page->bytes, cursor, &event), 0);
}

/* Neither an event nor the end, and the cursor does not move. */
static void expect_damage(const struct page *page, uint32_t offset)
{
	struct ftrace_page_cursor cursor = {offset, 7}, before = cursor;
	struct ftrace_page_event event;

	assert_int_equal(ftrace_page_next(page->data, page->bytes, &cursor, &event), -EINVAL);
	assert_memory_equal(&cursor, &before, sizeof(cursor));
}

static void test_short_events(void **state)
{
	struct ftrace_page_cursor cursor = {0, 1000};
	struct ftrace_page_event event;
	struct page page = {0};

	for (uint32_t words = 1; words <= 28; words++)
		put_event(&page, words, words, 0x01010101u * words);
	for (uint32_t words = 1; words <= 28; words++) {
		event = next(&page, &cursor);
		assert_int_equal(event.bytes, 4 * words);
		assert_int_equal(event.time, 1000 + words * (words + 1) / 2);
		assert_int_equal(event.data[0], words);
	}
	expect_end(&page, &cursor);
	assert_int_equal(ftrace_page_count(page.data, page.bytes), 28);
}

static void test_long_event(void **state)
{
	struct ftrace_page_cursor cursor = {0, 5};
	struct ftrace_page_event event;
	struct page page = {0};

	put_head(&page, 0, 3);
	put(&page, 4 + 120); /* itself included */
	for (int i = 0; i < 30; i++)
		put(&page, 0x5a5a5a5a);
	put_event(&page, 2, 0, 1); /* nested: at the same time */
	event = next(&page, &cursor);
	assert_int_equal(event.bytes, 120);
	assert_int_equal(event.time, 8);
	assert_int_equal(event.data[0], 0x5a);
	event = next(&page, &cursor);
	assert_int_equal(event.time, 8);
	expect_end(&page, &cursor);
}

static void test_discarded(void **state)
{
	struct ftrace_page_cursor cursor = {0, 100};
	struct page page = {0};

	put_event(&page, 2, 10, 1);
	put_head(&page, 29, 5); /* its length without the header */
	put(&page, 12);
	put(&page, 0xffffffff);
	put(&page, 0xffffffff);
	put_event(&page, 2, 1, 1);
	put_head(&page, 29, 1);
	put(&page, 4);
	assert_int_equal(next(&page, &cursor).time, 110);
	/* the next one's time counts from the discarded one's */
	assert_int_equal(next(&page, &cursor).time, 116);
	expect_end(&page, &cursor);
	assert_int_equal(ftrace_page_count(page.data, page.bytes), 2);
}

static void test_rest_of_page(void **state)
{
	struct ftrace_page_cursor cursor = {0, 0};
	struct page page = {0};

	put_event(&page, 2, 1, 1);
	put_head(&page, 29, 0);
	put(&page, 0xdeadbeef); /* whatever was there before */
	put(&page, 0xdeadbeef);
	next(&page, &cursor);
	expect_end(&page, &cursor);
}

static void test_times(void **state)
{
	const uint64_t upper = UINT64_C(0xf8) << 56;
	struct ftrace_page_cursor cursor = {0, 50};
	struct page page = {0};

	put_head(&page, 30, 7); /* time goes on by 7 + 2 * 2^27 */
	put(&page, 2);
	put_event(&page, 2, 0, 1);
	put_head(&page, 31, 9); /* the time is 9 + 3 * 2^27 */
	put(&page, 3);
	put_event(&page, 2, 1, 1);
	assert_int_equal(next(&page, &cursor).time, 50 + 7 + (2ull << 27));
	assert_int_equal(next(&page, &cursor).time, 9 + (3ull << 27) + 1);
	expect_end(&page, &cursor);

	/* the upper five bits are those of the time before */
	cursor = (struct ftrace_page_cursor){0, upper | 5};
	next(&page, &cursor);
	assert_int_equal(next(&page, &cursor).time, (upper | (9 + (3ull << 27))) + 1);
	/* … unless the lower ones have run over since: here beyond 2^64, as the kernel's own do */
	cursor = (struct ftrace_page_cursor){0, (UINT64_C(1) << 59) | ((UINT64_C(1) << 59) - 1)};
	next(&page, &cursor);
	assert_int_equal(
		next(&page, &cursor).time, (UINT64_C(3) << 59) - (UINT64_C(1) << 59) + 9 + (3ull << 27) + 1);
}

static void test_cut_off(void **state)
{
	struct page page = {0};

	/* every place at which an event, a long one and an extended time can end too soon */
	put_event(&page, 3, 1, 1);
	for (page.bytes = 1; page.bytes < 16; page.bytes++)
		expect_damage(&page, 0);
	page = (struct page){0};
	put_head(&page, 0, 1);
	put(&page, 12);
	put(&page, 0);
	put(&page, 0);
	for (page.bytes = 1; page.bytes < 16; page.bytes++)
		expect_damage(&page, 0);
	page = (struct page){0};
	put_head(&page, 30, 1);
	put(&page, 1);
	for (page.bytes = 1; page.bytes < 8; page.bytes++)
		expect_damage(&page, 0);
	page.bytes = 0;
	expect_end(&page, &(struct ftrace_page_cursor){0, 0});
}

static void test_absurd(void **state)
{
	static const uint32_t lengths[] = {
		0, 1, 2, 3, 5, 6, 9, 13, 4096, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
	static const uint32_t types[] = {0, 29};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct page page = {0};

			put_event(&page, 2, 1, 1);
			put_head(&page, types[t], 1);
			put(&page, lengths[i]);
			put(&page, 0);
			expect_damage(&page, 12);
			assert_int_equal(ftrace_page_count(page.data, page.bytes), 1);
		}
	/* a cursor behind the end */
	expect_damage(&(struct page){.bytes = 8}, 12);
}

static void test_field_types(void **state)
{
	static const struct {
		const char *type;
		uint32_t bytes;
		enum ftrace_field_kind kind;
	} cases[] = {
		{"int", 4, FTRACE_FIELD_INTEGER},
		{"unsigned long", 8, FTRACE_FIELD_INTEGER},
		{"bool", 1, FTRACE_FIELD_INTEGER},
		{"enum pm_qos_req_action", 4, FTRACE_FIELD_INTEGER},
		{"dev_t", 4, FTRACE_FIELD_INTEGER},
		{"const char *", 8, FTRACE_FIELD_POINTER},
		{"struct device *", 8, FTRACE_FIELD_POINTER},
		{"void*", 8, FTRACE_FIELD_POINTER},
		{"int (*)(void *)", 8, FTRACE_FIELD_POINTER},
		{"char[16]", 16, FTRACE_FIELD_CHARS},
		{"char [16]", 16, FTRACE_FIELD_CHARS},
		{"const char[8]", 8, FTRACE_FIELD_CHARS},
		{"unsigned char[6]", 6, FTRACE_FIELD_ARRAY},
		{"u32[4]", 16, FTRACE_FIELD_ARRAY},
		{"unsigned long[6]", 48, FTRACE_FIELD_ARRAY},
		{"struct timespec64", 16, FTRACE_FIELD_ARRAY},
		{"struct pair", 8, FTRACE_FIELD_ARRAY},
		{"union word", 4, FTRACE_FIELD_ARRAY},
		{"guid_t", 16, FTRACE_FIELD_ARRAY},
		{"odd", 3, FTRACE_FIELD_ARRAY},
		{"__data_loc char[]", 4, FTRACE_FIELD_DYNAMIC_TEXT},
		{"__data_loc char []", 4, FTRACE_FIELD_DYNAMIC_TEXT},
		{"__data_loc u8[]", 4, FTRACE_FIELD_DYNAMIC_BYTES},
		{"__data_loc unsigned char[]", 4, FTRACE_FIELD_DYNAMIC_BYTES},
		{"__data_loc cpumask_t *", 4, FTRACE_FIELD_DYNAMIC_BYTES},
		{"__rel_loc char[]", 4, FTRACE_FIELD_RELATIVE_TEXT},
		{"__rel_loc unsigned long[]", 4, FTRACE_FIELD_RELATIVE_BYTES},
		{"char[]", 0, FTRACE_FIELD_TAIL_TEXT},
		{"u32[]", 0, FTRACE_FIELD_TAIL_BYTES},
		{"unsigned long[]", 0, FTRACE_FIELD_TAIL_BYTES},
		{"", 0, FTRACE_FIELD_TAIL_BYTES},
		{"", 8, FTRACE_FIELD_INTEGER},
		{"*", 4, FTRACE_FIELD_ARRAY},
		{"[", 4, FTRACE_FIELD_ARRAY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ftrace_field_type_kind(cases[i].type, cases[i].bytes) != cases[i].kind)
			fail_msg("%s of %u bytes: %d", cases[i].type, cases[i].bytes,
				ftrace_field_type_kind(cases[i].type, cases[i].bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_events),
		cmocka_unit_test(test_long_event),
		cmocka_unit_test(test_discarded),
		cmocka_unit_test(test_rest_of_page),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_absurd),
		cmocka_unit_test(test_field_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
