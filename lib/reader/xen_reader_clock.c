/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_reader_clock.h"

int xen_reader_find_clock(
	struct xen_reader *reader, double hz, struct xen_clock *clock, uint32_t *samples, struct error *error)
{
	bool known = hz > 0;
	struct xen_clock_estimate estimate;
	struct xen_event event;
	uint64_t first_tsc = 0;
	int result = xen_clock_estimate_init(&estimate, error);

	*samples = 0;
	if (result)
		return result;
	while ((result = xen_reader_next(reader, &event, error)) > 0) {
		if (!first_tsc)
			first_tsc = event.order_tsc;
		xen_clock_estimate_feed(&estimate, &event);
		if (first_tsc && (known || !xen_clock_estimate_wants(&estimate)))
			break;
	}
	if (result >= 0 && !known) {
		hz = xen_clock_estimate_hz(&estimate);
		*samples = hz > 0 ? estimate.nr_samples : 0;
	}
	xen_clock_estimate_deinit(&estimate);
	if (result < 0)
		return result;
	xen_clock_set(clock, hz > 0 ? hz : XEN_CLOCK_DEFAULT_HZ, first_tsc);
	return xen_reader_rewind(reader, error);
}
