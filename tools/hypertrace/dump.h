/* SPDX-License-Identifier: MIT */
/* What the parts of `hypertrace dump` share: the options, read; and what is known of each machine and type. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/hash_map.h"
#include "lib/reader/trace_reader.h"
#include "tools/hypertrace/reading_options.h"

#define DUMP_LINE_BYTES (1u << 19) /* no line is longer: 64 KiB of text, six bytes for each in JSON */
#define DUMP_FIELDS_MAX 12         /* that a form uses */

/* dump_calls.c: what the event is to the system call that its task is in */
enum dump_call_step { DUMP_CALL_NONE, DUMP_CALL_ENTER, DUMP_CALL_EXIT, DUMP_CALL_FORK };

enum dump_time { DUMP_RELATIVE, DUMP_MONOTONIC, DUMP_UTC };

struct dump;
struct dump_type;

/* Writes what stands behind the event's name. */
typedef char *dump_form(
	struct dump *dump, const struct dump_type *type, const struct trace_event *event, char *at);

struct dump_type {
	const struct event_type *type;
	dump_form *form;
	const struct event_field *fields[DUMP_FIELDS_MAX]; /* in the order the form wants them */
	bool selected;
	bool switches;    /* the CPU to another task, of which the priority is known from then on */
	bool names_task;  /* fork, exec, rename: the names change */
	bool names_other; /* its last two fields are a task that is named, and its name */
	bool generic;     /* a kernel tracepoint of its own format */
	uint8_t call;     /* enum dump_call_step */
	const struct event_field *nr;                   /* of a system call; NULL: it has none */
	const struct event_field *irq, *vec, *function; /* what JSON names; NULL: it has none */
	uint8_t pair; /* enum filter_pair it begins or ends, or FILTER_PAIRS */
	bool begins, spans;
	char label[EVENT_NAME_BYTES + 24]; /* "sched_switch:         " */
	uint8_t label_bytes;
	uint64_t count;
};

struct dump_cpu {
	bool known; /* `prefix` is for pid, of this generation of names */
	bool prio_known;
	int64_t prio; /* of the task that runs */
	uint8_t prefix_bytes;
	uint32_t pid;
	uint64_t generation;
	uint64_t lost;
	uint64_t events;  /* wanted so far */
	char prefix[192]; /* "            bash-1234  [001] " */
};

struct dump_machine {
	struct trace_machine *machine;
	struct dump_type *types[EVENT_TYPES_MAX];
	struct dump_type lost;
	struct dump_cpu *cpus; /* [TRACE_CPUS_MAX] */
	uint64_t generation;   /* of the names */
	uint64_t lost_events;
	uint32_t gap;                         /* counts gaps, from 1 */
	struct dump_call *calls;              /* dump_calls.c: by pid */
	struct hash_map open_pairs;           /* dump_pairs.c */
	struct dump_tracepoints *tracepoints; /* dump_tracepoint.c; NULL until one is met */
};

struct dump {
	/* the options */
	struct trace_part part;
	bool filtered, durations, json, count;
	enum dump_time time;
	int64_t from_ns, to_ns; /* Unix */
	int machine;
	uint64_t tail;  /* only so many of each CPU, the last; 0: all */
	uint64_t *skip; /* by machine and CPU: not shown before the tail; NULL: all are */
	bool (*chosen)(
		const void *context, const struct trace_event *event); /* a further condition, or NULL */
	const void *chosen_context;
	bool borrowed; /* the trace belongs to somebody else */
	/* the trace */
	struct trace *trace;
	struct trace_reader *reader;
	struct dump_machine *machines;
	int64_t start_ns;
	uint64_t events, lost;
	/* of the event in hand */
	uint64_t duration_ns; /* of the pair it ends, if has_duration */
	bool has_duration;
	uint16_t call; /* the system call's number, if it is a call's event; SYSCALL_NONE: not known */
	/* the second that was written last */
	int64_t second;
	uint8_t second_bytes;
	char second_text[40];
	/* the output */
	char *buffer;
	size_t used, capacity;
	int fd;
	int write_error; /* errno */
};

/*
 * dump_run.c: reads dump->trace (owned, as all of the dump) and writes what is chosen to dump->fd. `timed`: the range of
 * dump->part holds. -EIO: damage, of which all that is whole was written; errors of writing and memory.
 */
int dump_run(struct dump *dump, bool timed, struct error *error);
void dump_deinit(struct dump *dump);

/* dump_text.c: one line, from `at` on. */
char *dump_text_line(struct dump *dump, struct dump_machine *machine, struct dump_type *type,
	const struct trace_event *event, int64_t unix_ns, char *at);
char *dump_text_time(struct dump *dump, const struct dump_machine *machine, int64_t unix_ns, char *at);
const char *dump_comm(const struct dump_machine *machine, uint32_t pid); /* raw; "<...>" if it is not known */

/* dump_json.c */
void dump_json_choose(struct dump_type *type);
char *dump_json_line(struct dump *dump, struct dump_machine *machine, struct dump_type *type,
	const struct trace_event *event, int64_t unix_ns, char *at);

/* dump_forms.c: chooses the form of a type and finds its fields. */
void dump_forms_choose(struct dump_type *type);
const char *dump_softirq_name(uint64_t vec); /* NULL: none */

/* dump_host.c */
dump_form dump_host_exit, dump_host_hypercall, dump_host_histogram, dump_host_out, dump_host_in,
	dump_host_waking, dump_host_migrate;

/* dump_pairs.c: is the event wanted, as far as durations go? Sets dump->duration_ns where it ends a pair. */
bool dump_pairs_match(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event);
void dump_pairs_choose(struct dump_type *type);

/* dump_calls.c: keeps which system call each task is in, and sets dump->call. -ENOMEM */
int dump_calls_init(struct dump_machine *machine, struct error *error);
void dump_calls_choose(struct dump_type *type); /* after dump_forms_choose() */
void dump_calls_follow(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event);

/* dump_tracepoint.c: generic tracepoints, by libtraceevent. */
struct dump_tracepoints;
void dump_tracepoints_destroy(struct dump_tracepoints *tracepoints);
/* "system:event", or NULL: the guest sent no format. */
const char *dump_tracepoint_name(struct dump_machine *machine, uint32_t format);
/* The fields as the kernel prints them; room for DUMP_LINE_BYTES / 4. */
char *dump_tracepoint_fields(struct dump_machine *machine, uint32_t format, const uint8_t *raw,
	uint32_t bytes, uint32_t cpu, uint64_t tsc, char *at, bool json);
