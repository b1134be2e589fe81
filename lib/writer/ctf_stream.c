/* SPDX-License-Identifier: MIT */
#include "lib/writer/ctf_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"

#define RESERVE_FROM_BYTES (1u << 20)
#define RESERVE_BYTES      (8u << 20)

int ctf_stream_init(
	struct ctf_stream *stream, int dir_fd, uint32_t cpu, const uint8_t uuid[16], struct error *error)
{
	char name[32];

	*stream = (struct ctf_stream){.fd = -1, .cpu_id = cpu};
	memcpy(stream->uuid, uuid, sizeof(stream->uuid));
	snprintf(name, sizeof(name), "cpu%u", cpu);
	stream->fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (stream->fd < 0)
		return error_set(error, -errno, "create %s: %s", name, strerror(errno));
	return 0;
}

void ctf_stream_deinit(struct ctf_stream *stream)
{
	if (stream->fd >= 0) {
		if (stream->reserved && ftruncate(stream->fd, (off_t)stream->bytes) < 0)
			errno = 0; /* the room behind the end stays taken: no harm to what is written */
		close(stream->fd);
	}
	stream->fd = -1;
}

/*
 * Asks the file system for room in large steps, once a file has grown: a write into room that is there costs
 * half of one that must find it (bench record). The file's size does not change by it.
 */
static void reserve(struct ctf_stream *stream, uint64_t until)
{
	if (until <= stream->reserved || until < RESERVE_FROM_BYTES)
		return;
	stream->reserved = until + RESERVE_BYTES;
	if (fallocate(stream->fd, FALLOC_FL_KEEP_SIZE, (off_t)stream->bytes,
		    (off_t)(stream->reserved - stream->bytes)) < 0)
		stream->reserved = UINT64_MAX;
}

/* Takes back what was written of a packet that did not fit, so that the file ends with a whole one. */
static void cut_off(struct ctf_stream *stream)
{
	if (ftruncate(stream->fd, (off_t)stream->bytes) == 0)
		lseek(stream->fd, (off_t)stream->bytes, SEEK_SET);
	stream->reserved = UINT64_MAX; /* given back, and the disk is full */
}

int ctf_stream_write(struct ctf_stream *stream, uint8_t *buffer, uint32_t bytes, uint32_t events,
	uint64_t begin_tsc, uint64_t end_tsc, uint64_t lost, uint32_t current_pid, struct error *error)
{
	const uint64_t content = sizeof(struct ctf_packet_header) + (uint64_t)bytes;
	const uint64_t whole =
		(content + CTF_PADDING_BYTES + 7) & ~7ull; /* packets stay 8-byte aligned in the file */
	struct ctf_packet_header header = {
		.magic = CTF_MAGIC,
		.timestamp_begin = begin_tsc,
		.timestamp_end = end_tsc,
		.content_size = content * 8,
		.packet_size = whole * 8,
		.packet_seq_num = stream->packets,
		.events_discarded = lost,
		.cpu_id = stream->cpu_id,
		.current_pid = current_pid,
		.events = events,
	};
	int code;

	if (end_tsc < begin_tsc || begin_tsc < stream->last_end_tsc)
		return error_set(error, -EINVAL, "cpu%u: a packet goes back in time", stream->cpu_id);
	memcpy(header.uuid, stream->uuid, sizeof(header.uuid));
	memcpy(buffer, &header, sizeof(header));
	memset(buffer + content, 0, whole - content);
	reserve(stream, stream->bytes + whole);
	code = file_write_all(stream->fd, buffer, whole, error);
	if (code) {
		cut_off(stream);
		error_add(error, "cpu%u", stream->cpu_id);
		return code;
	}
	stream->packets++;
	stream->bytes += whole;
	stream->last_end_tsc = end_tsc;
	return 0;
}
