/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/model/xen_format.h"

static struct xen_format *make(const char *rules, uint32_t mhz)
{
	struct xen_format *format;
	struct error error = {0};

	if (xen_format_create(&format, rules, strlen(rules), mhz, &error))
		fail_msg("%s: %s", rules, error.text);
	return format;
}

/* What one record becomes. */
static void expect(struct xen_format *format, const struct xen_format_record *record, const char *text)
{
	struct strbuf out = STRBUF_EMPTY;

	xen_format_put(format, record, &out);
	assert_string_equal(out.data ? out.data : "", text);
	strbuf_deinit(&out);
}

static void expect_rule(const char *rule, uint32_t word, const char *text)
{
	char rules[256], line[512];
	struct xen_format *format;

	snprintf(rules, sizeof(rules), "5 %s\n", rule);
	snprintf(line, sizeof(line), "%s\n", text);
	format = make(rules, 0);
	expect(format, &(struct xen_format_record){.event = 5, .extra = {word}}, line);
	xen_format_destroy(format);
}

/* Values of Python's % operator. */
static void test_directives(void **state)
{
	(void)state;
	expect_rule("%(1)d", 42, "42");
	expect_rule("%(1)5d|%(1)-5d|%(1)05d", 42, "   42|42   |00042");
	expect_rule("%(1)+d|%(1) d|%(1)+05d", 42, "+42| 42|+0042");
	expect_rule("%(1)-05d|", 42, "42   |");
	expect_rule("%(1).4d|%(1)8.4d|%(1)08.4d", 42, "0042|    0042|00000042");
	expect_rule("%(1)x|%(1)X|%(1)#x|%(1)#X|%(1)#010x", 0xbeef, "beef|BEEF|0xbeef|0XBEEF|0x0000beef");
	expect_rule("%(1)o|%(1)#o", 8, "10|010");
	expect_rule("%(1)#o|%(1)#x|%(1).0d", 0, "0|0x0|0");
	expect_rule("%(1)s|%(1)6s|%(1)-6s|%(1).2s|%(1)r|%(1)06s", 1234, "1234|  1234|1234  |12|1234|  1234");
	expect_rule("%(1)c|%(1)3c", 'A', "A|  A");
	expect_rule("%(1)c", 0x1b, "\\x1b"); /* no terminal's business */
	expect_rule("%(1)c", 0x1234, "?");
	expect_rule("%(1).2f|%(1)e|%(1)g|%(1)010.1f", 1500, "1500.00|1.500000e+03|1500|00001500.0");
	expect_rule("%(1)ld|%(1)hu|%(1)Li", UINT32_MAX, "4294967295|4294967295|4294967295");
	expect_rule("100%% %(7)d %(2)d", 1, "100% 0 0");
	expect_rule("%(1)256d|", 1,
		"                                                                                                    "
		"                                                                                                    "
		"                                                       1|");
}

/* The events' numbers in all notations; the last rule counts, event 0 is for all others. */
static void test_rules(void **state)
{
	struct xen_format *format =
		make("# comment\n\n  \n0x10 hex %(event)x\r\n16 again\n\t017\toctal\n0o20 python\n0 other "
		     "%(event)d",
			0);

	(void)state;
	expect(format, &(struct xen_format_record){.event = 16}, "python\n");
	expect(format, &(struct xen_format_record){.event = 15}, "octal\n");
	expect(format, &(struct xen_format_record){.event = 14}, "other 14\n");
	xen_format_destroy(format);
	format = make("16 only\n", 0);
	expect(format, &(struct xen_format_record){.event = 15}, "");
	xen_format_destroy(format);
}

