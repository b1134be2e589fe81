/* SPDX-License-Identifier: MIT */
/*
 * Events of any channel in one form: a kernel event as such (kernel_event.h), or as a generic tracepoint of the shm
 * channel, whose fields are found through the tracefs format that was recorded beside the trace.
 */
#pragma once
#include "lib/analysis/kernel_event.h"
#include "lib/base/hash_map.h"
#include "lib/model/names.h"

struct decoded_event {
	enum kernel_event_kind kind;
	uint64_t values[KERNEL_EVENT_VALUES]; /* 0: not there */
	const uint8_t *text;                  /* of the payload, raw; a comm's 16 bytes; NULL: none */
	uint32_t text_bytes;
};

struct event_decoder {
	struct kernel_events kernel;
	struct hash_map generic; /* number of a generic tracepoint -> struct generic_layout * */
	const struct names *names;
};

/* `names` may be NULL, else it must live as long. `lost_type`: see kernel_events_init(). */
void event_decoder_init(struct event_decoder *decoder, const struct event_schema *schema,
	const struct event_type *lost_type, const struct names *names);
void event_decoder_deinit(struct event_decoder *decoder);

/* What the analyses need not know is KERNEL_EVENT_OTHER. */
void event_decoder_read(struct event_decoder *decoder, const struct event_type *type, const uint8_t *payload,
	struct decoded_event *event);
