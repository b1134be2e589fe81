/* SPDX-License-Identifier: MIT */
#include "lib/analysis/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int notes_init(struct notes *notes, size_t limit)
{
	*notes = (struct notes){.limit = limit};
	notes->items = calloc(limit, sizeof(*notes->items));
	return notes->items ? 0 : -ENOMEM;
}

void notes_deinit(struct notes *notes)
{
	for (size_t i = 0; i < notes->kept; i++)
		free(notes->items[i]);
	free(notes->items);
	*notes = (struct notes){0};
}

void notes_add(struct notes *notes, uint64_t at_ns, uint32_t cpu, uint32_t pid, uint32_t reason,
	const void *text, uint32_t bytes)
{
	struct note *note;

	notes->count++;
	note = notes->kept < notes->limit ? malloc(sizeof(*note)) : NULL;
	if (!note)
		return;
	*note = (struct note){.at_ns = at_ns, .cpu = cpu, .pid = pid, .reason = reason};
	note->bytes = bytes < NOTE_TEXT_BYTES ? bytes : NOTE_TEXT_BYTES;
	memcpy(note->text, text, note->bytes);
	notes->items[notes->kept++] = note;
}
