/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* CLOCK_MONOTONIC when a process started, to a tick of USER_HZ (10 ms); 0: not known. (proc(5), starttime) */
int64_t process_start_ns(pid_t pid);
