/* SPDX-License-Identifier: MIT */
/*
 * A guest's log (printk) out of its memory: struct printk_ringbuffer, as kernel/printk/printk_ringbuffer.c of Linux 5.10
 * to 6.12 keeps it. Read only, without the guest's help, also while it writes: a record is taken once it is whole.
 *
 *   descs[]  state_var (id, and in its top two bits the state) and where the text lies
 *   infos[]  seq, time, level, … of the descriptor with the same index
 *   data     blocks of text, each behind a word with the descriptor's id
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define PRINTK_SUBSYSTEM_BYTES 17
#define PRINTK_DEVICE_BYTES    49
#define PRINTK_CALLER_CPU      0x80000000u /* in `caller`: the rest is a CPU, not a thread */

struct printk_record {
	uint64_t seq;   /* counts from 0 since the boot */
	uint64_t ts_ns; /* the kernel's local_clock() */
	uint8_t level, facility, flags;
	uint32_t caller;
	bool unfinished;                        /* the kernel may still add to it */
	char subsystem[PRINTK_SUBSYSTEM_BYTES]; /* "pci"; "": of no device */
	char device[PRINTK_DEVICE_BYTES];       /* "+pci:0000:00:01.0" */
	const char *text;                       /* raw, may hold anything; valid until the next call */
	size_t length;
};

/* Where the kernel at hand keeps what. */
struct printk_layout {
	uint32_t ring_bytes, desc_bytes, info_bytes;
	struct kernel_field count_bits, descs, infos, head_id, tail_id, size_bits,
		data;                                                                /* printk_ringbuffer */
	struct kernel_field state, begin, next;                                      /* prb_desc */
	struct kernel_field seq, ts_ns, text_length, facility, flags, level, caller; /* printk_info */
	struct kernel_field subsystem, device;
};

struct printk_ring {
	/* the kernel's memory: 0 or a negative errno */
	int (*read)(const void *context, uint64_t address, void *data, size_t bytes);
	const void *context;
	struct printk_layout layout;
	uint64_t
		pointer; /* address of `prb`, which points to the ring: the kernel changes rings once while it boots */

	bool patient;         /* wait for records that are being written; else they are passed over */
	uint64_t next_seq;    /* of the record that printk_ring_next() looks for */
	uint64_t overwritten; /* records that were gone before the first that was not */
	uint64_t lost;        /* records that were gone, or without their text, when it was their turn */
	uint64_t unfinished;  /* records passed over */

	/* as last read */
	uint64_t descs, infos, data, first_seq, end_seq;
	uint32_t count_bits, size_bits;
	bool is_known, was_read, was_taken;
	char *text;
};

/* Errors of symbols and types; -ENOMEM. */
int printk_ring_init(struct printk_ring *ring, const struct guest_kernel *kernel, struct error *error);
void printk_ring_deinit(struct printk_ring *ring);
#define cleanup_printk_ring __attribute__((cleanup(printk_ring_deinit)))

/*
 * The next record, oldest first. 1: *record was filled; 0: no more for now (ask again later for those that were
 * written since); -EINVAL: the ring is damaged, or not set up yet; errors of reading.
 */
int printk_ring_next(struct printk_ring *ring, struct printk_record *record);

/* Reads what the ring says of itself: from first_seq up to end_seq is what it holds now. Errors of printk_ring_next(). */
int printk_ring_refresh(struct printk_ring *ring);

/* Starts with the last `count` records of the ring. Errors of printk_ring_next(). */
int printk_ring_tail(struct printk_ring *ring, uint64_t count);

/* "warn", "daemon"; NULL: no such number. */
const char *printk_level_name(unsigned level);
const char *printk_facility_name(unsigned facility);
