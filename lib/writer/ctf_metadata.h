/* SPDX-License-Identifier: MIT */
/* The `metadata` file of one machine's CTF 1.8 trace, plain text. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/event_schema.h"

struct ctf_metadata {
	uint8_t uuid[16];
	const struct event_schema *schema;
	/* the clock: TSC value 0 is `offset_s` seconds and `offset_cycles` cycles after the Unix epoch */
	uint64_t clock_hz;
	int64_t offset_s;
	uint64_t offset_cycles;    /* below clock_hz */
	uint64_t precision_cycles; /* the error bound */
	uint64_t text_address;     /* of the kernel, run-time: what words of EVENT_FIELD_CODE count from */
	/* env: */
	const char *machine, *hostname, *release, *version, *channel, *program_version;
};

/* Writes or atomically replaces `metadata` in the directory. */
int ctf_metadata_write(const struct ctf_metadata *metadata, int dir_fd, struct error *error);
