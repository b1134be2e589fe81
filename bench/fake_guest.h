/* SPDX-License-Identifier: MIT */
/*
 * A guest without a VM: the module's side of a region (guest/module), played by threads of this process. It
 * writes a mixture of events as fast as it can, through the guest's own producer, but never faster than the
 * recorder reads: nothing gets lost, so that a benchmark of the host's side measures the whole of what was
 * written.
 */
#pragma once
#include <stdbool.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include "abi/region.h"
#include "abi/ring.h"
#include "lib/base/error.h"

#define FAKE_GUEST_CPUS_MAX 8

struct fake_guest {
	uint8_t *base;
	size_t bytes;
	struct ht_region *region;
	struct ht_host *host;
	unsigned cpus;
	struct ht_producer producers[FAKE_GUEST_CPUS_MAX];
	uint64_t random;
	pthread_t thread; /* the module's: wishes, clock */
	atomic_bool stop;
	bool running;
};

/* Makes the file, starts the module. `guest` is good for deinit in any case. */
int fake_guest_init(struct fake_guest *guest, const char *path, unsigned cpus, struct error *error);
void fake_guest_deinit(struct fake_guest *guest);

/* Waits until a recorder has said what it wants, then writes at least so many events. Returns how many. */
uint64_t fake_guest_write(struct fake_guest *guest, uint64_t events);

/* Closes the packets and waits, for a bounded time, until the recorder has them all. */
void fake_guest_drain(struct fake_guest *guest);
