/* SPDX-License-Identifier: MIT */
/* One CPU's next packet while it is filled with records of its ftrace ring. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/ftrace_plan.h"

struct ftrace_packet {
	uint8_t *buffer; /* room for the packet's header, records, and what ctf_stream_write() wants behind them */
	uint32_t bytes;  /* of records */
	uint32_t events, helpers; /* helpers: of these, EVENT_CURRENT_TASK and EVENT_TASK_COMM */
	uint64_t begin, time;     /* of its first and of the last record; `time` stays over packets */
	uint32_t begin_pid;
	uint32_t pid;        /* the task that runs, as a reader of the trace knows it by now */
	uint64_t lost;       /* in this stream so far */
	uint64_t recorded;   /* events on disk */
	uint64_t unwritten;  /* the disk was full */
	uint64_t damaged;    /* shorter than their type */
	uint64_t skipped;    /* not selected */
};

/* -ENOMEM. */
int ftrace_packet_init(struct ftrace_packet *packet);

/* Is there no room for any record? */
bool ftrace_packet_is_full(const struct ftrace_packet *packet);

/* Appends a record, and before it who runs, if that is news. Returns its payload, until the next call. */
const uint8_t *ftrace_packet_add(
	struct ftrace_packet *packet, const struct ftrace_plan *plan, const struct ftrace_record *record);

/* Says what a task is called, at the time of the record that follows. */
void ftrace_packet_add_comm(
	struct ftrace_packet *packet, const struct ftrace_record *record, uint32_t pid, const uint8_t comm[16]);

/* Empty again. */
void ftrace_packet_clear(struct ftrace_packet *packet);
