/* SPDX-License-Identifier: MIT */
/*
 * xen_events FILE: how often each event happened, and how long vCPUs waited for a pCPU after they were woken.
 *
 *	cc xen_events.c -lhypertrace_xen -o xen_events
 */
#include <hypertrace_xen.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAMES 256

struct tally {
	const char *name;
	uint64_t count;
};

static void count(struct tally *tally, const char *name)
{
	unsigned i = 0;

	/* one name is one constant, or its neighbour of the same text */
	while (i < NAMES - 1 && tally[i].name && strcmp(tally[i].name, name) != 0)
		i++;
	tally[i].name = name;
	tally[i].count++;
}

/* sched_switch_infnext says how long the vCPU could have run. */
static uint64_t waited_ns(const struct hypertrace_xen_event *event)
{
	struct hypertrace_xen_field fields[HYPERTRACE_XEN_FIELDS];
	unsigned n = hypertrace_xen_fields(event, fields);

	for (unsigned i = 0; i < n; i++)
		/* beyond that it is a time below 0 */
		if (strcmp(fields[i].name, "runnable") == 0 && fields[i].value <= INT32_MAX)
			return fields[i].value;
	return 0;
}

int main(int argc, char **argv)
{
	struct tally tally[NAMES] = {{0}};
	struct hypertrace_xen_error error;
	struct hypertrace_xen_counts counts;
	struct hypertrace_xen_event event;
	struct hypertrace_xen *trace;
	uint64_t longest = 0;
	int result;

	if (argc != 2) {
		fputs("xen_events FILE\n", stderr);
		return 2;
	}
	if (hypertrace_xen_open(argv[1], &trace, &error)) {
		fprintf(stderr, "%s\n%s\n", error.text, error.hint);
		return 1;
	}
	while ((result = hypertrace_xen_next(trace, &event, &error)) > 0) {
		count(tally, event.name ? event.name : "(not known)");
		if (event.name && strcmp(event.name, "sched_switch_infnext") == 0) {
			uint64_t waited = waited_ns(&event);

			longest = waited > longest ? waited : longest;
		}
	}
	if (result < 0)
		fprintf(stderr, "%s\n", error.text);
	for (unsigned i = 0; i < NAMES && tally[i].name; i++)
		printf("%10" PRIu64 " %s\n", tally[i].count, tally[i].name);
	hypertrace_xen_counts(trace, &counts);
	printf("%" PRIu64 " events of %" PRIu32 " pCPUs, %" PRIu64 " lost, %" PRIu64
	       " bytes unusable; TSC at %.1f MHz; the longest wait %.3f ms\n",
		counts.events, counts.pcpus, counts.lost, counts.skipped_bytes,
		hypertrace_xen_hz(trace, NULL) / 1e6, (double)longest / 1e6);
	hypertrace_xen_close(trace);
	return result < 0 || counts.skipped_bytes;
}
