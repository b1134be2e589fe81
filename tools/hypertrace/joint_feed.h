/* SPDX-License-Identifier: MIT */
/* A trace's events, of hosts and guests, in one pass: for the verbs that look at them together. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/analysis/joint.h"
#include "lib/reader/trace_reader.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/reading_options.h"
#include "tools/hypertrace/trace_damage.h"

/* What the user gives; the verb's struct of options has a `struct joint_part part`. */
struct joint_part {
	const char *filter, *time, *machine;
};

/* clang-format off */
#define JOINT_PART_SPECS(type) \
	{'f', "filter", "EXPR", OPTION_STRING, offsetof(type, part.filter), \
		"only of some vCPUs or guest tasks: 'cpu==0-1', 'comm==nginx', 'pid!=0'"}, \
	{'t', "time", "FROM-TO", OPTION_STRING, offsetof(type, part.time), \
		"only this part, counted from the trace's start: '1.5-2', '200ms-', '-10s'"}, \
	{'m', "machine", "NAME", OPTION_STRING, offsetof(type, part.machine), \
		"only this guest, or the guests of this host"}
/* clang-format on */

struct joint_feed {
	struct trace *trace;
	struct joint *joint;
	struct joint_machine *machines;
	struct filter filter; /* of tasks and of vCPUs' numbers */
	struct time_range range;
	int machine;            /* that was chosen; -1: all */
	uint64_t start_ns;      /* Unix ns of the trace's first event */
	int64_t from_ns, to_ns; /* Unix ns: the part asked for */
	struct trace_damage damage;
};

/* Reads what the user gave, before any file is touched. -EINVAL: what is wrong, with a hint. */
int joint_feed_parse(struct joint_feed *feed, const struct joint_part *part, struct error *error);

/*
 * Opens the traces that the operands name, with the names of all machines, and makes the joint with that listener.
 * Errors of trace_open(); -ENOENT: no such machine; -ENOMEM. Good for joint_feed_deinit() all the same.
 */
int joint_feed_open(struct joint_feed *feed, int count, char **paths, const struct joint_part *part,
	const struct joint_listener *listener, struct error *error);
void joint_feed_deinit(struct joint_feed *feed);

/* -ENOENT, with a hint, unless the trace has a host machine; `verb` needs it. */
int joint_feed_need_host(const struct joint_feed *feed, const char *verb, struct error *error);

/* Feeds all. Reads what is before the part asked for, too: it says what was going on when that began. -ENOMEM. */
int joint_feed_run(struct joint_feed *feed, struct error *error);

/* Names for people, at most 63 bytes, raw: "guest", or "pid 4711" of a VM without any; "guest vCPU 0". */
struct joint_name {
	char text[96];
};
struct joint_name joint_feed_vm(const struct joint_feed *feed, uint32_t vcpu);
struct joint_name joint_feed_vcpu(const struct joint_feed *feed, uint32_t vcpu);

/* Seconds since the trace's start: "1.234567". */
struct human joint_feed_when(const struct joint_feed *feed, uint64_t at_ns);

/* vCPUs' numbers in the order of host, VM, number; heap, *count of them. NULL: none, or no memory. */
uint32_t *joint_feed_sorted(const struct joint_feed *feed, size_t *count);

/* Is there a condition on guests' tasks? */
bool joint_feed_chooses_tasks(const struct joint_feed *feed);

/* Is it an event of the machine that was chosen, or of a guest of the host that was? */
bool joint_feed_wants_guest(const struct joint_feed *feed, const struct joint_guest_event *event);
