/* SPDX-License-Identifier: MIT */
/* One guest of a recorder: its region, followed through waiting, recording, reboots, and its end. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "host/collect/awareness.h"
#include "host/collect/control.h"
#include "host/collect/recorder_machine.h"
#include "host/collect/recorder_member.h"
#include "host/collect/recorder_nested.h"
#include "host/collect/region.h"

struct recorder_guest {
	struct recorder_member member;
	const struct recorder_events *events;
	struct recorder_common *common;
	struct control_request request;
	struct region region;
	char name[48];
	unsigned generations; /* machines made of it */
	struct recorder_machine *machine;
	uint32_t seq;           /* of our wishes */
	uint64_t wait_until_ns; /* for an answer to them */
	bool answered;          /* there is one, or no hope for one */
	bool asked_again;       /* they are others than at first: say when they are in force */
	bool said_silent;       /* that it does not answer */
	uint64_t waits_since_ns;
	bool said_waiting;
	uint64_t ending_ns;      /* when it said that it ends; 0: it did not */
	enum ht_state end_state; /* how, with which words */
	char message[513];
	uint64_t ended_generation;
	uint64_t checked_ns;
	bool skip;                      /* it ran before we came: pass over what the rings hold */
	bool at_once;                   /* do not wait for an answer: the rings are taken as they are */
	bool leave_on;                  /* the guest goes on writing when we have gone */
	bool was_unlinked;              /* from the start: says nothing */
	bool refused;                   /* the guest could not do all we asked */
	int pid_fd;                     /* of QEMU, or -1 */
	struct recorder_budget *budget; /* NULL: none */
	struct awareness *awareness;    /* NULL: no pages for it, or the vCPUs' threads are not known */
	struct error *refusal;          /* where to put the first refusal */
	struct recorder_nested nested;
};

/* Keeps what functions cost it below a share of its vCPUs' time. Before the recording begins. -ENOMEM. */
int recorder_guest_set_budget(struct recorder_guest *guest, double share);

/*
 * Maps the region and puts the wishes into it; `history`, `leave_on`: struct recorder_options. Errors of region_init()
 * and region_check(); -ENOMEM.
 */
int recorder_guest_create(struct recorder_guest **guest, const struct recorder_events *events,
	const struct control_request *request, const char *region_path, const char *name, pid_t qemu_pid,
	bool history, bool leave_on, struct error *error);
