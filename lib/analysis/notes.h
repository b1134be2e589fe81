/* SPDX-License-Identifier: MIT */
/* Texts in a trace, with time and task: markers, last words. The first ones are kept, all are counted. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define NOTE_TEXT_BYTES 512

struct note {
	uint64_t at_ns;
	uint32_t cpu, pid;
	uint32_t reason; /* of last words; else 0 */
	uint32_t bytes;
	char text[NOTE_TEXT_BYTES]; /* raw, cut off if need be, no NUL */
};

struct notes {
	struct note **items;
	size_t kept, limit;
	uint64_t count;
};

/* -ENOMEM; good for notes_deinit() all the same. */
int notes_init(struct notes *notes, size_t limit);
void notes_deinit(struct notes *notes);

/* `text` is foreign; bytes beyond NOTE_TEXT_BYTES are dropped. */
void notes_add(struct notes *notes, uint64_t at_ns, uint32_t cpu, uint32_t pid, uint32_t reason,
	const void *text, uint32_t bytes);
