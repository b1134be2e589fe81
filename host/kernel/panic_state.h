/* SPDX-License-Identifier: MIT */
/* Did the kernel panic or oops, and what did it say: out of its variables (kernel/panic.c) and its log. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"
#include "host/kernel/kernel_complaint.h"

struct panic_state {
	bool panicked; /* panic_cpu is set */
	bool oopsed;   /* it died at least once, and perhaps went on */
	bool warned;
	int cpu;                            /* that panicked; -1 */
	uint64_t taints;                    /* tainted_mask, by bits */
	uint64_t dies;                      /* oopses since the boot */
	uint64_t ts_ns;                     /* of the message, in the log's time; 0: there is none */
	char message[COMPLAINT_TEXT_BYTES]; /* raw: of the panic, else of the last oops, else "" */
	struct kernel_complaints complaints;
	const struct kernel_complaint *panic; /* of `complaints`; NULL: not in the log */
	const struct kernel_complaint
		*oops; /* the last one, where there was a panic the one that led to it; NULL */
};

/*
 * Reads all of it. A log that cannot be read is no error, then there is just no message.
 * Errors of symbols (panic_cpu, tainted_mask) and of reading; -ENOMEM.
 */
int panic_state_read(struct panic_state *state, const struct guest_kernel *kernel, struct error *error);
void panic_state_deinit(struct panic_state *state);
#define cleanup_panic_state __attribute__((cleanup(panic_state_deinit)))

/* Cheap, one word: 1: it panicked, on CPU *cpu; 0: it did not; -ENOENT; errors of reading. */
int panic_state_poll(const struct guest_kernel *kernel, int *cpu);

/* Of a bit of `taints`. */
struct taint_name {
	char letter; /* as in "Tainted: G D W" */
	const char *text;
};
#define TAINT_BITS 20

/* NULL: no such bit is known. */
const struct taint_name *taint_name(unsigned bit);
