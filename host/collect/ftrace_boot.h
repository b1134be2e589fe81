/* SPDX-License-Identifier: MIT */
/* The words of a kernel's command line that let its own ftrace begin with the kernel's first events. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"

#define FTRACE_BOOT_PATTERNS_MAX 1024u /* bytes of -F: a kernel's command line has 2048 for everything */

struct ftrace_boot_wishes {
	/*
	 * As -e has it: groups of ours, initcall, shutdown, function, function_graph, and systems, events or
	 * SYSTEM:EVENT of tracefs. "" or NULL: RECORDER_EVENTS, or with `functions` initcall. Who runs is always traced,
	 * unless taken out by '!'.
	 */
	const char *events;
	/* As -F has it: the kernel's glob patterns of functions, '!' takes out; "*": all that can be traced; NULL: none */
	const char *functions;
	bool graph;          /* with their returns: function_graph instead of function */
	uint64_t ring_bytes; /* of each CPU's ring; 0: 4 MiB, with functions 16 MiB */
};

/* -EINVAL: a pattern that no command line can carry; -E2BIG: too many of them. */
int ftrace_boot_check(const struct ftrace_boot_wishes *wishes, struct error *error);

/*
 * The text is the caller's to free; NULL: out of memory. Unknown words the guest's kernel ignores, and the recorder
 * tells.
 */
char *ftrace_boot_words(const struct ftrace_boot_wishes *wishes);

/* What a recorder of channel ftrace is to select then; to be freed. NULL: out of memory. */
char *ftrace_boot_selection(const struct ftrace_boot_wishes *wishes);
