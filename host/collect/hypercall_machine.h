/* SPDX-License-Identifier: MIT */
/* One machine directory of a trace while it is recorded: a guest of channel hypercall, from its HELLO to its end. */
#pragma once
#include <stdint.h>
#include "abi/region.h"
#include "host/collect/hypercall_batch.h"
#include "host/collect/hypercall_clock.h"
#include "host/collect/hypercall_marks.h"
#include "host/collect/machine_output.h"
#include "host/collect/recorder_machine.h"

struct hypercall_cpu {
	uint64_t last_tsc; /* of what is written */
	uint64_t recorded;
	uint64_t lost[TRACE_LOST_CAUSES];
	uint32_t guest_lost[HT_LOST_CAUSES]; /* as FLUSH said last, modulo 2^16 */
	bool synced;                         /* it said so once */
	bool seen;
	uint32_t tid; /* the thread that made its last call; 0: none */
	uint32_t pid; /* the guest's task after the last record; 0: not known, or idle */
	struct hypercall_flushed flushed;
	struct hypercall_marks
		marks; /* to go among the records of the next batch; waiting NULL: none so far */
};

struct hypercall_machine {
	const struct recorder_events *events;
	struct machine_output output;
	struct hypercall_clock clock;
	uint64_t generation;
	struct hypercall_cpu *cpus;
	uint32_t nr_cpus;
	bool plain;         /* no module in the guest: marks only, in the host's time */
	uint64_t misplaced; /* events of batches that named no vCPU of it */
	struct hypercall_batch batch;
	uint8_t *buffer; /* room for the writer, records, room */
};

/*
 * Begins the machine `name`. `header`: our copy of the guest's page, its numbers checked by
 * hypercall_machine_check(). NULL: error.
 */
struct hypercall_machine *hypercall_machine_create(const struct recorder_events *events,
	const struct ht_region *header, const char *name, struct error *error);

/* The same for a guest that only makes marks: `nr_cpus` vCPUs, stamps of CLOCK_MONOTONIC. */
struct hypercall_machine *hypercall_machine_create_plain(
	const struct recorder_events *events, uint32_t nr_cpus, const char *name, struct error *error);

/* Is that a header of this version, with numbers that can be true? -EPROTO: another version; -EBADMSG. */
int hypercall_machine_check(const struct ht_region *header, struct error *error);

/* A record of FLUSH or EVENTS, `bytes` with its packet. */
void hypercall_machine_batch(
	struct hypercall_machine *machine, const struct hypercall_record *record, size_t bytes);

/*
 * A mark of the vCPU whose thread is mark->tid; `vcpu`: its number, or UINT32_MAX: not known. It goes among the records of
 * the vCPU's next batch, where it belongs by time.
 */
void hypercall_machine_mark(
	struct hypercall_machine *machine, const struct hypercall_mark *mark, uint32_t vcpu);

/* Marks that have waited since before `before_ns` for a batch that does not come are written. */
void hypercall_machine_settle(struct hypercall_machine *machine, int64_t before_ns);

/* `events` of the vCPU that thread runs did not get into the VM's ring. */
void hypercall_machine_lose(struct hypercall_machine *machine, uint32_t tid, uint64_t events);

/* Brings the counts in the trace's description up to date. */
void hypercall_machine_count(struct hypercall_machine *machine);

/* Ends it. `end_state` and `message` (raw) go into the description. */
void hypercall_machine_destroy(struct hypercall_machine *machine, const char *end_state, const char *message);
