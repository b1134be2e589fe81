/* SPDX-License-Identifier: MIT */
/* A recorder's surroundings for one guest of channel hypercall, and the records its calls make. */
#pragma once
#include <stdint.h>
#include "abi/region.h"
#include "host/collect/hypercall_machine.h"

struct hypercall_maker {
	char path[64]; /* of the trace's directory */
	struct recorder_common common;
	struct recorder_events events;
	struct ht_region header;
	struct hypercall_machine *machine;
	struct hypercall_record *record; /* room for one with a packet */
	uint16_t sequence;
};

/* 0, or -1. A machine "vm1" of two vCPUs. */
int hypercall_maker_init(struct hypercall_maker *maker);

/* Ends the machine and completes the trace's description. */
void hypercall_maker_end(struct hypercall_maker *maker);

/* Removes everything. */
void hypercall_maker_deinit(struct hypercall_maker *maker);

/* Puts an event with a long header (first of a batch) or a short one at `at`; returns the byte after it. */
uint8_t *hypercall_maker_event(
	uint8_t *at, uint32_t id, uint64_t tsc, bool is_long, const void *payload, uint32_t bytes);

/* A good FLUSH of these records in maker->record, and the bytes it has. */
size_t hypercall_maker_flush(struct hypercall_maker *maker, uint32_t vcpu, const uint8_t *records,
	uint32_t bytes, uint32_t events, uint64_t begin_tsc, uint64_t end_tsc);

/* The same by EVENTS: at most 24 bytes. */
size_t hypercall_maker_registers(struct hypercall_maker *maker, uint32_t vcpu, const uint8_t *records,
	uint32_t bytes, uint32_t events);
