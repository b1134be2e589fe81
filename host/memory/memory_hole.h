/* SPDX-License-Identifier: MIT */
/* Where the RAM of a PC stops below 4 GiB, to go on from there. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/*
 * By the VMM's command line, NUL-separated: where the hole of a guest with `total` bytes of RAM begins. 0: there is
 * none, or it does not say.
 */
uint64_t memory_hole_guess(const char *command_line, size_t bytes, uint64_t total);
