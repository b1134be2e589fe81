/* SPDX-License-Identifier: MIT */
/*
 * One machine's directory in a trace while it is recorded, whatever the channel: its streams, metadata, names, and its
 * entry in the trace's description.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/names_writer.h"
#include "lib/model/event_schema.h"
#include "lib/writer/ctf_stream.h"
#include "lib/writer/trace_dir.h"

/* What all machines of a recorder share. */
struct vcpu_exits;

struct recorder_common {
	struct trace_dir dir;
	struct trace_info info;
	struct event_schema *names_schema; /* of the names ring; what every machine's names_writer knows */
	/* as given, for the trace's description */
	char *events, *filter, *functions;
	void (*notice)(void *context, const char *text);
	void *context;
	struct vcpu_exits *exits; /* the host's, for its guests; NULL: it is not recorded */
	bool disk_full;           /* said so; nothing more is written */
	bool quiet_faults;        /* whoever ends this shows the first error: no notice of it before */
	int error;                /* the first error that left the trace incomplete */
	char error_text[ERROR_TEXT_BYTES], error_hint[ERROR_HINT_BYTES];
};

/* Formats and escapes nothing: the caller has escaped what is foreign. */
void recorder_notice(struct recorder_common *common, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Remembers the first error, and says it unless faults are quiet. */
void recorder_fault(struct recorder_common *common, const struct error *error);

struct machine_stream {
	struct ctf_stream stream;
	bool exists; /* its file: made for its first packet */
};

struct machine_output {
	struct recorder_common *common;
	const struct event_schema *schema;
	size_t info_index; /* in common->info.machines */
	int dir_fd;        /* -1: not begun */
	uint8_t uuid[16];
	struct machine_stream *streams; /* by CPU */
	uint32_t nr_cpus;
	struct names_writer names;
	struct clock_point fallback; /* from the first packet; bound_ns 0: none yet */
};

/*
 * Begins the machine that `info` describes: its name, its kernel, its configuration; what the recorder was asked for is
 * filled in. `schema` must outlive it, and may grow before machine_output_describe(). After an error
 * machine_output_deinit() is still to be called.
 */
int machine_output_init(struct machine_output *output, struct recorder_common *common,
	const struct trace_machine_info *info, const struct event_schema *schema, struct error *error);
void machine_output_deinit(struct machine_output *output);

/* Until the next machine begins. */
struct trace_machine_info *machine_output_info(const struct machine_output *output);

/* Times in a packet, in TSC units. */
struct machine_packet {
	uint8_t *buffer; /* as ctf_stream_write() wants it */
	uint32_t bytes, events;
	uint64_t begin, end;
	uint64_t lost;        /* so far in this stream */
	uint32_t current_pid; /* at `begin` */
};

/* Writes one packet of a CPU's stream. -ENOSPC and others: said, and from then on nothing more is written. */
int machine_output_write(struct machine_output *output, uint32_t cpu, const struct machine_packet *packet);

/* Metadata and description once more, with what is known by now. A full disk keeps the old ones. */
void machine_output_describe(struct machine_output *output);

/* A point of both clocks. */
void machine_output_add_point(struct machine_output *output, struct clock_point point);

/* The last description; `message` is raw. */
void machine_output_end(struct machine_output *output, const char *end_state, const char *message);
