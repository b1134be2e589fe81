/* SPDX-License-Identifier: MIT */
/* Where one stage of a shutdown ends and the next begins; part of shutdown.c. */
#pragma once
#include "lib/analysis/shutdown.h"

void shutdown_stages_make(struct shutdown *shutdown);
