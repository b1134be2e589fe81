/* SPDX-License-Identifier: MIT */
/* What the recorder asks of a guest's module, through the host's pages of the region; also before the guest boots. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/function_wishes.h"
#include "host/collect/region.h"
#include "lib/base/error.h"
#include "lib/filter/event_selection.h"
#include "lib/filter/filter.h"

struct control_request {
	const struct event_selection *events;
	const struct filter *filter; /* NULL: everything passes */
	enum ht_mode mode;
	uint32_t packet_bytes, nr_packets;       /* 0: the module chooses */
	bool symbols;                            /* send the kernel's symbols, too */
	bool syscall_args;                       /* sys_enter_args in place of sys_enter */
	const struct function_wishes *functions; /* NULL: none */
};

/* Could a guest do this? -ENOTSUP: the filter needs what a guest cannot do (too many pids, CPUs out of range). */
int control_check(const struct control_request *request, struct error *error);

/* Writes the request where the module finds it. Asks for all names again. Returns the number control_done() wants. */
uint32_t control_publish(struct region *region, const struct control_request *request);

/* The same in place of a request of ours: names, which take a while, are only asked for again if there are to be more. */
uint32_t control_replace(struct region *region, const struct control_request *request);

/* The same request with other functions; no names are sent again. */
uint32_t control_change_functions(struct region *region, const struct function_wishes *functions);

/* Asks for nothing any more: every event off. */
void control_stop(struct region *region);

/*
 * Is the request in force? -EAGAIN: not yet; 0; or the guest's error: `error` says in its words what it could
 * not do.
 */
int control_done(const struct region *region, uint32_t seq, struct error *error);

/* Are all names of that request in the names ring? */
bool control_names_done(const struct region *region);

/* Tells the module that somebody reads; call about every second. `attached` false: nobody does any more. */
void control_heartbeat(struct region *region, bool attached);

/* For rings that start anew: nothing of them was read. */
void control_reset_positions(struct region *region);
