/* SPDX-License-Identifier: MIT */
/*
 * A throw-away guest: QEMU, an initramfs made for one command, and a region of its memory that the host sees
 * too.
 *
 *   vm_create()   makes the run's directory, with the region's file and the initramfs in it
 *                 (now a recorder may write its wishes into vm_region_path())
 *   vm_start()    starts QEMU
 *   vm_poll()     again and again: passes on what the guest writes and reads, until it has ended
 *   vm_status()   the command's exit status, or why there is none
 *   vm_destroy()  ends QEMU if it still runs, and removes the directory
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/error.h"

/* Where the region lies in the guest's memory, whatever the size of either. See vm_memory.h. */
#define VM_REGION_ADDRESS     UINT64_C(0x8000000)
#define VM_REGION_ALIGN_BYTES (UINT64_C(2) << 20)

/* What ends a run without the command's status. */
#define VM_STATUS_TIMEOUT 124
#define VM_STATUS_FAILED  125

enum vm_accel {
	VM_ACCEL_AUTO, /* KVM where the CPU has svm or vmx and /dev/kvm opens, else TCG */
	VM_ACCEL_KVM,
	VM_ACCEL_TCG,
	VM_ACCEL_TCG_SINGLE, /* all vCPUs in one thread, see docs/testing.md */
};

struct vm_config {
	const char *vmlinuz;
	unsigned int smp;
	uint64_t memory_bytes; /* what the guest has for itself; the region is beside it */
	enum vm_accel accel;
	bool icount;             /* one guest instruction is one guest nanosecond; one vCPU */
	const char *region_path; /* the region's file, made by the caller; NULL: one in the run's directory */
	uint64_t region_bytes;   /* multiple of VM_REGION_ALIGN_BYTES; 0: no region */
	const char *module;      /* hypertrace.ko; NULL: none */
	const char *module_parameters; /* of it; NULL: those that tell it of the region */
	const char *const *files;      /* "LOCAL" or "LOCAL:GUEST" */
	size_t file_count;
	const char *const *command;        /* NULL-ended */
	const char *append;                /* further words for the kernel's command line; NULL: none */
	const char *const *qemu_arguments; /* further ones */
	size_t qemu_argument_count;
	const char *qmp_path;   /* socket that QEMU makes; NULL: none */
	bool hold_end;          /* a guest that has ended stays in QEMU's memory until vm_release() */
	double timeout_s;       /* 0: none */
	bool verbose;           /* the kernel's console goes to stderr_fd */
	const char *kernel_log; /* file for all that the kernel's console said; NULL: none */
	int stdin_fd, stdout_fd, stderr_fd;
};

struct vm;

/* -EINVAL: a value of config is out of range; -ENOENT: a file or program is missing; others as the system says. */
int vm_create(struct vm **vm, const struct vm_config *config, struct error *error);
const char *vm_region_path(const struct vm *vm); /* NULL: no region */
int vm_start(struct vm *vm, struct error *error);

/*
 * Serves the guest for at most timeout_ms, or until wake_fd (-1: none) is readable. Returns 1 while the guest
 * runs, 2 while it is held at its end, 0 once it has ended and all it wrote is passed on, or a negative errno.
 */
int vm_poll(struct vm *vm, int wake_fd, int timeout_ms, struct error *error);

/* Of QEMU, once it is started. */
pid_t vm_pid(const struct vm *vm);

/* Lets a held guest go. */
void vm_release(struct vm *vm);

/*
 * After the end: the command's exit status (128 + n for signal n), or VM_STATUS_TIMEOUT or VM_STATUS_FAILED
 * with `error` saying what happened: a panic, a killed QEMU, a module that did not load.
 */
int vm_status(struct vm *vm, struct error *error);

/* NULL is allowed. */
void vm_destroy(struct vm *vm);
