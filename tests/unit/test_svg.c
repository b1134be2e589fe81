/* SPDX-License-Identifier: MIT */
/* Drawings: foreign text can do no harm in them, numbers are short, axes have round steps; bars in a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "tests/unit/trace_maker.h"
#include "tools/hypertrace/bars.h"
#include "tools/hypertrace/time_chart.h"

static void test_text_is_escaped(void **state)
{
	struct svg svg;

	(void)state;
	svg_init(&svg, 100, 50, "<a>&\"\x1b", ".x{}");
	svg_text(&svg, 1, 2.5, "x", "]]></text><script>alert(1)</script>\xff");
	svg_rect(&svg, 0, 0, 1, 1, NULL, "two\nlines <i>");
	assert_non_null(strstr(svg.text.data, "<title>&lt;a&gt;&amp;&quot;\\x1b</title>"));
	assert_non_null(strstr(svg.text.data,
		"<text x=\"1\" y=\"2.5\" class=\"x\">]]&gt;&lt;/text&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\xff</text>"));
	assert_non_null(strstr(svg.text.data, "<title>two\nlines &lt;i&gt;</title></rect>"));
	assert_null(strstr(svg.text.data, "<script"));
	svg_deinit(&svg);
}

static void test_numbers(void **state)
{
	struct svg svg;

	(void)state;
	svg_init(&svg, 100, 50, "", "");
	svg_rect(&svg, 1.0 / 3, 10.10, -5, NAN, NULL, NULL);
	assert_non_null(strstr(svg.text.data, "<rect x=\"0.33\" y=\"10.1\" width=\"0\" height=\"0\"/>"));
	svg_line(&svg, INFINITY, 1e300, -1e300, 0, "g");
	assert_non_null(strstr(
		svg.text.data, "<line x1=\"0\" y1=\"1000000000\" x2=\"-1000000\" y2=\"0\" class=\"g\"/>"));
	svg_deinit(&svg);
}

static void test_text_that_fits(void **state)
{
	struct svg svg;

	(void)state;
	svg_init(&svg, 100, 50, "", "");
	assert_true(svg_text_fit(&svg, 0, 0, NULL, "short", 100));
	assert_true(
		svg_text_fit(&svg, 0, 0, NULL, "\xc3\xa4\xc3\xb6\xc3\xbc and more", 6 * 0.6 * SVG_FONT_PX));
	assert_non_null(strstr(svg.text.data, ">\xc3\xa4\xc3\xb6\xc3\xbc ..</text>"));
	assert_false(svg_text_fit(&svg, 0, 0, NULL, "no room", 10));
	assert_false(svg_text_fit(&svg, 0, 0, NULL, "no room", -10));
	assert_null(strstr(svg.text.data, "no room"));
	svg_deinit(&svg);
}

static void test_axis_steps(void **state)
{
	(void)state;
	assert_true(fabs(svg_axis_step(3.2, 14) - 0.5) < 1e-9);
	assert_true(fabs(svg_axis_step(100, 10) - 10) < 1e-9);
	assert_true(fabs(svg_axis_step(101, 10) - 20) < 1e-9);
	assert_true(fabs(svg_axis_step(0.0069, 14) - 0.0005) < 1e-12);
	assert_true(svg_axis_step(0, 10) > 0);
	assert_true(svg_axis_step(5, 0) > 0);
}

static void test_writing(void **state)
{
	char *directory = maker_directory(), path[256], *data;
	struct error error = {0};
	struct svg svg;

	(void)state;
	svg_init(&svg, 100, 50, "t", "");
	snprintf(path, sizeof(path), "%s/a.svg", directory);
	assert_int_equal(svg_write(&svg, path, &error), 0);
	assert_int_equal(file_read_small(AT_FDCWD, path, 1 << 20, &data, NULL, &error), 0);
	assert_memory_equal(data, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=", 50);
	assert_string_equal(data + strlen(data) - 7, "</svg>\n");
	free(data);
	assert_int_equal(svg_write(&svg, directory, &error), -EISDIR);
	assert_non_null(strstr(error.text, directory));
	svg_deinit(&svg);
	maker_remove(directory);
}

static void test_a_chart_of_no_time(void **state)
{
	struct time_chart chart;

	(void)state;
	time_chart_init(&chart, "t", "", 1000, 1000, 100, 10, 0);
	time_chart_axis(&chart);
	assert_true(time_chart_x(&chart, 0) == TIME_CHART_LABELS);
	assert_true(time_chart_width(&chart, 500, 500) == TIME_CHART_NARROW);
	assert_true(isfinite(time_chart_x(&chart, 1001)));
	time_chart_deinit(&chart);
}

/* What bars_print() makes of from..to, on an axis of 0..200 in 20 columns. */
static char *bar(uint64_t from, uint64_t to, bars_share_fn *share)
{
	const struct bars bars = {.from_ns = 0, .to_ns = 200, .width = 20};
	static char text[128];
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	bars_print(&bars, from, to, share, NULL, out);
	fclose(out);
	return text;
}

static double half_at_first(void *context, uint64_t from, uint64_t to)
{
	(void)context, (void)to;
	return from < 50 ? 0.5 : 0;
}

static void test_bars(void **state)
{
	char text[64] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_string_equal(bar(0, 200, NULL), "####################");
	assert_string_equal(bar(15, 31, NULL), " ###");
	assert_string_equal(bar(50, 50, NULL), "     #"); /* too short for a column, but there */
	assert_string_equal(bar(199, 5000, NULL), "                   #");
	assert_string_equal(bar(30, 70, half_at_first), "   ==..");
	bars_label("ab\x1b\xc3\xa4", 2, 12, out);
	bars_label("0123456789", 0, 4, out);
	fclose(out);
	assert_string_equal(text, "  ab\\x1b\xc3\xa4   0123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_escaped),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_text_that_fits),
		cmocka_unit_test(test_axis_steps),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_a_chart_of_no_time),
		cmocka_unit_test(test_bars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
