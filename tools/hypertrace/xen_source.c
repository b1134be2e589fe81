/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_source.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_HZ 2.4e9 /* xenalyze's */

/* "2596.124M"; 0: no frequency. */
static double parse_hz(const char *text)
{
	static const char units[] = "kMG";
	char *end;
	double hz = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (unit) {
		hz *= pow(1000, (double)(unit - units) + 1);
		end++;
	}
	if (strcmp(end, "Hz") == 0)
		end += 2;
	return end == text || *end || !(hz >= 1e6 && hz <= 1e11) ? 0 : hz;
}

int xen_source_operand(
	struct xen_source *source, int argc, char **argv, const char *cpu_hz, struct error *error)
{
	*source = (struct xen_source){.hz = DEFAULT_HZ, .hz_source = "assumed: --cpu-hz tells the real one"};
	if (argc != 1) {
		error_set(error, -EINVAL, argc ? "one file only" : "no file named");
		return error_hint(error, "xentrace FILE, in dom0, records one; - is standard input");
	}
	source->path = argv[0];
	if (!cpu_hz)
		return 0;
	source->hz = parse_hz(cpu_hz);
	source->hz_source = "given";
	if (source->hz)
		return 0;
	error_set(error, -EINVAL, "--cpu-hz: '%s' is not a frequency of a TSC", cpu_hz);
	return error_hint(error, "for example 2.4G or 2596.124M");
}

int xen_source_open(struct xen_source *source, struct error *error)
{
	return xen_reader_open(source->path, &source->reader, error);
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
	xen_reader_close(source->reader);
	source->reader = NULL;
	return result;
}
