/* SPDX-License-Identifier: MIT */
/*
 * The physical memory of a guest, read only: of a running VMM through /proc/PID/mem, of a file that holds its RAM
 * (memory-backend-file, or a raw dump), or of an ELF core dump (dump-guest-memory, virsh dump, kdump's vmcore
 * uncompressed). Always copied, never mapped: a file may be truncated and a process may end at any moment, and that is
 * an error here, not a signal.
 *
 * Where the guest-physical addresses lie is known (an ELF dump, QMP) or guessed: then there are several layouts, and
 * whoever recognises a kernel in one of them says so with guest_memory_use_layout().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/error.h"

#define GUEST_PAGE_BYTES         4096u
#define GUEST_MEMORY_RANGES_MAX  (1u << 18) /* a dump without its unused pages has very many */
#define GUEST_MEMORY_LAYOUTS_MAX 16
#define GUEST_MEMORY_CPUS_MAX    4096

/* RAM at [physical, physical + bytes) is at `offset` of the file, or of the process's address space. */
struct guest_memory_range {
	uint64_t physical, bytes, offset;
};

/*
 * One way to place what was found; ranges by rising physical address, without overlaps. Guesses agree on what is below
 * their holes, where a kernel's image usually lies: what tells them apart is an address above 4 GiB that leads to what
 * it should.
 */
struct guest_memory_layout {
	struct guest_memory_range *ranges;
	size_t nr_ranges;
	char why[64]; /* "from QMP", "one block", "hole from 3 GiB on", … */
};

/* Of one CPU, as a dump holds them. */
struct guest_registers {
	uint64_t rip, rsp, rbp, rflags, cr3; /* cr3: 0 if the dump does not say */
};

struct guest_memory {
	char name[256];  /* for messages: "process 1234", "dump.elf" */
	int fd;          /* the file, or /proc/PID/mem */
	pid_t pid;       /* 0: a file */
	int pid_fd;      /* of the VMM, readable once it has ended; -1: a file */
	bool is_live;    /* a process, or a file that may be changing */
	bool is_cut_off; /* a dump that ends before all of its RAM */
	bool is_guessed; /* from a process's mappings: a VMM that has just started may have made others since */
	struct guest_memory_layout layouts[GUEST_MEMORY_LAYOUTS_MAX];
	size_t nr_layouts, current; /* at least one; current: the one that reads go by */
	struct guest_registers *registers;
	size_t nr_registers;

	/* All that can be read, whatever the layout: by rising offset, without overlaps. Page limits are those of
	 * `physical`, which says no more than that here. */
	struct guest_memory_range *places;
	size_t nr_places;
	struct memory_backing *backings; /* of a process: the files behind its shared mappings */
	size_t nr_backings;
	int pagemap_fd; /* of a process: which pages exist; -1: not to be told */
};

/*
 * A running VMM. With QMP the layout is QEMU's own word; else it is guessed from /proc/PID/maps.
 * -ESRCH: no such process; -EACCES, -EPERM: not allowed (the hint names CAP_SYS_PTRACE and ptrace_scope);
 * -ENODEV: a process that holds nothing that could be a guest's memory; errors of qmp_init(). After an error the
 * memory is as after guest_memory_deinit().
 */
int guest_memory_open_process(struct guest_memory *memory, pid_t pid, struct error *error);
int guest_memory_open_qmp(struct guest_memory *memory, const char *socket, struct error *error);

/*
 * A file: an ELF core dump by its header, else RAM from physical address 0 on (layouts with a hole below 4 GiB are
 * guessed where it is large enough). Errors name the file, the offset and the reason: -EINVAL (damaged, no x86-64
 * dump), -ENOTSUP (compressed: kdump's or virsh's other formats; the hint says how to convert), errors of open().
 */
int guest_memory_open_file(struct guest_memory *memory, const char *path, struct error *error);

void guest_memory_deinit(struct guest_memory *memory);
#define cleanup_guest_memory __attribute__((cleanup(guest_memory_deinit)))
#define GUEST_MEMORY_NONE    ((struct guest_memory){.fd = -1, .pid_fd = -1, .pagemap_fd = -1})

/*
 * Copies [physical, physical + bytes). 0; -EFAULT: not all of it is RAM (or is any more: unplugged); -ESRCH: the VMM
 * has ended; -EIO: the file ends earlier, or cannot be read. `bytes` may span ranges. Aligned 8-byte words of a live
 * guest are copied whole on every x86-64 Linux we know of, but no standard says so: readers check what they read.
 */
int guest_memory_read(const struct guest_memory *memory, uint64_t physical, void *data, size_t bytes);

/*
 * The next page, in no order of addresses, whose first bytes are `prefix`: for the search of what lies at the start of
 * a page. Start with *cursor = 0. Pages that were never touched are passed over without being made. 1: found, *offset
 * is the page's in the terms of struct guest_memory_range; 0: no more; -ESRCH, -EIO, -ENOMEM;
 * -EINVAL: a prefix of no bytes, or of more than a page.
 */
int guest_memory_find_page(const struct guest_memory *memory, const void *prefix, size_t prefix_bytes,
	uint64_t *cursor, uint64_t *offset);

/* Reads at such an offset, whatever the layout. Errors of guest_memory_read(). */
int guest_memory_read_offset(const struct guest_memory *memory, uint64_t offset, void *data, size_t bytes);

/* From here on reads go by that layout. */
void guest_memory_use_layout(struct guest_memory *memory, size_t layout);

/* Of the current layout: one past the highest address of RAM. */
uint64_t guest_memory_end(const struct guest_memory *memory);

/* Has the VMM ended? Never of a file. */
bool guest_memory_has_ended(const struct guest_memory *memory);
