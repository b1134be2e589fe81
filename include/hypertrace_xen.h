/* SPDX-License-Identifier: MIT */
/*
 * Reads what xentrace recorded of the Xen hypervisor, 4.17 to 4.20: the events of all pCPUs in the order of time, decoded.
 * Link with -lhypertrace_xen (libhypertrace_xen.a; it needs libc only). An example: docs/examples/xen_events.c.
 *
 *	struct hypertrace_xen *trace;
 *	struct hypertrace_xen_event event;
 *	struct hypertrace_xen_error error;
 *
 *	if (hypertrace_xen_open("xen.trace", &trace, &error))
 *		… error.text …
 *	while ((result = hypertrace_xen_next(trace, &event, &error)) > 0)
 *		… event.pcpu, event.ns, event.name …
 *	hypertrace_xen_close(trace);
 *
 * Nothing here prints, exits or keeps state outside of the trace, which one thread at a time may use. Functions return 0
 * (or as said) on success and a negative errno on failure, described in *error; where a parameter `error` is NULL
 * the description is dropped. Memory depends on the number of pCPUs only, some 16 KiB each and 2 MiB.
 *
 * Damage never ends the reading: what is whole is delivered, what is not is counted (hypertrace_xen_counts()).
 */
#ifndef HYPERTRACE_XEN_H
#define HYPERTRACE_XEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HYPERTRACE_XEN_EXTRAS 7
#define HYPERTRACE_XEN_FIELDS 8

struct hypertrace_xen; /* a trace that is being read */

struct hypertrace_xen_error {
	int code;        /* negative errno */
	char text[1024]; /* with the file's name */
	char hint[512];  /* what can be done, or "" */
};

/* Of hypertrace_xen_event.running */
enum {
	HYPERTRACE_XEN_NOT_SEEN, /* no scheduling event of this pCPU yet */
	HYPERTRACE_XEN_NONE,     /* between two vCPUs */
	HYPERTRACE_XEN_VCPU,     /* domain and vcpu ran there when the event happened */
};

struct hypertrace_xen_event {
	uint64_t
		tsc; /* without one of its own: that of the event before it on its pCPU, 0 if there was none */
	int64_t ns;  /* the same in ns since the first event; INT64_MIN: no TSC so far */
	uint64_t offset;  /* of its record in the file, in bytes */
	const char *name; /* "runstate_change"; NULL: not known */
	uint32_t pcpu;
	uint32_t code;                         /* bits 16-27: the class, one bit */
	uint32_t extra[HYPERTRACE_XEN_EXTRAS]; /* as recorded; behind n_extra zero */
	uint16_t domain, vcpu;                 /* domain 32767: idle */
	uint8_t running;
	uint8_t has_tsc;
	uint8_t n_extra;
};

/* Of hypertrace_xen_field.kind */
enum {
	HYPERTRACE_XEN_UNSIGNED,
	HYPERTRACE_XEN_SIGNED, /* value is an int64_t */
	HYPERTRACE_XEN_HEX,    /* an address, a mask, …: to be shown in hexadecimal */
	HYPERTRACE_XEN_FLAG,   /* 0 or 1 */
	HYPERTRACE_XEN_DOMAIN_ID,
	HYPERTRACE_XEN_VCPU_ID, /* domain << 32 | vcpu */
	HYPERTRACE_XEN_NS,      /* nanoseconds */
	HYPERTRACE_XEN_LOAD,    /* value / 2^shift is a part of 1 */
	HYPERTRACE_XEN_NAMED,   /* a number; text is its name, NULL if it has none */
	HYPERTRACE_XEN_ABSENT,  /* the event says that there is none */
};

struct hypertrace_xen_field {
	const char *name; /* "vcpu", "credit", …: a constant */
	const char *text; /* a constant */
	uint64_t value;
	uint8_t kind, shift;
};

/* What was read so far. While events are outstanding, what is said of the file may be ahead of them. */
struct hypertrace_xen_counts {
	uint64_t events;        /* delivered */
	uint64_t lost;          /* events that Xen could not record, as the trace says */
	uint64_t lost_records;  /* … in so many events */
	uint64_t wrapped;       /* events that are padding */
	uint64_t skipped_bytes; /* unusable: damaged */
	uint64_t damages;       /* … at so many places */
	uint64_t first_damage;  /* offset of the first; 0 if there is none */
	uint64_t windows;       /* rows of records of one pCPU */
	uint64_t wrong_windows; /* … that are not as long as they say; nothing is lost by that */
	uint64_t cut_bytes;     /* missing at the end of the file */
	uint64_t odd_tsc;       /* events with a TSC out of row */
	uint32_t pcpus;
};

/*
 * Opens a file; "-" is standard input, which is copied to a temporary file if it is a pipe. The TSC's frequency is estimated
 * from the trace. Errors: those of open() and read(); -ENODATA: empty; -EILSEQ: no trace of Xen; -ENOMEM.
 */
int hypertrace_xen_open(const char *path, struct hypertrace_xen **trace, struct hypertrace_xen_error *error);

/* The same of a descriptor, which stays the caller's and open; `name` is for messages. */
int hypertrace_xen_open_fd(
	int fd, const char *name, struct hypertrace_xen **trace, struct hypertrace_xen_error *error);

/* The TSC's frequency in Hz. *samples, unless NULL: from how many measurements; 0: it is assumed, or was set. */
double hypertrace_xen_hz(const struct hypertrace_xen *trace, uint32_t *samples);

/* Sets it, for events from now on. -EINVAL: not between 1 MHz and 1 THz. */
int hypertrace_xen_set_hz(struct hypertrace_xen *trace, double hz);

/* 1: *event is the next. 0: there are no more. Negative errno: the file cannot be read on. */
int hypertrace_xen_next(
	struct hypertrace_xen *trace, struct hypertrace_xen_event *event, struct hypertrace_xen_error *error);

/* The fields of an event. Returns how many; 0: it has none, or is not known. */
unsigned hypertrace_xen_fields(
	const struct hypertrace_xen_event *event, struct hypertrace_xen_field fields[HYPERTRACE_XEN_FIELDS]);

/* "sched", "pv", …: the class of an event; NULL: no such. */
const char *hypertrace_xen_class(uint32_t code);

void hypertrace_xen_counts(const struct hypertrace_xen *trace, struct hypertrace_xen_counts *counts);

/* Back to the first event. Errors of open; then the trace can only be closed. */
int hypertrace_xen_rewind(struct hypertrace_xen *trace, struct hypertrace_xen_error *error);

/* NULL is fine. */
void hypertrace_xen_close(struct hypertrace_xen *trace);

#ifdef __cplusplus
}
#endif
#endif
