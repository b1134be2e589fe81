/* SPDX-License-Identifier: MIT */
/* Where `run` and `record` put a trace. */
#pragma once
#include "lib/base/error.h"

#define OUTPUT_DEFAULT "hypertrace.data"

/*
 * Returns `given`, or where it is NULL OUTPUT_DEFAULT; a trace that lies there from before is moved to
 * OUTPUT_DEFAULT ".old", as perf does. NULL: it could not be moved, or is no trace.
 */
const char *output_directory(const char *given, struct error *error);
