/* SPDX-License-Identifier: MIT */
/*
 * Records what one or several guests write into their regions into one trace directory.
 *
 *   recorder_create()      the trace directory exists from now on, and is readable at every moment
 *   recorder_add_guest()   puts the wishes into its region; the guest may boot now, or run already
 *   recorder_step()        in a loop: takes what is there, then sleeps as long as the rings allow
 *   recorder_finish()      turns the events off, takes what is left, completes the trace
 *   recorder_info()        what was recorded and lost
 *
 * A guest whose rings start anew (reboot, module loaded again) goes on in a machine directory of its own,
 * NAME.2 and so on: its TSC, its tasks and its addresses are others. One thread at a time may use a recorder.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "abi/collector.h"
#include "abi/region.h"
#include "host/memory/guest_memory.h"
#include "lib/base/error.h"
#include "lib/filter/event_selection.h"
#include "lib/filter/filter.h"
#include "lib/model/trace_info.h"

#define RECORDER_EVENTS "sched,irq,syscalls" /* of channel shm; ftrace: all that the guest traces */

/* -F, --probe, --depth, --min-duration. */
struct recorder_functions {
	const char *patterns; /* separated by ',': ftrace's globs, '!' takes out; NULL or "": no functions */
	enum ht_function_probe probe; /* HT_FUNCTION_NONE: HT_FUNCTION_RETURN */
	uint32_t depth;               /* of calls in calls; 0: all */
	uint64_t min_ns;              /* shorter calls are not recorded; 0: all are */
};

#define RECORDER_NAME_BYTES 48 /* of a guest; ".2" and so on may follow it */

enum recorder_channel { RECORDER_SHM, RECORDER_FTRACE, RECORDER_HYPERCALL };

struct recorder_options {
	const char *output; /* the directory; must not exist or be empty */
	const char *program_version;
	enum recorder_channel channel;
	const char *events, *filter; /* as -e and -f take them; NULL or "": RECORDER_EVENTS, no filter */
	struct recorder_functions functions; /* of channel shm */
	/* of each guest's vCPUs' time, 0..1, that functions may take: the hottest leaves are left out; 0: whatever it takes */
	double budget;
	enum ht_mode mode;
	uint64_t ring_bytes; /* per vCPU, a power of two; 0: what the region holds */
	bool no_symbols;     /* do not ask for the kernel's symbols */
	bool rips; /* a host's exits are recorded, too, each with the guest's instruction: symbols are of use */
	/* also what the rings of a guest that is running hold from before; they keep their mode and sizes */
	bool history;
	bool leave_on; /* recorder_finish() leaves the events on: a flight recorder, for a later `history` */
	/* Something a user should know: one line of text, escaped, no newline. May be NULL. */
	void (*notice)(void *context, const char *text);
	void *context;
};

struct recorder;

/* What is wrong with events, filter, mode and ring_bytes: -EINVAL, -ENOTSUP. Touches nothing. */
int recorder_options_check(const struct recorder_options *options, struct error *error);

/* The strings of `options` are copied. -EEXIST: the output is not empty; errors of files, events and filter. */
int recorder_create(struct recorder **recorder, const struct recorder_options *options, struct error *error);
void recorder_destroy(struct recorder *recorder);

/*
 * Adds a guest by the file of its region. `name` names its directory; NULL, or one that another guest has: vm1, vm2, ….
 * `qemu_pid`: 0, or the process whose end is the guest's end. Errors of region_init() and region_check(), but for a
 * header that is not there yet.
 */
int recorder_add_guest(struct recorder *recorder, const char *region_path, const char *name, pid_t qemu_pid,
	struct error *error);

/* A guest with nothing of ours in it: channel ftrace. */
struct recorder_stock {
	const char *name;      /* of its directory; NULL: vm1, vm2, … */
	const char *cache_dir; /* for guest_kernel_init(); NULL: none. Must outlive the recorder */
	const char *functions; /* what its ftrace was told to trace, as in ftrace_boot.h; NULL: nothing. Must outlive it */
	const char *tracer;    /* its ring is emptied when this one begins: often looked at until then; NULL: none. Likewise */
	bool whole;            /* also what its rings hold from before */
	bool from_start;       /* it is just being started: what its rings lose before they are found is lost, too */
	int64_t start_host_ns; /* CLOCK_MONOTONIC when the VMM started; 0: not known */
	bool guest_time; /* its time runs by itself (-icount): one comparison with ours, then its own rate */
};

/*
 * Adds a guest that speaks by hypercalls: channel hypercall. The memory of its live VMM is taken over (and is
 * GUEST_MEMORY_NONE afterwards), also on an error. -EEXIST, -E2BIG, -ENOMEM, errors of bpf().
 */
int recorder_add_hypercall_guest(
	struct recorder *recorder, struct guest_memory *memory, const char *name, struct error *error);

/* Adds by itself, in recorder_step(), every guest of this host that makes a call of ours. */
void recorder_add_all_hypercall_guests(struct recorder *recorder);

/*
 * Adds a guest by its memory, which is taken over (and is GUEST_MEMORY_NONE afterwards), also on an error. One that has
 * not booted so far is waited for; one that is no live guest (a dump) is read once. -EEXIST, -E2BIG, -ENOMEM.
 */
int recorder_add_stock_guest(struct recorder *recorder, struct guest_memory *memory,
	const struct recorder_stock *stock, struct error *error);

/*
 * Adds this host itself: what its KVM and its scheduler do to vCPUs, as the machine `host`. Of the VMMs of the guests that
 * were added before; of all on this host, where a guest's VMM is not known or there is no guest. `starts`: of the one that
 * recorder_vmm_started() names. Errors of collector_create(): then the rest may go on without.
 */
int recorder_add_host(
	struct recorder *recorder, enum collector_level level, bool starts, struct error *error);

/* The VMM of the guests that were added without one: it has just been started. Errors of collector_add_vmm(). */
int recorder_vmm_started(struct recorder *recorder, pid_t vmm, struct error *error);

/*
 * Takes what the rings hold, then sleeps until they may be a quarter full: 1 to 20 ms, less if `wake_fd` (an
 * eventfd, signalfd, pipe; -1: none) becomes readable or a signal comes. Returns the number of guests that
 * may still write.
 */
int recorder_step(struct recorder *recorder, int wake_fd);

/*
 * Asks all guests for other events, filter and functions from now on, as `options` has them; its other members are those
 * of recorder_create(). Once a guest does so, or cannot, a notice says it. -EINVAL, -ENOTSUP, -ENOMEM: nothing changes.
 */
int recorder_ask(struct recorder *recorder, const struct recorder_options *options, struct error *error);

/* How many guests do not record yet: not booted, or our wishes not yet in force. */
int recorder_waiting(const struct recorder *recorder);

/*
 * Completes the trace; one without a machine is removed by recorder_destroy(). Returns 0, or the first error that left
 * it incomplete; what is on disk is readable all the same.
 */
int recorder_finish(struct recorder *recorder, struct error *error);

/* Counts as of the last step or of recorder_finish(). */
const struct trace_info *recorder_info(const struct recorder *recorder);

/* Did a guest refuse a wish (an unknown tracepoint)? The notice said so; the error says it again. 0: none did. */
int recorder_guest_error(const struct recorder *recorder, struct error *error);
