/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is LLVMFuzzerTestOneInput(), for libFuzzer or for fuzz_main.c, which needs no other compiler:
 *
 *   fuzz_NAME [--seconds N] [--seed N] [FILE…]
 *
 * runs the files, then mutations of them and of the target's own seeds until the time is over. A crash, a
 * sanitizer's finding or abort() is the failure; the input is then in fuzz-NAME.crash of the working
 * directory.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target's name, and valid inputs to begin with: index 0, 1, …; 0 bytes: no more. `data` is static or leaked. */
extern const char fuzz_name[];
size_t fuzz_seed(size_t index, const uint8_t **data);
