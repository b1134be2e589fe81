/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock_now.h"
#include "tools/hypertrace/human.h"

#define PART_EVERY_NS 200000000u

void show_progress(const char *text)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "hypertrace: %s\n", text);
}

void show_progress_part(const char *text, uint64_t done, uint64_t all)
{
	static uint64_t shown_ns;
	static bool is_there;
	uint64_t now_ns;

	if (!isatty(STDERR_FILENO))
		return;
	if (!text) {
		fputs(is_there ? "\r\033[K" : "", stderr);
		is_there = false;
		shown_ns = 0;
		return;
	}
	now_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (!shown_ns)
		shown_ns = now_ns; /* what is over at once says nothing */
	if (now_ns - shown_ns < PART_EVERY_NS)
		return;
	shown_ns = now_ns;
	is_there = true;
	if (all >= done && all)
		fprintf(stderr, "\rhypertrace: %s, %s events, %.0f %%\033[K", text, human_count(done).text,
			100.0 * (double)done / (double)all);
	else
		fprintf(stderr, "\rhypertrace: %s, %s events\033[K", text, human_count(done).text);
}
