/* SPDX-License-Identifier: MIT */
#include "host/collect/hypercall_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/hypercall.h"

int hypercall_marks_init(struct hypercall_marks *marks)
{
	*marks = (struct hypercall_marks){
		.waiting = calloc(HYPERCALL_MARKS_MAX, sizeof(struct hypercall_mark))};
	return marks->waiting ? 0 : -ENOMEM;
}

void hypercall_marks_deinit(struct hypercall_marks *marks)
{
	free(marks->waiting);
	marks->waiting = NULL;
	marks->count = 0;
}

bool hypercall_marks_put(struct hypercall_marks *marks, const struct hypercall_mark *mark)
{
	if (marks->count == HYPERCALL_MARKS_MAX) {
		marks->dropped++;
		return false;
	}
	marks->waiting[(marks->first + marks->count++) % HYPERCALL_MARKS_MAX] = *mark;
	return true;
}

/* The text that this thread has begun, or room for one: in place of the oldest. */
static struct hypercall_mark *find_text(struct hypercall_marks *marks, const struct hypercall_record *record)
{
	struct hypercall_mark *text;

	for (unsigned i = 0; i < HYPERCALL_TEXTS; i++)
		if (marks->texts[i].tid == record->tid)
			return &marks->texts[i];
	text = &marks->texts[marks->next_text++ % HYPERCALL_TEXTS];
	if (text->tid)
		marks->dropped++;
	*text = (struct hypercall_mark){
		.host_ns = (int64_t)record->host_ns, .tid = record->tid, .is_text = true};
	return text;
}

static void take_text(struct hypercall_marks *marks, const struct hypercall_record *record)
{
	struct hypercall_mark *text = find_text(marks, record);
	uint32_t bytes = HT_TEXT_BYTES(record->args[0]), room = HYPERCALL_TEXT_BYTES - text->bytes;

	bytes = bytes < HT_TEXT_MAX_BYTES ? bytes : HT_TEXT_MAX_BYTES;
	bytes = bytes < room ? bytes : room;
	memcpy(text->text + text->bytes, &record->args[1], bytes);
	text->bytes += bytes;
	text->of_stage = record->args[0] & HT_TEXT_STAGE;
	if (record->args[0] & HT_TEXT_MORE)
		return;
	if (text->of_stage)
		marks->stage = *text;
	else
		hypercall_marks_put(marks, text);
	text->tid = 0;
}

void hypercall_marks_take(struct hypercall_marks *marks, const struct hypercall_record *record)
{
	struct hypercall_mark mark = {.host_ns = (int64_t)record->host_ns, .tid = record->tid};

	if (record->number == HT_HYPERCALL_TEXT) {
		take_text(marks, record);
		return;
	}
	memcpy(mark.values, record->args, sizeof(mark.values));
	hypercall_marks_put(marks, &mark);
}

const struct hypercall_mark *hypercall_marks_oldest(const struct hypercall_marks *marks)
{
	return marks->count ? &marks->waiting[marks->first] : NULL;
}

void hypercall_marks_drop_oldest(struct hypercall_marks *marks)
{
	marks->first = (marks->first + 1) % HYPERCALL_MARKS_MAX;
	marks->count--;
}
