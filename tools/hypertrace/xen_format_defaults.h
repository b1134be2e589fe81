/* SPDX-License-Identifier: MIT */
/* Rules for all events that are known: a file of rules to begin with. */
#pragma once
#include <stdio.h>

void xen_format_print_defaults(FILE *out);
