/* SPDX-License-Identifier: MIT */
/* Records of a guest's log as `hypertrace dmesg` shows them: text, or JSON. */
#pragma once
#include "host/kernel/printk_ring.h"
#include "lib/base/strbuf.h"

struct log_lines {
	bool json, decode, utc, colour;
	uint32_t levels;        /* bit set of those to show */
	bool has_wall;          /* wall_offset_ns is known */
	int64_t wall_offset_ns; /* from the log's time to CLOCK_REALTIME */
};

/* "err", "warn,notice", "err+" (and more severe): into a bit set. -EINVAL, with a hint. */
int log_lines_parse_levels(const char *list, uint32_t *levels, struct error *error);

static inline bool log_lines_wants(const struct log_lines *lines, const struct printk_record *record)
{
	return lines->levels >> (record->level & 31) & 1;
}

/* One line for each of the record's, each with its prefix; of JSON one object without a line's end. */
void log_lines_append(const struct log_lines *lines, const struct printk_record *record, struct strbuf *out);
