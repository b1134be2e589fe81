/* SPDX-License-Identifier: MIT */
/*
 * Reads back what lib/writer/ctf_metadata.c writes: not all of TSDL, but all of that, and every deviation is
 * an error.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/event_schema.h"
#include "lib/model/trace_info.h"

#define CTF_METADATA_LIMIT (16u << 20) /* bytes */

struct ctf_description {
	uint8_t uuid[16];
	struct event_schema *schema; /* the caller's to destroy */
	uint64_t clock_hz, offset_cycles, precision_cycles;
	int64_t offset_s;
	struct trace_machine_info env; /* hostname, release, version, channel, name */
};

/*
 * `text` need not end with a NUL. -EINVAL: "line N: …" says what is wrong; -ENOTSUP: CTF of another program;
 * -ENOMEM. On error nothing is kept.
 */
int ctf_metadata_parse(
	struct ctf_description *description, const char *text, size_t bytes, struct error *error);
