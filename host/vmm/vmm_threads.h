/* SPDX-License-Identifier: MIT */
/* Which threads of a VMM run its vCPUs. */
#pragma once
#include "host/vmm/vmm.h"

/* The vCPU that a thread of that name runs ("CPU 3/KVM", "CPU 3/TCG", "fc_vcpu 3", "vcpu3", …); -1: none. */
int32_t vmm_thread_vcpu(const char *comm, enum vmm_accel *accel);

/* Says that `tid` runs `vcpu`; 0: some thread does. -ENOMEM; -E2BIG. */
int vmm_add_vcpu(struct vmm *vmm, uint32_t vcpu, pid_t tid);

/*
 * Finds the threads. By their names: QEMU gives them with -name debug-threads=on, as libvirt has it. Else, under KVM, by
 * what they do: a thread that halts in KVM_RUN names its vCPU's descriptor (proc_pid_syscall(5), needs CAP_SYS_PTRACE);
 * those that never halt are what is left, if there are as many of them as vCPUs are missing. `directory`: /proc/PID.
 * -ENOMEM.
 */
int vmm_threads_find(struct vmm *vmm, int directory);

/*
 * Asks QEMU itself, by the first of its sockets that nobody holds; for at most half a second each. `proc_fd`: to see
 * who holds it. 0 also if there is no answer; -ENOMEM.
 */
int vmm_threads_ask(struct vmm *vmm, int proc_fd);

/*
 * Is somebody connected to that socket, and stays? QEMU serves one client at a time, and the next one waits. Takes up to
 * a tenth of a second where it is so.
 */
bool vmm_socket_is_busy(int proc_fd, const char *path);
