/* SPDX-License-Identifier: MIT */
/*
 * The events of a file that xentrace wrote, of all pCPUs, in the order of time.
 *
 *	if (xen_reader_open(path, &reader, error))
 *		return error->code;
 *	while ((result = xen_reader_next(reader, &event, error)) > 0)
 *		…
 *	counts = xen_reader_counts(reader);   // what was skipped, and where
 *	xen_reader_close(reader);
 *
 * The file is a row of windows, each of one pCPU's records. One walk over it, ahead of the events, finds the windows,
 * checks every record's frame and finds the next whole record behind damage; a cursor per pCPU then reads what was found
 * whole, and a tree merges them. Memory depends on the number of pCPUs only: some 16 KiB each, and 1 MiB.
 *
 * Order: events of one pCPU are never reordered. Between pCPUs they go by order_tsc, which is the TSC, except that
 *  - an event without a TSC has that of the event before it on its pCPU;
 *  - lost_records stands where the loss began (its first lost TSC), for from there on what its pCPU did is not known;
 *    its tsc is when the loss had ended;
 *  - a single TSC that is out of the row of its neighbours counts as that of the event before it.
 * order_tsc of the events delivered goes back only where a pCPU's TSC really was set back, or if a pCPU's window stands
 * tens of thousands of windows behind where it belongs.
 *
 * Damage never ends the reading. It is counted by reason, the first few places are kept. All functions but open
 * and close may be called in any order at any time. One reader must not be used by two threads at once.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/xen_event.h"

enum xen_skip {
	XEN_SKIP_NO_PCPU, /* not known whose records: the record that says so is missing or destroyed; or no records */
	XEN_SKIP_RECORD, /* a record that cannot be one, to the next that can */
	XEN_SKIP_CUT,    /* the file ends inside a record */
	XEN_SKIPS,
};

struct xen_damage {
	uint64_t offset, bytes; /* in the file */
	enum xen_skip reason;
};
#define XEN_DAMAGES_KEPT 32

/* Of what was read so far; while events are outstanding, part of it is ahead of them. */
struct xen_counts {
	uint64_t file_bytes;
	uint64_t unwanted;     /* left out: xen_reader_want() */
	uint64_t events;       /* delivered, wrap_buffer and lost_records included */
	uint64_t lost_records; /* of them, those that say that events were lost */
	uint64_t lost;         /* … and how many were */
	uint64_t wrapped;      /* of them, wrap_buffer */
	uint64_t without_tsc;  /* of them, events without a TSC, wrap_buffer included */
	uint64_t odd_tsc;      /* events whose TSC was out of row, delivered in its place */
	uint64_t set_back;     /* times that a pCPU's TSC went back, and stayed */
	uint64_t late;         /* events delivered after a later one of another pCPU */
	uint64_t windows;
	uint64_t
		wrong_windows; /* those that were longer or shorter than they said, other than by the file's end */
	uint64_t cut_windows;        /* those with less in the file than they said: 0 or 1 */
	uint64_t cut_bytes;          /* … and what is missing of them */
	uint64_t skipped[XEN_SKIPS]; /* bytes, by reason */
	uint64_t damages;            /* places at which something was skipped */
	uint32_t pcpus;              /* that have a window */
	uint32_t pcpu_limit;         /* highest number of them + 1 */
	struct xen_damage
		damage[XEN_DAMAGES_KEPT]; /* the first `damages` of them, in the order of the file */
};

struct xen_reader;

/*
 * Opens a file, "-": standard input. What cannot be read at any place, as a pipe, is copied into a temporary file
 * (in $TMPDIR, else /var/tmp; gone when closed). Errors, all naming the path: those of open() and read(); -ENODATA: empty; -EILSEQ:
 * no trace of Xen (with a hint if compressed or of the other endianness); -ENOMEM.
 */
int xen_reader_open(const char *path, struct xen_reader **reader, struct error *error);

/* The same of a descriptor, which stays the caller's and open; `name` is for messages. Reading starts at offset 0. */
int xen_reader_open_fd(int fd, const char *name, struct xen_reader **reader, struct error *error);

#define XEN_WANTED_BIT(code) ((code) >> 12 & 0xffff)
#define XEN_WANTED_WORDS     (0x10000 / 64)

/*
 * From here on leaves out the events whose class and subclass (XEN_WANTED_BIT()) have no bit in `wanted`, of
 * XEN_WANTED_WORDS words, which must live as long; NULL: none are left out. They are checked and counted like the others,
 * and need not be merged: that is much faster. Some of them may be delivered all the same.
 */
void xen_reader_want(struct xen_reader *reader, const uint64_t *wanted);

/* What was left out of a pCPU, by the class's bit, so far. */
struct xen_unwanted {
	uint64_t events[XEN_CLASS_BITS], bytes[XEN_CLASS_BITS];
};

/* NULL: no such pCPU. *last_tsc: of its last event so far, delivered or left out. */
const struct xen_unwanted *xen_reader_unwanted(
	const struct xen_reader *reader, uint32_t pcpu, uint64_t *last_tsc);

/* Were all events of that pCPU delivered or left out? Known as soon as its last one has been. */
bool xen_reader_pcpu_ended(const struct xen_reader *reader, uint32_t pcpu);

/* 1: *event is the next. 0: there are no more. Negative errno: the file could not be read on (-EIO, …; -ENOMEM). */
int xen_reader_next(struct xen_reader *reader, struct xen_event *event, struct error *error);

/* Back to the first event, with all counts at 0. Errors of open; then the reader can only be closed. */
int xen_reader_rewind(struct xen_reader *reader, struct error *error);

/* Valid until close. */
const struct xen_counts *xen_reader_counts(const struct xen_reader *reader);

/* All bytes skipped, of any reason. */
uint64_t xen_counts_skipped(const struct xen_counts *counts);

/* "damaged records", …: for "40 bytes skipped at 50352: damaged records" */
const char *xen_skip_text(enum xen_skip reason);

/* NULL is fine. */
void xen_reader_close(struct xen_reader *reader);
