/* SPDX-License-Identifier: MIT */
/*
 * How a vCPU's TSC follows from the host's: KVM tells offset and scaling in debugfs, kvm/PID-FD/vcpuN/{tsc-offset,
 * tsc-scaling-ratio,tsc-scaling-ratio-frac-bits} (virt/kvm, since 4.16). guest = (host * ratio >> ratio_bits) + offset.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VCPU_CLOCK_DEBUGFS   "/sys/kernel/debug/kvm"
#define VCPU_CLOCK_VCPUS_MAX 4096

struct vcpu_clock {
	uint32_t vcpu;
	int64_t offset;
	uint64_t ratio;      /* 0: not scaled */
	uint32_t ratio_bits; /* below 64 */
};

/* Both clocks of this host at one moment. */
struct vcpu_clock_host {
	uint64_t tsc;
	int64_t host_ns;   /* CLOCK_MONOTONIC, within bound_ns */
	uint64_t bound_ns; /* half of the time that the tightest of several readings took */
};

/* Reads them; false: this CPU has no TSC. */
bool vcpu_clock_read_host(struct vcpu_clock_host *reading);

/*
 * The vCPUs of the VMM `pid`, as the directory `debugfs` (VCPU_CLOCK_DEBUGFS) knows them, at most `max`, by no order. One
 * of several VMs of the same VMM: the first. Returns how many; 0: it knows none; -errno: it cannot be read. A vCPU
 * whose files make no sense is left out.
 */
ssize_t vcpu_clock_read(
	const char *debugfs, const char *proc, pid_t pid, struct vcpu_clock *clocks, size_t max);

/* What the vCPU's TSC is when the host's is host_tsc. */
uint64_t vcpu_clock_guest(const struct vcpu_clock *clock, uint64_t host_tsc);

/* Do both give the same? */
bool vcpu_clock_is_same(const struct vcpu_clock *a, const struct vcpu_clock *b);
