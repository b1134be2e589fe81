/* SPDX-License-Identifier: MIT */
/* --host: what `run` and `record` take of this host itself. */
#pragma once
#include "host/collect/recorder.h"
#include "tools/hypertrace/options.h"

#define HOST_OPTION_SPEC(offset)                                                                                               \
	{                                                                                                                      \
		0, "host", "exits=LEVEL", OPTION_STRING, (offset),                                                             \
			"also this host: each exit of the guests' vCPUs, with what it did and how long it took, and when the " \
			"scheduler let them run; LEVEL: histogram, aggregated or full"                                         \
	}

struct host_option {
	bool given;
	enum collector_level level;
};

/* `text`: as given; NULL: it was not. -EINVAL: with what it could be. */
int host_option_parse(struct host_option *option, const char *text, struct error *error);

/*
 * Adds the host to the recorder. `alone`: nothing else was asked for, so that it must work; else a notice says why it
 * does not, and the rest goes on.
 */
int host_option_add(const struct host_option *option, struct recorder *recorder, bool alone,
	void (*notice)(void *context, const char *text), void *context, struct error *error);
