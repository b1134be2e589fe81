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

enum host_option_flags {
	HOST_ALONE = 1
		<< 0, /* nothing else was asked for, so that it must work; else a notice says why it does not */
	HOST_STARTS = 1 << 1, /* of the VMM that recorder_vmm_started() names */
};

/* Adds the host to the recorder, if it is given. */
int host_option_add(const struct host_option *option, struct recorder *recorder, unsigned flags,
	void (*notice)(void *context, const char *text), void *context, struct error *error);
