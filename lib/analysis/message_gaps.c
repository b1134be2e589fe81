/* SPDX-License-Identifier: MIT */
#include "lib/analysis/message_gaps.h"

#include <string.h>

static uint32_t trimmed(const char *text, uint32_t bytes)
{
	while (bytes && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r' || !text[bytes - 1]))
		bytes--;
	return bytes < MESSAGE_TEXT_BYTES ? bytes : MESSAGE_TEXT_BYTES;
}

void message_gaps_add(struct message_gaps *gaps, uint64_t at_ns, const void *text, uint32_t bytes)
{
	uint64_t gap_ns = gaps->last_ns && at_ns > gaps->last_ns ? at_ns - gaps->last_ns : 0;
	uint32_t at = gaps->nr_items;
	struct message_gap *item;

	gaps->count++;
	gaps->last_ns = at_ns;
	while (at && gaps->items[at - 1].gap_ns < gap_ns)
		at--;
	if (!gap_ns || at == MESSAGE_GAPS_MAX)
		return;
	if (gaps->nr_items < MESSAGE_GAPS_MAX)
		gaps->nr_items++;
	item = &gaps->items[at];
	memmove(item + 1, item, (gaps->nr_items - 1 - at) * sizeof(*item));
	*item = (struct message_gap){.at_ns = at_ns, .gap_ns = gap_ns, .bytes = trimmed(text, bytes)};
	memcpy(item->text, text, item->bytes);
}

void message_gaps_lost(struct message_gaps *gaps)
{
	gaps->last_ns = 0;
}
