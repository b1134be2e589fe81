/* SPDX-License-Identifier: MIT */
/* Kernel messages (printk:console) and the longest times that passed before one came. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_GAPS_MAX   64
#define MESSAGE_TEXT_BYTES 160

struct message_gap {
	uint64_t at_ns, gap_ns; /* the message came at at_ns, gap_ns after the one before */
	uint32_t bytes;
	char text[MESSAGE_TEXT_BYTES]; /* raw, cut off if need be, no NUL, no line end */
};

struct message_gaps {
	struct message_gap items[MESSAGE_GAPS_MAX]; /* the longest first */
	uint32_t nr_items;
	uint64_t count; /* of messages */
	uint64_t last_ns;
};

/* `text` is foreign. Starts as { 0 }. */
void message_gaps_add(struct message_gaps *gaps, uint64_t at_ns, const void *text, uint32_t bytes);

/* Events were lost, and maybe messages: no gap spans that. */
void message_gaps_lost(struct message_gaps *gaps);
