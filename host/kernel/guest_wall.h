/* SPDX-License-Identifier: MIT */
/* The guest's time of day, from its timekeeper. */
#pragma once
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

/*
 * CLOCK_REALTIME minus CLOCK_MONOTONIC in the guest, as it believes now: what to add to a time since its boot, in ns.
 * -EAGAIN: its clock is not set up yet, or this is a kernel whose timekeeper lies elsewhere; errors of reading.
 */
int guest_wall_offset(const struct guest_kernel *kernel, int64_t *offset_ns);
