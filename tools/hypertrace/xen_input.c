/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/human.h"

/* As many of the places as a line has room for. */
#define PLACES_SHOWN 3

int xen_input_operand(int argc, char **argv, const char **path, struct error *error)
{
	*path = argc ? argv[0] : "-";
	if (!argc && isatty(STDIN_FILENO)) { /* a newcomer, who would wait for ever */
		error_set(error, -EINVAL, "no trace named");
		return error_hint(error, "the FILE that xentrace wrote; - reads it from this terminal");
	}
	if (argc < 2)
		return 0;
	error_set(error, -EINVAL, "'%s': one trace at a time", argv[1]);
	return error_hint(error, "quote names with spaces");
}

/* Both in one pass: without a look ahead. */
int xen_input_open_unread(struct xen_input *input, const char *path, const char *cpu_hz, struct error *error)
{
	double hz = 0;
	int result = cpu_hz ? xen_clock_parse_hz(cpu_hz, &hz, error) : 0;

	*input = (struct xen_input){.name = strcmp(path, "-") == 0 ? "standard input" : path};
	if (!result)
		result = xen_reader_open(path, &input->reader, error);
	if (!result && cpu_hz)
		xen_clock_set(&input->clock, hz, 0);
	return result;
}

void xen_input_settle_clock(struct xen_input *input, struct xen_clock_estimate *estimate, uint64_t first_tsc)
{
	double hz = input->clock.hz;

	if (hz == 0) {
		hz = xen_clock_estimate_hz(estimate);
		input->hz_samples = hz != 0 ? estimate->nr_samples : 0;
		input->hz_source = hz != 0 ? XEN_HZ_ESTIMATED : XEN_HZ_ASSUMED;
	}
	xen_clock_set(&input->clock, hz != 0 ? hz : XEN_CLOCK_DEFAULT_HZ, first_tsc);
}

int xen_input_open(struct xen_input *input, const char *path, const char *cpu_hz, struct error *error)
{
	double hz = 0;
	int result = cpu_hz ? xen_clock_parse_hz(cpu_hz, &hz, error) : 0;

	*input = (struct xen_input){.name = strcmp(path, "-") == 0 ? "standard input" : path};
	if (!result)
		result = xen_reader_open(path, &input->reader, error);
	if (!result)
		result = xen_reader_find_clock(input->reader, hz, &input->clock, &input->hz_samples, error);
	if (result) {
		xen_input_close(input);
		return result;
	}
	input->hz_source = cpu_hz ? XEN_HZ_GIVEN : input->hz_samples ? XEN_HZ_ESTIMATED : XEN_HZ_ASSUMED;
	return 0;
}

void xen_input_close(struct xen_input *input)
{
	xen_reader_close(input->reader);
	input->reader = NULL;
}

void xen_input_describe_clock(const struct xen_input *input, char *text, size_t bytes)
{
	double mhz = input->clock.hz / 1e6;

	switch (input->hz_source) {
	case XEN_HZ_GIVEN:
		snprintf(text, bytes, "%.3f MHz, as given", mhz);
		break;
	case XEN_HZ_ESTIMATED:
		snprintf(text, bytes, "%.3f MHz, estimated from %s runs of vCPUs", mhz,
			human_count(input->hz_samples).text);
		break;
	case XEN_HZ_ASSUMED:
		snprintf(text, bytes, "%.3f MHz, assumed: the trace does not tell", mhz);
		break;
	}
}

void xen_input_say_clock(const struct xen_input *input)
{
	char text[128];

	if (input->hz_source == XEN_HZ_GIVEN)
		return;
	xen_input_describe_clock(input, text, sizeof(text));
	fprintf(stderr, "TSC at %s; --cpu-hz sets it\n", text);
}

static void say(uint64_t count, const char *one, const char *many)
{
	if (count)
		fprintf(stderr, "%s %s\n", human_count(count).text, count == 1 ? one : many);
}

static void put_places(const struct xen_counts *counts, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint64_t i = 0; i < counts->damages && i < PLACES_SHOWN && used < bytes; i++) {
		const struct xen_damage *damage = &counts->damage[i];

		used += (size_t)snprintf(text + used, bytes - used,
			"%s%" PRIu64 " at offset %" PRIu64 " (%s)", i ? ", " : "", damage->bytes,
			damage->offset, xen_skip_text(damage->reason));
	}
	if (counts->damages > PLACES_SHOWN && used < bytes)
		snprintf(text + used, bytes - used, " and %s places more",
			human_count(counts->damages - PLACES_SHOWN).text);
}

int xen_input_account(const struct xen_input *input, struct error *error)
{
	return xen_account(xen_reader_counts(input->reader), input->name, error);
}

int xen_account(const struct xen_counts *counts, const char *name, struct error *error)
{
	uint64_t skipped = xen_counts_skipped(counts);
	char places[512];

	say(counts->lost, "event was lost while recording", "events were lost while recording");
	say(counts->wrong_windows, "window is not as long as it says; its records are read all the same",
		"windows are not as long as they say; their records are read all the same");
	say(counts->odd_tsc, "event has a TSC out of row", "events have TSCs out of row");
	say(counts->set_back, "time a TSC was set back", "times a TSC was set back");
	say(counts->late, "event stands behind later ones", "events stand behind later ones");
	if (counts->cut_windows)
		fprintf(stderr, "the file ends %s bytes before its last window does\n",
			human_count(counts->cut_bytes).text);
	if (!skipped)
		return 0;
	put_places(counts, places, sizeof(places));
	return error_set(error, -EBADMSG, "%s: damaged: %s bytes skipped: %s", name,
		human_count(skipped).text, places);
}
