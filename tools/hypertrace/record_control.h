/* SPDX-License-Identifier: MIT */
/*
 * record --control FIFO: what is wanted of the guests from now on, a line at a time, while they are recorded. A line is
 * options as on the command line, of which it takes the place whole; or `stop`.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "host/collect/recorder.h"

#define RECORD_CONTROL_LINE_MAX 8192

struct record_control {
	const char *path; /* NULL: there is none */
	int fd;
	bool made;   /* by us, and to be taken away */
	bool skips;  /* to the end of a line that was too long */
	size_t used; /* of `line` */
	char line[RECORD_CONTROL_LINE_MAX];
	const struct recorder_options *options; /* of the recording; must outlive it */
};

/* Opens the FIFO, makes it if it is not there. Errors of mkfifo() and open(); -EINVAL: something else. */
int record_control_open(struct record_control *control, const char *path,
	const struct recorder_options *options, struct error *error);
void record_control_close(struct record_control *control);

/* Does what the lines say that have come. What is wrong with one the notice says. True: to stop. */
bool record_control_poll(struct record_control *control, struct recorder *recorder);

/*
 * Cuts a line into words at blanks, as a shell does: '…' and "…" hold them together, \ takes the next character as it is.
 * Returns how many; -EINVAL: a quote that does not end; -E2BIG: more than `room`. Writes into the line.
 */
int record_control_split(char *line, char **words, int room);
