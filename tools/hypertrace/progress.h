/* SPDX-License-Identifier: MIT */
#pragma once

/* Says on stderr, on a terminal only, what takes long. */
void show_progress(const char *text);