static void test_time(void **state)
{
	struct xen_format *format = make("0 %(cpu)d %(tsc)d %(reltsc)d %(reltsc)x\n", 0);

	(void)state;
	expect(format, &(struct xen_format_record){.has_tsc = true, .tsc = 1000}, "0 1000 0 0\n");
	expect(format, &(struct xen_format_record){.cpu = 1, .has_tsc = true, .tsc = 900}, "1 900 0 0\n");
	expect(format, &(struct xen_format_record){0}, "0 0 0 0\n");
	expect(format, &(struct xen_format_record){.has_tsc = true, .tsc = 1010}, "0 1010 10 a\n");
	expect(format, &(struct xen_format_record){.has_tsc = true, .tsc = 1000},
		"TSC stepped backward cpu 0 !  1000 1010\n0 1000 -10 -a\n");
	expect(format, &(struct xen_format_record){.cpu = 1, .has_tsc = true, .tsc = UINT64_MAX},
		"1 18446744073709551615 18446744073709550715 fffffffffffffc7b\n");
	/* no pCPU of ours */
	expect(format, &(struct xen_format_record){.cpu = UINT32_MAX, .has_tsc = true, .tsc = 5},
		"4294967295 5 0 0\n");
	xen_format_destroy(format);
	format = make("0 %(tsc)f %(tsc)d %(tsc)s %(tsc).3f %(tsc)x\n", 2500);
	expect(format, &(struct xen_format_record){.has_tsc = true, .tsc = 38750000000},
		"15.500000 15 15.5 15.500 f\n");
	expect(format, &(struct xen_format_record){0}, "0.000000 0 0.0 0.000 0\n");
	xen_format_destroy(format);
}

static void test_words(void **state)
{
	struct xen_format *format =
		make("0x1f004 v%(1)d %(2)d %(3)d %(4)d\n0x20100d %(1)d\n0x20200e %(1)d\n", 0);

	(void)state;
	expect(format, &(struct xen_format_record){.event = 0x1f004, .extra = {9, 100, 150}}, "v9 1 50 50\n");
	expect(format, &(struct xen_format_record){.event = 0x1f004, .extra = {9, 200, 220}}, "v9 2 70 50\n");
	expect(format, &(struct xen_format_record){.event = 0x1f004, .extra = {8, UINT32_MAX, 1}},
		"v8 1 2 2\n");
	expect(format, &(struct xen_format_record){.event = 0x20100d, .extra = {0x500018}}, "24\n");
	expect(format, &(struct xen_format_record){.event = 0x20200e, .extra = {0x50000e}}, "14\n");
	xen_format_destroy(format);
}

static void expect_error(const char *rules, const char *text)
{
	struct xen_format *format;
	struct error error = {0};

	assert_true(xen_format_create(&format, rules, strlen(rules), 0, &error) < 0);
	assert_null(format);
	assert_string_equal(error.text, text);
	assert_true(error.hint[0]);
}

static void test_errors(void **state)
{
	(void)state;
	expect_error("x y\n", "line 1: no event number at its beginning");
	expect_error("0x y\n", "line 1: no event number at its beginning");
	expect_error("-1 y\n", "line 1: no event number at its beginning");
	expect_error("5 fine\n0x10000000 y\n", "line 2: an event number above 0xfffffff");
	expect_error("5\n", "line 1: no text after the event number");
	expect_error("5 %", "line 1: column 4: a % without (name) behind it; %% is a percent sign");
	expect_error("5 %(", "line 1: column 4: no ) after %(");
	expect_error("5 %()d", "line 1: column 4: no field ''");
	expect_error("5 %(8)d", "line 1: column 4: no field '8'");
	expect_error("5 %(\x1b[2J)d", "line 1: column 4: no field '\\x1b[2J'");
	expect_error("5 %(1)", "line 1: column 7: the line ends in a directive");
	expect_error("5 %(1)9999999999999d", "line 1: column 9: wider than 256");
	expect_error("5 %(1).257d", "line 1: column 10: wider than 256");
	expect_error("5 %(1)*d", "line 1: column 7: no conversion");
	expect_error("5 %(1)n", "line 1: column 7: no conversion");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directives),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
