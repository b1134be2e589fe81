/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_feed.h"

#include <errno.h>

#define SCHED_SWITCHES 0x28000u /* class and subclass of those that tell the frequency */

static void want(const struct xen_feed *feed, uint64_t wanted[XEN_WANTED_WORDS], bool switches)
{
	for (uint32_t i = 0; i < XEN_WANTED_WORDS * 64; i++)
		if (feed->wants(feed->context, i << 12) || (switches && i == XEN_WANTED_BIT(SCHED_SWITCHES)))
			wanted[i / 64] |= 1ull << i % 64;
		else
			wanted[i / 64] &= ~(1ull << i % 64);
	xen_reader_want(feed->reader, wanted);
}

static void add_left_out(struct xen_reader *reader, struct xen_summary *summary)
{
	uint32_t limit = xen_reader_counts(reader)->pcpu_limit;

	for (uint32_t i = 0; i < limit; i++) {
		uint64_t last_tsc;
		const struct xen_unwanted *unwanted = xen_reader_unwanted(reader, i, &last_tsc);

		if (unwanted)
			xen_summary_left_out(summary, i, unwanted->events, unwanted->bytes, last_tsc);
	}
}

/* The pCPU of the event before this one: was it its last? */
static void end_pcpu(struct xen_reader *reader, struct xen_summary *summary, uint32_t pcpu)
{
	uint64_t last_tsc;

	if (xen_reader_pcpu_ended(reader, pcpu) && xen_reader_unwanted(reader, pcpu, &last_tsc))
		xen_summary_pcpu_end(summary, pcpu, last_tsc);
}

int xen_feed(const struct xen_feed *feed, struct xen_clock_estimate *estimate, struct error *error)
{
	struct xen_reader *reader = feed->reader;
	uint64_t wanted[XEN_WANTED_WORDS] = {0};
	uint32_t pcpu = UINT32_MAX; /* of the event before */
	struct xen_event event;
	int result;

	want(feed, wanted, estimate != NULL);
	while ((result = xen_reader_next(reader, &event, error)) > 0) {
		if (__builtin_expect(estimate != NULL, 0)) {
			xen_clock_estimate_feed(estimate, &event);
			if (!xen_clock_estimate_wants(estimate)) {
				estimate = NULL;
				want(feed, wanted, false);
			}
		}
		if (event.pcpu != pcpu)
			end_pcpu(reader, feed->summary, pcpu);
		pcpu = event.pcpu;
		xen_summary_event(feed->summary, &event);
	}
	if (!result)
		add_left_out(reader, feed->summary);
	xen_reader_want(reader, NULL);
	if (result < 0)
		return result;
	return xen_summary_end(feed->summary) < 0 ? error_set(error, -ENOMEM, "out of memory") : 0;
}
