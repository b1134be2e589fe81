/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_survey.h"

#include <errno.h>

#include "host/collect/ftrace_batch.h"
#include "host/collect/ftrace_page.h"

#define TRIES      16 /* of a guest that runs */
#define PAGES_MAX  (1u << 24)
#define LATE_PAGES 64 /* so often it is looked whether it is late */

/* What the guest's readers took of the reader page. */
static int count_taken(const struct ftrace_layout *layout, struct ftrace_memory *memory,
	const struct ftrace_page_link *reader, uint64_t *taken)
{
	int code = 0;

	*taken = 0;
	if (!reader->read)
		return 0;
	if (reader->read > reader->data_bytes)
		return -EINVAL;
	code = ftrace_memory_reserve(memory, reader->read);
	if (!code)
		code = ftrace_memory_read(
			memory, reader->data + layout->header_bytes, memory->scratch, reader->read);
	if (!code)
		*taken = ftrace_page_count(memory->scratch, (uint32_t)reader->read);
	return code;
}

static bool is_head(const struct ftrace_page_link *before, bool impatient)
{
	return before->flags == FTRACE_LINK_HEAD || (impatient && before->flags);
}

/*
 * The page whose predecessor says so: mostly where head_page says, or behind the page that is written. -EAGAIN: the
 * writer is moving it.
 */
static int find_head(const struct ftrace_layout *layout, const struct ftrace_memory *memory,
	const struct ftrace_look *look, bool impatient, uint64_t *head)
{
	const uint64_t most = look->nr_pages < PAGES_MAX ? look->nr_pages : PAGES_MAX;
	struct ftrace_page_link link;
	int code = ftrace_layout_link(layout, look->tail_page, &link);

	if (code)
		return code;
	if (is_head(&link, impatient)) {
		*head = link.next;
		return 0;
	}
	code = ftrace_layout_link(layout, look->head_page, &link);
	if (!code)
		code = ftrace_layout_link(layout, link.prev, &link);
	for (uint64_t i = 0; !code && i <= most; i++) {
		if (is_head(&link, impatient)) {
			*head = link.next;
			return 0;
		}
		if (i % LATE_PAGES == 0 && ftrace_memory_is_late(memory))
			return -EAGAIN;
		code = ftrace_layout_link(layout, link.next, &link);
	}
	return code ? code : -EAGAIN;
}

static int take_once(struct ftrace_survey *survey, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, uint64_t ring, bool impatient)
{
	const struct ftrace_look *look = &survey->look;
	struct ftrace_page_link reader;
	uint64_t taken;
	int code = ftrace_layout_look(layout, ring, &survey->look);

	if (code)
		return code;
	if (!look->nr_pages || !look->reader_page || !look->tail_page)
		return -EINVAL;
	if (look->reader_lock && !impatient)
		return -EAGAIN;
	code = ftrace_layout_link(layout, look->reader_page, &reader);
	if (!code)
		code = count_taken(layout, memory, &reader, &taken);
	if (code)
		return code;
	survey->reader = (struct ftrace_place){look->reader_page, look->last_overrun + look->read - taken};
	survey->reader_entries = reader.entries;
	survey->data_bytes = reader.data_bytes;
	survey->reader_is_commit = look->reader_page == look->commit_page;
	survey->head = (struct ftrace_place){0};
	if (survey->reader_is_commit)
		return 0;
	survey->head.start = look->overrun - look->last_overrun + survey->reader.start + reader.entries;
	return find_head(layout, memory, look, impatient, &survey->head.page);
}

static bool is_same(const struct ftrace_look *one, const struct ftrace_look *other)
{
	return one->reader_page == other->reader_page && one->pages_read == other->pages_read &&
		one->read == other->read && one->last_overrun == other->last_overrun &&
		one->overrun == other->overrun && one->nr_pages == other->nr_pages &&
		(one->reader_page == one->commit_page) == (other->reader_page == other->commit_page) &&
		one->entries <= other->entries;
}

int ftrace_survey_take(struct ftrace_survey *survey, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, uint64_t ring, bool impatient)
{
	const int tries = layout->kernel->memory->is_live ? TRIES : 1;
	int code = -EAGAIN;

	for (int i = 0; i < tries; i++) {
		struct ftrace_look after;

		if (i && ftrace_memory_is_late(memory))
			return -EAGAIN;
		code = take_once(survey, layout, memory, ring, impatient);
		if (code && code != -EAGAIN && code != -EINVAL && code != -EFAULT)
			return code;
		if (code)
			continue;
		code = ftrace_layout_look(layout, ring, &after);
		if (code)
			return code;
		if (is_same(&survey->look, &after) && (impatient || !after.reader_lock))
			return 0;
		code = -EAGAIN;
	}
	return code;
}

/* Did the writer leave this page alone so far, and the guest's readers all? */
static int check_walk(const struct ftrace_survey *survey, const struct ftrace_layout *layout, uint64_t ring,
	const struct ftrace_place *place)
{
	const struct ftrace_look *before = &survey->look;
	struct ftrace_look after;
	int code = ftrace_layout_look(layout, ring, &after);

	if (code)
		return code;
	if (after.pages_read != before->pages_read || after.reader_page != before->reader_page ||
		after.overrun < before->overrun ||
		(int64_t)(place->start - survey->head.start - (after.overrun - before->overrun)) < 0)
		return -EAGAIN;
	return 0;
}

int ftrace_survey_walk(const struct ftrace_survey *survey, const struct ftrace_layout *layout,
	const struct ftrace_memory *memory, uint64_t ring, uint64_t position, uint64_t skip,
	struct ftrace_place *place)
{
	const uint64_t most = survey->look.nr_pages < PAGES_MAX ? survey->look.nr_pages : PAGES_MAX;
	const uint64_t last = survey->look.commit_page;
	uint64_t passed = 0;

	*place = survey->head;
	while (passed <= most && place->page != last) {
		struct ftrace_batch batch;
		int code = ftrace_memory_is_late(memory)
			? -EAGAIN
			: ftrace_batch_find(&batch, layout, *place, last, FTRACE_BATCH_PAGES);

		/* if the first was in its place until now, so were all: the writer takes them one after the other */
		if (!code)
			code = check_walk(survey, layout, ring, place);
		if (code)
			return code;
		for (unsigned i = 0; i < batch.count; i++) {
			const struct ftrace_page_link *link = &batch.pages[i].link;

			if (passed >= skip && (int64_t)(position - place->start - link->entries) < 0)
				return 0;
			*place = (struct ftrace_place){link->next, place->start + link->entries};
			passed++;
		}
	}
	return place->page == last ? check_walk(survey, layout, ring, place) : -ELOOP;
}
