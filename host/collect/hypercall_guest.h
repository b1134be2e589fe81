/* SPDX-License-Identifier: MIT */
/*
 * One guest of a recorder that speaks by hypercalls: its VMM's process, followed through the guest's HELLO, its batches and
 * stages, reboots (each start of its module is a machine of its own), and its end.
 */
#pragma once
#include "host/collect/hypercall_machine.h"
#include "host/collect/hypercall_source.h"
#include "host/collect/recorder_member.h"

struct hypercall_guest {
	struct recorder_member member;
	const struct recorder_events *events;
	struct recorder_common *common;
	struct guest_memory memory;
	struct hypercall_watch watch;
	char name[48];
	unsigned generations; /* machines made of it */
	struct hypercall_machine *machine;
	uint64_t refused;   /* generation that could not be recorded */
	char end_state[16]; /* "": it has not said that it ends */
	char message[HYPERCALL_TEXT_BYTES + 1];
	uint64_t checked_ns, since_ns;
	bool said_waiting;
	struct hypercall_record *rescued; /* room for one with a packet */
	struct hypercall_marks marks;     /* said before there was a machine */
	struct hypercall_thread {
		pid_t tid;
		uint32_t vcpu;              /* as QEMU names it; UINT32_MAX: it does not */
		struct hypercall_lost lost; /* as of the last look */
	} * threads;                        /* of the VMM */
	size_t nr_threads;
};

/* Takes the memory of a live VMM over (it is GUEST_MEMORY_NONE afterwards), also on an error. Errors of
 * hypercall_watch_init(). */
int hypercall_guest_create(struct hypercall_guest **guest, const struct recorder_events *events,
	struct hypercall_source *source, struct guest_memory *memory, const char *name, struct error *error);
