/* SPDX-License-Identifier: MIT */
/*
 * Marks and text that a guest said by hypercalls (abi/hypercall.h), in their order, until a machine takes them: whoever says
 * them may be any program of the guest, so their number is bounded.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/hypercall.h"
#include "host/bpf/hypercall.h"

#define HYPERCALL_MARKS_MAX  256
#define HYPERCALL_TEXT_BYTES HT_TEXT_MAX_TOTAL
#define HYPERCALL_TEXTS      8 /* that are being put together */

struct hypercall_mark {
	int64_t host_ns;
	uint32_t tid;           /* of the vCPU */
	bool is_text, of_stage; /* of_stage: the message of a STAGE that follows */
	uint64_t values[4];     /* of a mark: its number and three values */
	uint32_t bytes;         /* of text, raw */
	char text[HYPERCALL_TEXT_BYTES];
};

struct hypercall_marks {
	struct hypercall_mark *waiting; /* heap: HYPERCALL_MARKS_MAX of them, a ring */
	size_t first, count;
	uint64_t dropped;
	struct hypercall_mark texts[HYPERCALL_TEXTS]; /* tid 0: free */
	unsigned next_text;
	struct hypercall_mark stage; /* the last message of a STAGE; tid 0: none */
};

/* -ENOMEM. */
int hypercall_marks_init(struct hypercall_marks *marks);
void hypercall_marks_deinit(struct hypercall_marks *marks);

/* Takes a MARK or a TEXT; what finds no room is counted. */
void hypercall_marks_take(struct hypercall_marks *marks, const struct hypercall_record *record);

/* One more. False: there is no room. */
bool hypercall_marks_put(struct hypercall_marks *marks, const struct hypercall_mark *mark);

/* The oldest that waits, or NULL. */
const struct hypercall_mark *hypercall_marks_oldest(const struct hypercall_marks *marks);
void hypercall_marks_drop_oldest(struct hypercall_marks *marks);
