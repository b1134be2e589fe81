/* SPDX-License-Identifier: MIT */
/* What a recorder asks of the guests' modules, out of its options. */
#pragma once
#include "host/collect/control.h"
#include "host/collect/recorder.h"

struct recorder_wishes {
	struct event_selection events;
	struct filter filter;
	struct function_wishes functions;
	struct control_request request; /* points to those above: not to be copied */
};

/* -EINVAL, -ENOTSUP: what is wrong with events, filter, mode and ring_bytes. */
int recorder_wishes_init(
	struct recorder_wishes *wishes, const struct recorder_options *options, struct error *error);
