/* SPDX-License-Identifier: MIT */
/* The last words of `run` and `record`: what was recorded, and what was lost, per cause. */
#pragma once
#include <stdio.h>
#include "lib/model/trace_info.h"

void show_recording_summary(const struct trace_info *info, const char *output, FILE *out);
