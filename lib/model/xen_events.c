/* SPDX-License-Identifier: MIT */
#include "lib/model/xen_events.h"

bool xen_event_fits(uint32_t code, unsigned n_extra)
{
	return code && n_extra <= XEN_EXTRAS_MAX;
}
