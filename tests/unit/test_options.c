/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/hypertrace/options.h"

struct values {
	bool flag, other;
	const char *text;
	struct string_list list;
	uint64_t number, bytes;
	double seconds;
	unsigned choice;
};

static const struct option_spec specs[] = {
	{'f', "flag", NULL, OPTION_FLAG, offsetof(struct values, flag), "a flag"},
	{'g', "other", NULL, OPTION_FLAG, offsetof(struct values, other), "another"},
	{'t', "text", "TEXT", OPTION_STRING, offsetof(struct values, text), "a text"},
	{'l', "list", "ITEM", OPTION_LIST, offsetof(struct values, list), "a list"},
	{'n', "number", "N", OPTION_UNSIGNED, offsetof(struct values, number), "a number"},
	{0, "bytes", "BYTES", OPTION_BYTES, offsetof(struct values, bytes), "a size"},
	{0, "seconds", "TIME", OPTION_SECONDS, offsetof(struct values, seconds), "a time"},
	{0, "choice", "one|three|two", OPTION_CHOICE, offsetof(struct values, choice), "a word"},
	{0},
};
static const struct command command = {.name = "verb", .summary = "Tests", .synopsis = "", .options = specs};

/* words: NULL-ended, without the verb. Operands are left in `operands`. */
static char *operands[16];
static int operand_count;

static int parse(struct values *values, struct error *error, const char *const *words)
{
	char **argv = operands;
	int argc = 1;

	operands[0] = (char *)"verb";
	for (; *words; words++)
		operands[argc++] = (char *)*words;
	operands[argc] = NULL;
	*values = (struct values){0};
	*error = (struct error){0};
	int result = options_parse(&command, &argc, &argv, values, error);

	operand_count = argc;
	return result;
}

#define PARSE(...) parse(&values, &error, (const char *const[]){__VA_ARGS__, NULL})

static void accepts(void **state)
{
	struct values values;
	struct error error;

	(void)state;
	assert_int_equal(PARSE("one", "-f", "--text", "a b", "two", "-n3", "--bytes=4K", "--seconds", "2.5m",
				 "--", "-g"),
		0);
	assert_true(values.flag && !values.other);
	assert_string_equal(values.text, "a b");
	assert_int_equal(values.number, 3);
	assert_int_equal(values.bytes, 4096);
	assert_true(values.seconds == 150);
	assert_int_equal(operand_count, 3);
	assert_string_equal(operands[0], "one");
	assert_string_equal(operands[1], "two");
	assert_string_equal(operands[2], "-g");
	assert_null(operands[3]);

	assert_int_equal(PARSE("-fgtx", "-l", "a", "--list=b", "-", "--number", "0x10"), 0);
	assert_true(values.flag && values.other);
	assert_string_equal(values.text, "x");
	assert_int_equal(values.list.count, 2);
	assert_string_equal(values.list.items[1], "b");
	assert_int_equal(values.number, 16);
	assert_string_equal(operands[0], "-");

	assert_int_equal(PARSE("--choice", "two"), 0);
	assert_int_equal(values.choice, 3);
	assert_int_equal(PARSE("--choice=one"), 0);
	assert_int_equal(values.choice, 1);
}

static void joins(void **state)
{
	char *text;

	(void)state;
	text = string_list_join(&(struct string_list){0});
	assert_string_equal(text, "");
	free(text);
	text = string_list_join(&(struct string_list){3, {"a,b", "", "c"}});
	assert_string_equal(text, "a,b,,c");
	free(text);
}

static void refuses_operands(void **state)
{
	const struct command bare = {.name = "bare", .options = specs, .no_operands = true};
	char *words[] = {(char *)"bare", (char *)"-f", (char *)"more", NULL}, **argv = words;
	struct error error = {0};
	struct values values;
	int argc = 3;

	(void)state;
	assert_int_equal(options_parse(&bare, &argc, &argv, &values, &error), -EINVAL);
	assert_string_equal(error.text, "'more' is one word too many");
}

static void units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"0", 0}, {"1k", 1024}, {"32M", 32 << 20}, {"1GiB", 1 << 30}, {"2MB", 2 << 20},
		{"1T", UINT64_C(1) << 40}};
	struct values values;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(PARSE("--bytes", good[i].text), 0);
		assert_int_equal(values.bytes, good[i].bytes);
	}
	assert_int_equal(PARSE("--seconds", "20ms"), 0);
	assert_true(values.seconds > 0.0199 && values.seconds < 0.0201);
}

static void refuses(void **state)
{
	static const struct {
		const char *word, *value, *text;
	} bad[] = {
		{"--number", "-1", "--number: '-1' is not a whole number"},
		{"--number", "1x", "--number: '1x' is not a whole number"},
		{"--number", "99999999999999999999", "--number: '99999999999999999999' is too large"},
		{"--bytes", "1X", "--bytes: '1X' is not a number of bytes"},
		{"--bytes", "99999999999T", "--bytes: '99999999999T' is too large"},
		{"--bytes", "", "--bytes: '' is not a number of bytes"},
		{"--seconds", "soon", "--seconds: 'soon' is not a time"},
		{"--seconds", "nan", "--seconds: 'nan' is not a time"},
		{"--choice", "tw", "--choice: 'tw' is not one of one|three|two"},
		{"--choice", "", "--choice: '' is not one of one|three|two"},
		{"--flag=yes", NULL, "--flag takes no value"},
		{"--text", NULL, "--text needs a value: TEXT"},
		{"-ft", NULL, "--text needs a value: TEXT"},
		{"--unknown", NULL, "unknown option --unknown"},
		{"-fx", NULL, "unknown option -x"},
	};
	struct values values;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(PARSE(bad[i].word, bad[i].value) < 0);
		assert_string_equal(error.text, bad[i].text);
		assert_true(error.hint[0]);
	}
	assert_true(PARSE("--numbr", "1") < 0);
	assert_string_equal(error.hint, "did you mean --number? See hypertrace verb --help");
}

static void too_many(void **state)
{
	struct string_list list = {0};
	struct error error = {0};
	char *words[2 + STRING_LIST_MAX + 1] = {(char *)"verb"}, **argv = words;
	struct values values = {.list = list};
	int argc = 2 + STRING_LIST_MAX;

	(void)state;
	for (int i = 1; i < argc; i++)
		words[i] = (char *)"-lx";
	assert_true(options_parse(&command, &argc, &argv, &values, &error) < 0);
	assert_string_equal(error.text, "--list may be given at most 64 times");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(joins),
		cmocka_unit_test(refuses_operands),
		cmocka_unit_test(units),
		cmocka_unit_test(refuses),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
