/* SPDX-License-Identifier: MIT */
/* The words of a kernel's command line that let its own ftrace begin with the kernel's first events. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"

/*
 * `events` as -e has it ("" or NULL: RECORDER_EVENTS): groups of ours, initcall, shutdown, function, function_graph, and
 * systems, events or SYSTEM:EVENT of tracefs. Who runs is always traced, unless taken out by '!'. `ring_bytes`: of each
 * CPU's ring; 0: 4 MiB. The text is the caller's to free; NULL: out of memory. Unknown words the guest's kernel ignores,
 * and the recorder tells.
 */
char *ftrace_boot_words(const char *events, uint64_t ring_bytes);

/* What a recorder of channel ftrace is to select then; to be freed. NULL: out of memory. */
char *ftrace_boot_selection(const char *events);
