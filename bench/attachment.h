/* SPDX-License-Identifier: MIT */
/* A recorder in a thread of its own, and what that thread costs. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include "host/collect/recorder.h"

struct attachment {
	struct recorder *recorder;
	pthread_t thread;
	atomic_bool stop, records; /* records: the guest is there, and what it writes is recorded */
	bool running;
	/* User and system time of the thread, from its start until it records, takes no more, and has completed
	 * the trace; valid once stopped. */
	uint64_t begun_ns, followed_ns, cpu_ns;
	struct error error;
};

/* What a trace's machines sum up to. */
struct attachment_counts {
	uint64_t events, bytes, lost;
};

void attachment_counts_read(struct attachment_counts *counts, const struct recorder *recorder);

/*
 * Starts recording what the guest behind the region writes, now or later. `attachment` is good for deinit in
 * any case.
 */
int attachment_start(struct attachment *attachment, const struct recorder_options *options,
	const char *region_path, struct error *error);

/* The same of a stock guest, by its VMM, which may have been started a moment ago. */
int attachment_start_stock(struct attachment *attachment, const struct recorder_options *options, pid_t vmm,
	const struct recorder_stock *stock, struct error *error);

/* Waits until it records. -ETIMEDOUT: it does not after 20 s. */
int attachment_wait(struct attachment *attachment, struct error *error);

/* Completes the trace. */
int attachment_stop(struct attachment *attachment, struct attachment_counts *counts, struct error *error);
void attachment_deinit(struct attachment *attachment);
