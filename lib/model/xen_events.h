/* SPDX-License-Identifier: MIT */
/* What the events of Xen 4.17 to 4.20 mean: their names and fields. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/model/xen_event.h"

/* Is it a known event, and does it have as many extra words as such an event has? */
bool xen_event_fits(uint32_t code, unsigned n_extra);
