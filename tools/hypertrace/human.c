/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/human.h"

#include <inttypes.h>
#include <stdio.h>

/* Three significant digits; `units` are each `step` times the one before. */
static struct human scaled(double value, double step, const char *const *units)
{
	struct human human;

	while (value >= step - (step > 1000 ? 0 : 0.5) && units[1]) {
		value /= step;
		units++;
	}
	snprintf(human.text, sizeof(human.text), "%.*f %s",
		value < 9.995           ? 2
			: value < 99.95 ? 1
					: 0,
		value, *units);
	return human;
}

struct human human_ns(uint64_t ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s", NULL};
	struct human human;

	if (ns < 1000)
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " ns", ns);
	else if (ns < 120 * 1000000000ull)
		human = scaled((double)ns, 1000, units);
	else if (ns < 7200 * 1000000000ull)
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " m %02" PRIu64 " s", ns / 60000000000,
			ns / 1000000000 % 60);
	else
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " h %02" PRIu64 " m", ns / 3600000000000,
			ns / 60000000000 % 60);
	return human;
}

struct human human_seconds(uint64_t ns)
{
	struct human human;

	snprintf(human.text, sizeof(human.text), "%" PRIu64 ".%06" PRIu64, ns / 1000000000,
		ns / 1000 % 1000000);
	return human;
}

struct human human_count(uint64_t count)
{
	struct human human;
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count), to = 0;

	for (int from = 0; from < length; from++) {
		if (from && (length - from) % 3 == 0)
			human.text[to++] = ',';
		human.text[to++] = digits[from];
	}
	human.text[to] = 0;
	return human;
}

struct human human_bytes(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", NULL};
	struct human human;

	if (bytes >= 1024)
		return scaled((double)bytes, 1024, units);
	snprintf(human.text, sizeof(human.text), "%" PRIu64 " B", bytes);
	return human;
}

struct human human_share(uint64_t part, uint64_t whole)
{
	struct human human = {"-"};

	if (whole)
		snprintf(human.text, sizeof(human.text), "%.1f %%", 100.0 * (double)part / (double)whole);
	return human;
}
