/* SPDX-License-Identifier: MIT */
/* Which records of a packet are visible, seen in the shared memory itself: decides how much is worth copying. */
#pragma once
#include <stdint.h>
#include "host/collect/ring_walk.h"

/*
 * `packet` points at shared memory. Returns where the first record that is not visible (or not understood)
 * begins, as an offset into the packet, starting at `from` and ending at `limit`, which lies within the
 * packet. All bytes before what it returns may be copied: their records were whole when it looked.
 */
uint32_t ring_scan(const struct ring_walk_table *table, const uint8_t *packet, uint32_t from, uint32_t limit);
