/* SPDX-License-Identifier: MIT */
/* A recorder in a thread of its own, and what that thread costs. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include "host/collect/recorder.h"

struct attachment {
	struct recorder *recorder;
	pthread_t thread;
	atomic_bool stop;
	bool running;
	uint64_t cpu_ns; /* user and system time of the thread; valid once stopped */
	struct error error;
};

/* What a trace's machines sum up to. */
struct attachment_counts {
	uint64_t events, bytes, lost;
};

/*
 * Starts recording what the guest behind the region writes, now or later. `attachment` is good for deinit in
 * any case.
 */
int attachment_start(struct attachment *attachment, const struct recorder_options *options,
	const char *region_path, struct error *error);

/* Completes the trace. */
int attachment_stop(struct attachment *attachment, struct attachment_counts *counts, struct error *error);
void attachment_deinit(struct attachment *attachment);
