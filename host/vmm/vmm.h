/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine monitor on this host: a process that runs a guest. It is found by what it is: a process with
 * KVM's descriptors of a VM's vCPUs, whatever its name, or a QEMU, which may emulate. What is read is under /proc/PID, and
 * all text in it is the process's own choice: raw, bounded.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "host/vmm/vmm_command.h"

#define VMM_VCPUS_MAX 4096

struct vmm_vcpu {
	uint32_t vcpu; /* KVM's number, QEMU's index */
	pid_t tid;     /* the thread that runs it; 0: not known */
};

struct vmm {
	pid_t pid;
	uint64_t start_ticks;      /* since the boot of the host: a pid may come again, with another one */
	char name[VMM_NAME_BYTES]; /* of the guest: given to it, or "PROGRAM:PID" */
	bool is_named;             /* given to it */
	struct vmm_command command;
	enum vmm_accel accel;
	bool sees_descriptors;  /* we may look at what it has open */
	struct vmm_vcpu *vcpus; /* heap, owned; by rising number */
	size_t nr_vcpus;
	bool knows_threads; /* each has its tid */
};

/*
 * Reads what process `pid` is. `proc_fd`: the directory /proc. 1: a VMM, *vmm is filled and to be deinited; 0: none, or
 * it has ended meanwhile; -ENOMEM.
 */
int vmm_read(struct vmm *vmm, int proc_fd, pid_t pid);
void vmm_deinit(struct vmm *vmm);

/* The thread of a vCPU; 0: not known. */
pid_t vmm_vcpu_tid(const struct vmm *vmm, uint32_t vcpu);
