/* SPDX-License-Identifier: MIT */
/*
 * Where the fields of a kernel's ftrace lie, from its BTF, looked up once; and copies of its structures, each read at
 * one go. (kernel/trace/ring_buffer.c, kernel/trace/trace.h of 6.1 and 6.12.)
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define FTRACE_COPY_BYTES_MAX 1024

/* The part of a struct that holds all the fields we use. */
struct ftrace_span {
	uint32_t from, bytes;
};

/* Of struct ring_buffer_per_cpu: one CPU's ring at one moment, or nearly: the guest goes on writing. */
struct ftrace_look {
	uint64_t record_disabled;
	uint64_t reader_lock; /* not 0: a reader of the guest's is at work */
	uint64_t nr_pages;
	uint64_t head_page; /* a hint only */
	uint64_t tail_page, commit_page, reader_page;
	uint64_t last_overrun;
	uint64_t entries, overrun, commit_overrun, dropped_events;
	uint64_t committing;
	uint64_t read;
	uint64_t pages_read; /* 0 where the kernel does not count them */
};
#define FTRACE_LOOK_FIELDS 15

/* Of struct buffer_page. */
struct ftrace_page_link {
	uint64_t next, prev; /* `next` without its flags */
	uint64_t flags;      /* of `next` */
	uint64_t read;       /* bytes that the guest's readers have taken */
	uint64_t entries;    /* events on it */
	uint64_t data;       /* its struct buffer_data_page */
	uint64_t order;      /* of that one's size */
	uint64_t data_bytes; /* behind its header */
};
#define FTRACE_LINK_FIELDS 6
#define FTRACE_LINK_HEAD   1u /* RB_PAGE_HEAD: the next page is the oldest */
#define FTRACE_LINK_UPDATE 2u /* RB_PAGE_UPDATE: the writer is taking it */
#define FTRACE_ORDER_MAX   8

/* Of struct trace_array. */
struct ftrace_array {
	uint64_t list_next, list_prev;
	uint64_t name;
	uint64_t buffer, time_start;
	uint64_t spare; /* max_buffer's; 0: there is none */
	uint64_t clock_id;
	uint64_t current_trace;
};
#define FTRACE_ARRAY_NEAR 6 /* those that lie near each other */
#define FTRACE_ARRAY_FAR  2

/* Of struct trace_buffer. */
struct ftrace_ring_set {
	uint64_t buffers; /* array of struct ring_buffer_per_cpu * */
	uint64_t record_disabled;
};
#define FTRACE_SET_FIELDS 2

/* A page, by its struct buffer_page, and the number of its first event. */
struct ftrace_place {
	uint64_t page, start;
};

struct ftrace_layout {
	const struct guest_kernel *kernel;
	struct kernel_field look[FTRACE_LOOK_FIELDS], link[FTRACE_LINK_FIELDS], array[FTRACE_ARRAY_NEAR],
		array_far[FTRACE_ARRAY_FAR], set[FTRACE_SET_FIELDS];
	struct ftrace_span look_span, link_span, array_span, array_far_span, set_span;
	uint32_t list_offset;                          /* of trace_array.list */
	uint32_t tracer_name;                          /* of tracer.name */
	uint32_t type_offset, pid_offset, entry_bytes; /* of struct trace_entry */
	uint32_t header_bytes;                         /* of struct buffer_data_page, before its data */
	uint32_t time_offset, commit_offset;           /* in it */
};

/* -ENOTSUP with the missing field's name. `kernel` must outlive the layout. */
int ftrace_layout_init(struct ftrace_layout *layout, const struct guest_kernel *kernel, struct error *error);

/*
 * Copies, errors of reading. What is read is not checked, but that there are no more pages than there is RAM, and a
 * link's: -EINVAL for an absurd size of page.
 */
int ftrace_layout_look(const struct ftrace_layout *layout, uint64_t address, struct ftrace_look *look);
int ftrace_layout_link(const struct ftrace_layout *layout, uint64_t address, struct ftrace_page_link *link);

/* Of a copy of layout->link_span. */
int ftrace_layout_decode_link(
	const struct ftrace_layout *layout, const uint8_t *copy, struct ftrace_page_link *link);
int ftrace_layout_array(const struct ftrace_layout *layout, uint64_t address, struct ftrace_array *array);
int ftrace_layout_set(const struct ftrace_layout *layout, uint64_t address, struct ftrace_ring_set *set);

/* The names of a buffer's trace clock and current tracer, "" if they cannot be read. */
void ftrace_layout_clock(
	const struct ftrace_layout *layout, const struct ftrace_array *array, char *name, size_t size);
void ftrace_layout_tracer(
	const struct ftrace_layout *layout, const struct ftrace_array *array, char *name, size_t size);
