/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_source.h"

#include <errno.h>
#include <inttypes.h>

int xen_source_operand(
	struct xen_source *source, int argc, char **argv, const char *cpu_hz, struct error *error)
{
	int result = 0;

	*source = (struct xen_source){0};
	if (argc != 1) {
		error_set(error, -EINVAL, argc ? "one file only" : "no file named");
		return error_hint(error, "xentrace FILE, in dom0, records one; - is standard input");
	}
	source->path = argv[0];
	if (cpu_hz) {
		result = xen_clock_parse_hz(cpu_hz, &source->hz, error);
		source->hz_source = "given";
	}
	return result;
}

void xen_source_estimate(struct xen_source *source, const struct xen_event *event)
{
	xen_clock_estimate_feed(&source->estimate, event);
	source->estimating = xen_clock_estimate_wants(&source->estimate);
}

void xen_source_settle_hz(struct xen_source *source)
{
	if (source->hz)
		return;
	source->hz = xen_clock_estimate_hz(&source->estimate);
	source->hz_source = "estimated from the trace";
	if (source->hz)
		return;
	source->hz = XEN_CLOCK_DEFAULT_HZ;
	source->hz_source = "a guess: the trace does not tell, --cpu-hz does";
}

int xen_source_open(struct xen_source *source, bool hz_first, struct error *error)
{
	int result = xen_reader_open(source->path, &source->reader, error);
	struct xen_event event;

	if (result || source->hz)
		return result;
	result = xen_clock_estimate_init(&source->estimate, error);
	source->estimating = !result;
	if (result || !hz_first)
		return result;
	result = 1;
	while (source->estimating && (result = xen_reader_next(source->reader, &event, error)) > 0)
		xen_source_estimate(source, &event);
	xen_source_settle_hz(source);
	source->estimating = false;
	return result < 0 ? result : xen_reader_rewind(source->reader, error);
}

int xen_source_close(struct xen_source *source, int result, struct error *error)
{
	const struct xen_counts *counts = source->reader ? xen_reader_counts(source->reader) : NULL;

	if (!result && counts && xen_counts_skipped(counts)) {
		result = error_set(error, -EILSEQ,
			"%s: %" PRIu64 " bytes skipped in %" PRIu64 " places, first at %" PRIu64 ": %s",
			source->path, xen_counts_skipped(counts), counts->damages, counts->damage[0].offset,
			xen_skip_text(counts->damage[0].reason));
		error_hint(error, "everything else is shown");
	}
	xen_clock_estimate_deinit(&source->estimate);
	xen_reader_close(source->reader);
	source->reader = NULL;
	return result;
}
