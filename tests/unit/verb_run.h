/* SPDX-License-Identifier: MIT */
/* The program run as a user runs it: what it says, and its exit status. It is found in $HYPERTRACE; without, skipped. */
#pragma once
#include "lib/base/strbuf.h"

/* Runs `hypertrace ARGUMENTS` in a directory, both outputs together appended to `out`; returns the exit status. */
int verb_run(const char *directory, const char *arguments, struct strbuf *out);

/* Fails unless it says exactly, or among other things, that, and exits so. */
void verb_expect(const char *directory, const char *arguments, int status, const char *text);
void verb_contains(const char *directory, const char *arguments, int status, const char *text);
