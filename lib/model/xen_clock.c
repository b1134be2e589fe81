/* SPDX-License-Identifier: MIT */
#include "lib/model/xen_clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* domain, vcpu, how long it ran in ns (, …) */
#define SWITCH_INFPREV 0x2800eu /* the vCPU leaves */
#define SWITCH_INFCONT 0x28011u /* the vCPU stays */
#define SWITCH_INFNEXT 0x2800fu /* domain, vcpu: who comes */

/* Shorter runs are mostly the distance between the scheduler's clock and the record's TSC. */
#define RUN_NS_MIN  20000u
#define RUN_NS_MAX  1000000000u /* the word's 32 bits wrap after 4.3 s */
#define SAMPLES_MIN 8
#define EVENTS_MAX  (4u << 20)
#define STARTS_MAX  65536u

void xen_clock_set(struct xen_clock *clock, double hz, uint64_t base_tsc)
{
	*clock = (struct xen_clock){.hz = hz, .base_tsc = base_tsc};
	clock->mult = (uint64_t)(1e9 / hz * (double)(1ull << XEN_CLOCK_SHIFT) + 0.5);
}

int xen_clock_parse_hz(const char *text, double *hz, struct error *error)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	switch (isdigit((unsigned char)text[0]) ? *end : 'x') {
	case 'G':
	case 'g':
		value *= 1e9;
		end++;
		break;
	case 'M':
	case 'm':
		value *= 1e6;
		end++;
		break;
	case 'K':
	case 'k':
		value *= 1e3;
		end++;
		break;
	case '\0':
		break;
	default:
		value = 0;
	}
	if (errno || *end || !(value >= XEN_CLOCK_HZ_MIN && value <= XEN_CLOCK_HZ_MAX)) {
		error_set(error, -EINVAL, "--cpu-hz: '%s' is no frequency of a TSC", text);
		return error_hint(error,
			"for example 2.4G or 2596.124M; Xen's boot log has it: (XEN) Detected 2596.124 MHz processor");
	}
	*hz = value;
	return 0;
}

int xen_clock_estimate_init(struct xen_clock_estimate *estimate, struct error *error)
{
	*estimate = (struct xen_clock_estimate){0};
	estimate->samples = malloc(XEN_CLOCK_SAMPLES * sizeof(*estimate->samples));
	return estimate->samples ? 0 : error_set(error, -ENOMEM, "out of memory");
}

void xen_clock_estimate_deinit(struct xen_clock_estimate *estimate)
{
	free(estimate->samples);
	free(estimate->starts);
	*estimate = (struct xen_clock_estimate){0};
}

bool xen_clock_estimate_wants(const struct xen_clock_estimate *estimate)
{
	return estimate->nr_samples < XEN_CLOCK_SAMPLES && estimate->events < EVENTS_MAX;
}

/* NULL: no memory for it; then this pCPU tells nothing. */
static struct xen_clock_start *start_of(struct xen_clock_estimate *estimate, uint32_t pcpu)
{
	struct xen_clock_start *starts;

	if (pcpu < estimate->nr_starts)
		return &estimate->starts[pcpu];
	if (pcpu >= STARTS_MAX)
		return NULL;
	starts = realloc(estimate->starts, (pcpu + 1) * sizeof(*starts));
	if (!starts)
		return NULL;
	memset(&starts[estimate->nr_starts], 0, (pcpu + 1 - estimate->nr_starts) * sizeof(*starts));
	estimate->starts = starts;
	estimate->nr_starts = pcpu + 1;
	return &starts[pcpu];
}

void xen_clock_estimate_feed(struct xen_clock_estimate *estimate, const struct xen_event *event)
{
	struct xen_clock_start *start;
	uint64_t vcpu = (uint64_t)event->extra[0] << 32 | event->extra[1];
	uint32_t ran_ns = event->extra[2];

	estimate->events++;
	if (event->code != SWITCH_INFPREV && event->code != SWITCH_INFCONT && event->code != SWITCH_INFNEXT &&
		event->code != XEN_LOST_RECORDS)
		return;
	start = start_of(estimate, event->pcpu);
	if (!start)
		return;
	if (event->code == XEN_LOST_RECORDS) {
		start->tsc = 0;
	} else if (event->code == SWITCH_INFNEXT) {
		start->vcpu = vcpu; /* since the switch before it: one clock reading serves both */
	} else {
		if (start->tsc && start->vcpu == vcpu && event->tsc > start->tsc && ran_ns >= RUN_NS_MIN &&
			ran_ns <= RUN_NS_MAX && estimate->nr_samples < XEN_CLOCK_SAMPLES)
			estimate->samples[estimate->nr_samples++] =
				(double)(event->tsc - start->tsc) / ran_ns * 1e9;
		if (event->code == SWITCH_INFPREV) {
			start->tsc = event->tsc;
			start->vcpu = UINT64_MAX;
		}
	}
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

double xen_clock_estimate_hz(struct xen_clock_estimate *estimate)
{
	double hz;

	if (estimate->nr_samples < SAMPLES_MIN)
		return 0;
	qsort(estimate->samples, estimate->nr_samples, sizeof(*estimate->samples), compare);
	hz = estimate->samples[estimate->nr_samples / 2];
	return hz >= XEN_CLOCK_HZ_MIN && hz <= XEN_CLOCK_HZ_MAX ? hz : 0;
}
