/* SPDX-License-Identifier: MIT */
/* What the C type of an event's field, as ftrace has it as text, says of how the field lies in a record. */
#pragma once
#include "host/collect/ftrace_events.h"

/*
 * `type`: "unsigned long", "char[16]", "__data_loc char[]", "const char *", "struct foo", …; `bytes`: as the kernel
 * gives them, 0 for what goes up to the record's end.
 */
enum ftrace_field_kind ftrace_field_type_kind(const char *type, uint32_t bytes);
