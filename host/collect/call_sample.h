/* SPDX-License-Identifier: MIT */
/*
 * Calls of functions as they were recorded, in order, and what would be left of them without some of the functions. A
 * function's last call inside gone, it is a leaf itself: that is seen here at once, not only when it has been recorded.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/hash_map.h"

#define CALL_SAMPLE_CALLS     (1u << 18) /* at most */
#define CALL_SAMPLE_FUNCTIONS (1u << 14) /* at most */

struct sampled_call {
	uint32_t function; /* index */
	uint32_t
		outer; /* the call that it is inside of, or was before that was taken out; CALL_SAMPLE_NONE */
	uint32_t next; /* of the same function; CALL_SAMPLE_NONE */
	uint32_t inside;   /* calls right inside that are not taken out */
	bool has_returned; /* its exit was seen: what it called is known */
	bool is_out;
};

struct sampled_function {
	uint32_t address;
	uint32_t calls;    /* not taken out */
	uint32_t returned; /* of them, with an exit */
	uint32_t leaves;   /* of these, with nothing inside */
	uint32_t last;     /* call */
};

struct call_sample {
	struct sampled_call *calls;
	struct sampled_function *functions;
	struct hash_map indices; /* address -> index of the function + 1 */
	uint32_t nr_calls, nr_functions;
	uint32_t innermost; /* open call; CALL_SAMPLE_NONE */
	uint32_t exits;     /* seen, also of calls that were not */
};

#define CALL_SAMPLE_NONE UINT32_MAX

/* -ENOMEM. */
int call_sample_init(struct call_sample *sample);
void call_sample_deinit(struct call_sample *sample);

/* Forgets all calls. */
void call_sample_clear(struct call_sample *sample);

/* What follows is of another task or CPU: what is open has no exit that is known. */
void call_sample_break(struct call_sample *sample);

/* An entry; what there is no room for is not there. `address`: as in func_entry. */
void call_sample_enter(struct call_sample *sample, uint32_t address);
/* An exit. */
void call_sample_leave(struct call_sample *sample);

/*
 * Takes all calls of a function out: those inside count for the call around. Returns how many events that saves; 0: there is
 * no such function, or no more.
 */
uint32_t call_sample_take_out(struct call_sample *sample, uint32_t address);

/*
 * The function whose calls say least for what they cost: many, with nothing inside. Without any exit nobody
 * knows what is inside: then the one of most calls. False: all are taken out.
 */
bool call_sample_least_worth(const struct call_sample *sample, uint32_t *address);
