/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

/* Says on stderr, on a terminal only, what takes long. */
void show_progress(const char *text);

/*
 * The same in one line that is written again and again: `done` of `all`, 0: it is not known how many. Cheap to call a
 * hundred times a second. NULL: it is over, the line is taken away.
 */
void show_progress_part(const char *text, uint64_t done, uint64_t all);
