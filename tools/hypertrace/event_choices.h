/* SPDX-License-Identifier: MIT */
/* What -e may name: the events of abi/events.def and their groups. */
#pragma once
#include "lib/filter/event_selection.h"

extern const struct event_choice event_choices[]; /* ends with { 0 } */
