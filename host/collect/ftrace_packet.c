/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/ctf_layout.h"
#include "lib/model/record.h"

#define PACKET_BYTES  (64u << 10) /* full from here on */
#define COMM_BYTES    16
/* with the two that may stand before it */
#define RECORD_MAX    (3 * RECORD_LONG_BYTES + 2 * sizeof(uint32_t) + COMM_BYTES + FTRACE_PAYLOAD_MAX)
#define SLACK_BYTES   32 /* the encoder's and ctf_stream_write()'s */
#define TIME_MAX      (UINT64_C(1) << 62) /* what readers take for a time */

int ftrace_packet_init(struct ftrace_packet *packet)
{
	*packet = (struct ftrace_packet){
		.buffer = malloc(sizeof(struct ctf_packet_header) + PACKET_BYTES + RECORD_MAX + SLACK_BYTES)};
	return packet->buffer ? 0 : -ENOMEM;
}

bool ftrace_packet_is_full(const struct ftrace_packet *packet)
{
	return packet->bytes >= PACKET_BYTES;
}

void ftrace_packet_clear(struct ftrace_packet *packet)
{
	packet->bytes = packet->events = packet->helpers = 0;
}

static bool is_short(const struct ftrace_packet *packet, uint32_t id, uint64_t time)
{
	return id < RECORD_ID_LONG && time - packet->time <= RECORD_TIME_MASK;
}

static uint8_t *put_header(struct ftrace_packet *packet, uint32_t id, uint64_t time)
{
	uint8_t *at = packet->buffer + sizeof(struct ctf_packet_header) + packet->bytes;
	uint32_t head;

	if (is_short(packet, id, time)) {
		head = id | (uint32_t)((time & RECORD_TIME_MASK) << RECORD_TIME_SHIFT);
		memcpy(at, &head, sizeof(head));
		packet->bytes += RECORD_SHORT_BYTES;
		at += RECORD_SHORT_BYTES;
	} else {
		head = RECORD_ID_LONG | id << RECORD_TIME_SHIFT;
		memcpy(at, &head, sizeof(head));
		memcpy(at + sizeof(head), &time, sizeof(time));
		packet->bytes += RECORD_LONG_BYTES;
		at += RECORD_LONG_BYTES;
	}
	packet->time = time;
	packet->events++;
	return at;
}

/* Who runs at a record, and when. */
static uint64_t begin_record(struct ftrace_packet *packet, const struct ftrace_record *record)
{
	uint64_t time = record->time < TIME_MAX ? record->time : TIME_MAX;
	const uint32_t pid = (uint32_t)record->pid;
	uint8_t *at;

	/* the guest's ring does not go back in time; what does is not worth a broken trace */
	if (time < packet->time)
		time = packet->time;
	if (!packet->events) {
		packet->begin = packet->time = time;
		packet->begin_pid = packet->pid = pid;
	}
	if (pid != packet->pid) {
		at = put_header(packet, FTRACE_ID_CURRENT, time);
		memcpy(at, &pid, sizeof(pid));
		packet->bytes += sizeof(pid);
		packet->helpers++;
		packet->pid = pid;
	}
	return time;
}

void ftrace_packet_add_comm(
	struct ftrace_packet *packet, const struct ftrace_record *record, uint32_t pid, const uint8_t comm[16])
{
	uint64_t time = begin_record(packet, record);
	uint8_t *at = put_header(packet, FTRACE_ID_COMM, time);

	memcpy(at, &pid, sizeof(pid));
	memcpy(at + sizeof(pid), comm, COMM_BYTES);
	packet->bytes += sizeof(pid) + COMM_BYTES;
	packet->helpers++;
}

const uint8_t *ftrace_packet_add(
	struct ftrace_packet *packet, const struct ftrace_plan *plan, const struct ftrace_record *record)
{
	uint64_t time = begin_record(packet, record);
	uint32_t bytes;
	uint8_t *at;

	/* which layout it takes decides the header */
	at = packet->buffer + sizeof(struct ctf_packet_header) + packet->bytes + RECORD_SHORT_BYTES;
	bytes = ftrace_plan_encode(&plan, record, at);
	if (!is_short(packet, plan->id, time))
		memmove(at + RECORD_LONG_BYTES - RECORD_SHORT_BYTES, at, bytes);
	at = put_header(packet, plan->id, time);
	packet->bytes += bytes;
	return at;
}
