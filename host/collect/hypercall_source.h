/* SPDX-License-Identifier: MIT */
/*
 * Our hypercalls of this host's VMs, taken by host/bpf/hypercall.bpf.c. Each VM that is watched has a ring of its own, so
 * that one that floods it loses its own calls only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "host/bpf/hypercall.h"
#include "host/memory/guest_memory.h"
#include "lib/base/error.h"

struct hypercall_source; /* the program, loaded and attached */
struct ring_buffer;      /* libbpf's */

/*
 * -ENODEV: no KVM on this host; errors of libbpf_log_error(): no rights, a kernel that cannot load it. NULL then.
 */
int hypercall_source_create(struct hypercall_source **source, struct error *error);
void hypercall_source_destroy(struct hypercall_source *source);

/*
 * A VM that nobody watches and whose guest has made a call of ours: its VMM's process. 0: none. Each is named once;
 * hypercall_watch_init() then begins with the calls it has made so far, without packets.
 */
pid_t hypercall_source_stranger(struct hypercall_source *source);

/* Such a VM is not to be watched: forgets what it said, and keeps out what it will say. */
void hypercall_source_ignore(struct hypercall_source *source, pid_t pid);

/* Is called for each call, in order. Nonzero: enough for now. */
typedef int hypercall_fn(void *context, const struct hypercall_record *record, size_t bytes);

/* One VM that is watched. */
struct hypercall_watch {
	struct hypercall_source *source;
	pid_t pid;
	int ring_fd;
	struct ring_buffer *ring;
	hypercall_fn *take;
	void *context;
	unsigned left; /* calls until enough were taken */
	bool begun;    /* its early calls were handed out */
};

/* From now on the VM's calls are kept. -EEXIST: it is watched; -E2BIG, -ENOMEM. */
int hypercall_watch_init(struct hypercall_watch *watch, struct hypercall_source *source, pid_t pid,
	hypercall_fn *take, void *context, struct error *error);
void hypercall_watch_deinit(struct hypercall_watch *watch);

/* Packets are copied by the memory's current layout from now on. -ENOMEM and errors of bpf(). */
int hypercall_watch_place(struct hypercall_watch *watch, const struct guest_memory *memory);

/* Takes up to `most` calls. Returns how many. */
unsigned hypercall_watch_poll(struct hypercall_watch *watch, unsigned most);

/* What this thread's calls that did not fit brought so far; zeros where all fitted. */
struct hypercall_lost hypercall_source_lost(const struct hypercall_source *source, pid_t tid);
