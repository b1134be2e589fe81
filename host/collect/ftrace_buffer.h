/* SPDX-License-Identifier: MIT */
/*
 * One ring buffer of a guest's ftrace (the main one, or that of a tracing instance, boot-mapped or not), read out of
 * the guest's memory: what it holds, and then what is added, live, without the guest noticing.
 *
 * The guest writes while we read, its own readers (trace_pipe) take pages out, and it may reset or resize the buffer
 * at any moment. So: the commit page's pointer is read before the page's header, the header before the data, and the
 * header again after it; pages are followed by their own `next` pointers; every position has a number, the count of
 * events ever written on that CPU before it, so that what was missed is known exactly:
 *
 *   position of the head page       = overrun + read + what the reader page holds unread
 *   position of the reader page     = last_overrun + read - what of it was read
 *   events ever written             = entries
 *
 * (kernel/trace/ring_buffer.c of 6.1 and 6.12.)
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define FTRACE_BUFFERS_MAX       64
#define FTRACE_SUBBUF_BYTES_MAX  (1u << 20)
#define FTRACE_INSTANCE_NAME     64

/* One event. */
struct ftrace_record {
	uint64_t time;       /* in units of the buffer's trace clock: ns, mostly */
	const uint8_t *data; /* its struct trace_entry, until the callback returns */
	uint32_t bytes;      /* whole and checked: at least sizeof(struct trace_entry); padded to 4 by the ring */
	uint16_t type;
	int32_t pid; /* common_pid */
};

/* What happened to a buffer as a whole. */
enum ftrace_change {
	FTRACE_CHANGE_RESET,   /* emptied (a tracer or clock was set, `echo > trace`): positions start anew */
	FTRACE_CHANGE_RESIZED, /* other pages: what was in the removed ones is lost */
	FTRACE_CHANGE_TRACER,  /* another current_tracer */
	FTRACE_CHANGE_CLOCK,   /* another trace_clock: times before and after do not compare */
	FTRACE_CHANGE_GONE,    /* the instance was removed */
};

struct ftrace_callbacks {
	/* Every event, per CPU in order. Not 0: stop now; that is what ftrace_buffer_poll() returns. */
	int (*record)(void *context, uint32_t cpu, const struct ftrace_record *record);
	/* `count` events between the last record of that CPU and its next were overwritten, or were no events. */
	void (*lost)(void *context, uint32_t cpu, uint64_t count, bool damaged);
	void (*change)(void *context, enum ftrace_change change);
	void *context;
};

/* Of one CPU, exact whenever the guest is not writing at this moment. */
struct ftrace_counts {
	uint64_t entries;     /* events ever written into the ring, as the guest counts them */
	uint64_t before;      /* of these, gone before we came: not lost by us */
	uint64_t recorded;    /* handed to the callback */
	uint64_t overwritten; /* missed: the guest overwrote them, its reader took them, or a reset removed them */
	uint64_t damaged;     /* what could not be read as events */
	uint64_t dropped;     /* not written: the ring was full, and not to be overwritten (the guest counts them) */
	uint64_t nested;      /* not written: commit_overrun */
};

struct ftrace_buffer;

/* Names and addresses (struct trace_array) of all buffers: the main one first, its name "". Returns the count or < 0. */
struct ftrace_instance {
	char name[FTRACE_INSTANCE_NAME]; /* raw, from the guest */
	uint64_t address;
};
int ftrace_instances(const struct guest_kernel *kernel, struct ftrace_instance *instances, size_t max,
	struct error *error);

/*
 * `whole`: from its oldest event on, else only what is written from now on. -EAGAIN: the guest has not made it yet;
 * -ENOTSUP: a layout we do not know; errors of reading; -ENOMEM. `kernel` must outlive it.
 */
int ftrace_buffer_create(struct ftrace_buffer **buffer, const struct guest_kernel *kernel, uint64_t trace_array,
	bool whole, const struct ftrace_callbacks *callbacks, struct error *error);
void ftrace_buffer_destroy(struct ftrace_buffer *buffer);

/*
 * Hands over all that is there. Returns how full the fullest ring became since the last call, in 1/1000; or < 0: the
 * callback's, or -ESRCH, -EIO of reading. Always ends: a guest that writes faster than we read is left for the next
 * call after one round of the ring.
 */
int ftrace_buffer_poll(struct ftrace_buffer *buffer);

uint32_t ftrace_buffer_cpus(const struct ftrace_buffer *buffer);

/* Brings the counts up to date; false: that CPU has no ring. */
bool ftrace_buffer_counts(struct ftrace_buffer *buffer, uint32_t cpu, struct ftrace_counts *counts);

/* Bytes of the ring of one CPU, as last seen. */
uint64_t ftrace_buffer_ring_bytes(const struct ftrace_buffer *buffer);

/* "local", "mono", … and the current tracer ("nop", "function"), as last seen; raw, from the guest. */
const char *ftrace_buffer_clock(const struct ftrace_buffer *buffer);
const char *ftrace_buffer_tracer(const struct ftrace_buffer *buffer);
bool ftrace_buffer_is_on(const struct ftrace_buffer *buffer); /* tracing_on */
