/* SPDX-License-Identifier: MIT */
/* What the text of `vcpu`, `exits` and `latency` has in common. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "tools/hypertrace/joint_feed.h"
#include "tools/hypertrace/text_put.h"

/* Which hosts and guests, how long, what was lost, what cannot be said for lack of which events. */
void joint_text_head(const struct joint_feed *feed, FILE *out, bool colour);

/* Events of a machine that were lost, by the recorder's counts. */
uint64_t joint_text_lost(const struct joint_feed *feed, uint32_t machine);
