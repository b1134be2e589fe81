/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/hash_map.h"
#include "lib/base/histogram.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "tests/unit/trace_maker.h"

static void test_hash_map(void **state)
{
	struct hash_map map = {0};
	uint64_t key, value, sum = 0;
	size_t position = 0, count = 0;

	(void)state;
	assert_null(hash_map_get(&map, 0));
	for (uint64_t i = 0; i < 100000; i++)
		*hash_map_put(&map, i * i) += i;
	*hash_map_put(&map, UINT64_MAX) = 5;
	assert_int_equal(map.count, 100001);
	for (uint64_t i = 0; i < 100000; i++)
		assert_int_equal(*hash_map_get(&map, i * i), i);
	assert_null(hash_map_get(&map, 3));
	while (hash_map_next(&map, &position, &key, &value)) {
		sum += value;
		count++;
	}
	assert_int_equal(count, 100001);
	assert_int_equal(sum, 100000ull * 99999 / 2 + 5);
	hash_map_clear(&map);
	assert_null(hash_map_get(&map, 1));
	hash_map_deinit(&map);
}

static void test_histogram(void **state)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_int_equal(histogram_percentile(histogram, 50), 0);
	/* buckets follow each other without a gap, over the whole range */
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t low = histogram_bucket_low(i);

		assert_int_equal(histogram_bucket(low), i);
		if (i)
			assert_int_equal(histogram_bucket(low - 1), i - 1);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(histogram, i * 1000);
	assert_int_equal(histogram->count, 100000);
	assert_int_equal(histogram->min, 1000);
	assert_int_equal(histogram->max, 100000000);
	for (int percent = 1; percent <= 100; percent++) {
		double is = (double)histogram_percentile(histogram, percent), wanted = percent * 1e6;

		assert_true(is > wanted * (1 - 1.0 / 31) && is < wanted * (1 + 1.0 / 31));
	}
	assert_int_equal(histogram_percentile(histogram, 0), 1000);
	free(histogram);
}

static void check_escaped(const char *text, size_t bytes, const char *terminal, const char *json)
{
	char out[256];
	size_t length = text_escape(out, text, bytes);

	out[length] = '\0';
	assert_string_equal(out, terminal);
	length = text_escape_json(out, text, bytes);
	out[length] = '\0';
	assert_string_equal(out, json);
}

static void test_escapes(void **state)
{
	(void)state;
	check_escaped("plain", 5, "plain", "plain");
	check_escaped("a\033[2J\n\t\\\"\x7f", 10, "a\\x1b[2J\\n\\t\\\\\"\\x7f",
		"a\\u001b[2J\\u000a\\u0009\\\\\\\"\\u007f");
	check_escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	check_escaped("\xc2\x9b"
		      "1m",
		4, "\\xc2\\x9b1m",
		"\xc2\x9b"
		"1m"); /* the C1 form of ESC [ */
	/* cut off, overlong, a surrogate, beyond Unicode, a lone tail */
	check_escaped("\xe2\x82", 2, "\\xe2\\x82", "\\u00e2\\u0082");
	check_escaped("\xc0\xaf", 2, "\\xc0\\xaf", "\\u00c0\\u00af");
	check_escaped("\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\\u00ed\\u00a0\\u0080");
	check_escaped("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80", "\\u00f4\\u0090\\u0080\\u0080");
	check_escaped("\0x", 2, "\\x00x", "\\u0000x");
}

static void test_numbers(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(text_parse_ns("1.5ms", 5, 0, &value), 0);
	assert_int_equal(value, 1500000);
	assert_int_equal(text_parse_ns("2", 1, 1000000000, &value), 0);
	assert_int_equal(value, 2000000000);
	assert_int_equal(text_parse_ns("2m", 2, 1, &value), 0);
	assert_int_equal(value, 120000000000);
	assert_int_equal(text_parse_ns("2", 1, 0, &value), -EINVAL); /* no unit, and none by default */
	assert_int_equal(text_parse_ns("ms", 2, 1, &value), -EINVAL);
	assert_int_equal(text_parse_ns("1.2.3s", 6, 1, &value), -EINVAL);
	assert_int_equal(text_parse_ns("-1s", 3, 1, &value), -EINVAL);
	assert_int_equal(text_parse_ns("99999999999999s", 15, 1, &value), -ERANGE);
	assert_int_equal(text_parse_unsigned("18446744073709551615", 20, UINT64_MAX, &value), 0);
	assert_int_equal(value, UINT64_MAX);
	assert_int_equal(text_parse_unsigned("18446744073709551616", 20, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(text_parse_unsigned("12", 2, 11, &value), -ERANGE);
	assert_int_equal(text_parse_unsigned("", 0, 11, &value), -EINVAL);
	assert_int_equal(text_parse_unsigned("+1", 2, 11, &value), -EINVAL);
}

static void test_strbuf(void **state)
{
	cleanup_strbuf struct strbuf buffer = STRBUF_EMPTY;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&buffer, "%d,", i);
	assert_int_equal(buffer.length, 10 * 2 + 90 * 3 + 900 * 4);
	strbuf_deinit(&buffer);
	strbuf_puts(&buffer, "a");
	text_append_json(&buffer, "b\"");
	assert_string_equal(buffer.data, "a\"b\\\"\"");
	assert_null(strbuf_reserve(&buffer, SIZE_MAX));
	assert_true(buffer.failed);
	strbuf_puts(&buffer, "more"); /* harmless */
}

static void test_files(void **state)
{
	char *path = maker_directory(), *data;
	cleanup_close int fd = open(path, O_DIRECTORY | O_RDONLY);
	struct error error;
	size_t bytes;

	(void)state;
	assert_int_equal(file_replace(fd, "f", "one", 3, &error), 0);
	assert_int_equal(file_replace(fd, "f", "second", 6, &error), 0);
	assert_int_equal(file_read_small(fd, "f", 6, &data, &bytes, &error), 0);
	assert_int_equal(bytes, 6);
	assert_string_equal(data, "second");
	free(data);
	assert_int_equal(file_read_small(fd, "f", 5, &data, &bytes, &error), -EFBIG);
	assert_string_equal(error.text, "f: larger than 5 bytes");
	assert_int_equal(file_read_small(fd, "none", 5, &data, &bytes, &error), -ENOENT);
	assert_string_equal(error.text, "none: No such file or directory");
	assert_int_equal(file_replace(fd, "no/f", "x", 1, &error), -ENOENT);
	assert_string_equal(error.text, "no/f: create: No such file or directory");
	/* a file that says it is empty */
	assert_int_equal(file_read_small(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &bytes, &error), 0);
	assert_true(bytes > 100);
	free(data);
	maker_remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_map),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
