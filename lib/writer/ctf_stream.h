/* SPDX-License-Identifier: MIT */
/*
 * One stream file of a CTF 1.8 trace: packets of records of one vCPU, in time order. A packet is written by
 * one write(), so that a killed program leaves whole packets; a packet that did not fit on the disk is cut
 * off again.
 */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/ctf_layout.h"

struct ctf_stream {
	int fd;
	uint32_t cpu_id;
	uint8_t uuid[16];
	uint64_t packets;  /* written */
	uint64_t bytes;    /* written */
	uint64_t reserved; /* the disk has room for the file up to here; UINT64_MAX: it cannot be asked */
	uint64_t last_end_tsc;
};

/* Creates DIR/cpuN. */
int ctf_stream_init(
	struct ctf_stream *stream, int dir_fd, uint32_t cpu, const uint8_t uuid[16], struct error *error);
void ctf_stream_deinit(struct ctf_stream *stream);

/*
 * Writes one packet. `buffer` begins with sizeof(struct ctf_packet_header) free bytes, then `bytes` of
 * records, then at least 16 writable bytes (zeroed here for the padding). Returns 0, or -ENOSPC and the like:
 * then the file is as it was before, and a later call may succeed.
 */
int ctf_stream_write(struct ctf_stream *stream, uint8_t *buffer, uint32_t bytes, uint32_t events,
	uint64_t begin_tsc, uint64_t end_tsc, uint64_t lost, uint32_t current_pid, struct error *error);
