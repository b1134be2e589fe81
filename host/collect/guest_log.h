/* SPDX-License-Identifier: MIT */
/*
 * A stock guest's kernel log and tasks, kept beside its events: TRACE/<machine>/names/dmesg, a line for each message,
 * "<LEVEL>[SECONDS] TEXT", escaped; and TRACE/<machine>/names/tasks.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include "host/collect/names_writer.h"
#include "host/kernel/guest_kernel.h"
#include "host/kernel/printk_ring.h"

#define GUEST_LOG_FILE      "names/dmesg" /* not among the streams: CTF readers take every file there for one */
#define GUEST_LOG_BYTES_MAX (64u << 20)

struct guest_log {
	struct printk_ring ring;
	FILE *file;
	uint64_t bytes;
};

/* -EAGAIN: there is no log so far, or it cannot be read; errors of creating the file. */
int guest_log_init(
	struct guest_log *log, const struct guest_kernel *kernel, int machine_fd, struct error *error);

/* Appends what the guest has said since. `final`: also past a record that it has not finished. */
void guest_log_poll(struct guest_log *log, bool final);
void guest_log_deinit(struct guest_log *log);

/* Writes the names of all tasks there are, with their processes. What cannot be read is left out. */
void guest_log_tasks(const struct guest_kernel *kernel, struct names_writer *names);
