/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/event_choices.h"

const struct event_choice event_choices[] = {
#define U(name, bits)
#define S(name, bits)
#define X(name, bits)
#define C(name)
#define T(name)
#define B(name)
#define HT_EVENT(number, event, of_group, fields) {.name = #event, .group = #of_group, .id = number},
#include "abi/events.def"
#undef U
#undef S
#undef X
#undef C
#undef T
#undef B
        {0},
};
