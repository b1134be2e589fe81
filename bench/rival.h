/* SPDX-License-Identifier: MIT */
/* Another program (or this one, as a user runs it) with its output thrown away, and the CPU time that it took. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"

/*
 * argv as execvp() takes it. *cpu_ns: user and system time of the program. -EIO: it failed, and its first
 * words why.
 */
int rival_run(const char *const *argv, uint64_t *cpu_ns, struct error *error);
