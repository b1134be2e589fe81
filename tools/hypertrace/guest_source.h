/* SPDX-License-Identifier: MIT */
/* -g, --pid, --qmp, --ram, --wait and DUMP: the guest whose memory `dmesg`, `ps` and others read. */
#pragma once
#include "host/kernel/guest_kernel.h"
#include "host/memory/guest_memory.h"
#include "tools/hypertrace/guest_name.h"
#include "tools/hypertrace/options.h"

struct guest_source_options {
	const char *guest, *pid, *qmp, *ram;
	double wait_s;
};

/* clang-format off */
#define GUEST_SOURCE_OPTION(type, member) offsetof(type, source.member)
/* For the table of a verb whose struct of options has a `struct guest_source_options source`. */
#define GUEST_SOURCE_OPTION_SPECS(type) \
	{'g', "guest", "NAME", OPTION_STRING, GUEST_SOURCE_OPTION(type, guest), GUEST_NAME_HELP}, \
	{'p', "pid", "PID", OPTION_STRING, GUEST_SOURCE_OPTION(type, pid), \
		"process of the guest's VMM: QEMU or any other"}, \
	{0, "qmp", "SOCKET", OPTION_STRING, GUEST_SOURCE_OPTION(type, qmp), "QMP socket of the guest's QEMU"}, \
	{0, "ram", "FILE", OPTION_STRING, GUEST_SOURCE_OPTION(type, ram), \
		"file of the guest's RAM (memory-backend-file), or a raw dump of it"}, \
	{0, "wait", "TIME", OPTION_SECONDS, GUEST_SOURCE_OPTION(type, wait_s), \
		"wait so long for a guest that is only starting, or still in its firmware; default not at all"}
/* clang-format on */

/* For the description of such a verb. */
#define GUEST_SOURCE_DESCRIPTION                                                                                                                     \
	"The guest is a stock one: nothing of ours is in it, and it notices nothing. It is named as hypertrace list does, or by the process of its " \
	"VMM, by QEMU's QMP socket, by the file of its RAM, or by a dump (an ELF core of dump-guest-memory, virsh dump "                             \
	"--memory-only or kdump). Reading another process's memory needs the rights to trace it: the same user and "                                 \
	"kernel.yama.ptrace_scope 0, or CAP_SYS_PTRACE."

/* An open guest. */
struct guest_source {
	struct guest_memory memory;
	struct guest_kernel kernel; /* points to `memory`: a source does not move */
};
#define GUEST_SOURCE_NONE ((struct guest_source){.memory = GUEST_MEMORY_NONE})

/* "--pid: 'x' is not a process id". -EINVAL, with a hint. */
int guest_source_parse_pid(const char *text, pid_t *pid, struct error *error);

/* Is exactly one guest named, in words that can be? Touches nothing. `dumps`: the operands. -EINVAL, with a hint. */
int guest_source_check(
	const struct guest_source_options *options, int nr_dumps, char **dumps, struct error *error);

/* Opens its memory and finds its kernel. Errors of guest_memory_open_*() and guest_kernel_init(). */
int guest_source_open(struct guest_source *source, const struct guest_source_options *options,
	const char *dump, struct error *error);
void guest_source_close(struct guest_source *source);
#define cleanup_guest_source __attribute__((cleanup(guest_source_close)))

/* After a reboot: finds the kernel that is in the memory now, within `wait_s`. Errors of guest_kernel_init(). */
int guest_source_find_kernel(struct guest_source *source, double wait_s, struct error *error);
