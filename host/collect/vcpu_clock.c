/* SPDX-License-Identifier: MIT */
#include "host/collect/vcpu_clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

#define TRIES        8
#define NUMBER_BYTES 64

static bool read_tsc(uint64_t *tsc)
{
#if defined(__x86_64__)
	unsigned low, high;

	/* not before what is in front of it, nor after what is behind */
	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
	*tsc = (uint64_t)high << 32 | low;
	return true;
#else
	*tsc = 0;
	return false;
#endif
}

bool vcpu_clock_read_host(struct vcpu_clock_host *reading)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		const uint64_t before = clock_now_ns(CLOCK_MONOTONIC);
		uint64_t tsc, took;

		if (!read_tsc(&tsc))
			return false;
		took = clock_now_ns(CLOCK_MONOTONIC) - before;
		if (took >= least)
			continue;
		least = took;
		reading->tsc = tsc;
		reading->host_ns = (int64_t)(before + took / 2);
		reading->bound_ns = took / 2 + 1;
	}
	return true;
}

/* A file that holds one decimal number. */
static bool read_number(int dir_fd, const char *name, bool may_be_negative, uint64_t *value)
{
	cleanup_free char *text = NULL;
	size_t bytes;
	bool negative;

	if (file_read_small(dir_fd, name, NUMBER_BYTES, &text, &bytes, NULL))
		return false;
	while (bytes && (text[bytes - 1] == '\n' || text[bytes - 1] == ' '))
		bytes--;
	negative = may_be_negative && bytes && text[0] == '-';
	if (text_parse_unsigned(text + negative, bytes - negative,
		    may_be_negative ? (uint64_t)INT64_MAX + negative : UINT64_MAX, value))
		return false;
	if (negative)
		*value = -*value;
	return true;
}

static bool read_vcpu(int vm_fd, const char *name, struct vcpu_clock *clock)
{
	cleanup_close int fd = openat(vm_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t vcpu, offset, bits;

	if (fd < 0 || text_parse_unsigned(name + 4, strlen(name + 4), UINT16_MAX, &vcpu) ||
		!read_number(fd, "tsc-offset", true, &offset))
		return false;
	*clock = (struct vcpu_clock){.vcpu = (uint32_t)vcpu, .offset = (int64_t)offset};
	/* where KVM cannot scale, these are not there */
	if (faccessat(fd, "tsc-scaling-ratio", F_OK, 0))
		return true;
	if (!read_number(fd, "tsc-scaling-ratio", false, &clock->ratio) ||
		!read_number(fd, "tsc-scaling-ratio-frac-bits", false, &bits) || bits > 63)
		return false;
	clock->ratio_bits = (uint32_t)bits;
	return true;
}

/* Is "PID-FD" of that VMM? The number is of the thread that made the VM. */
static bool is_of(const char *name, const char *proc, pid_t pid)
{
	const char *dash = strchr(name, '-');
	char path[4096];
	uint64_t tid;

	if (!dash || text_parse_unsigned(name, (size_t)(dash - name), INT32_MAX, &tid))
		return false;
	if ((pid_t)tid == pid)
		return true;
	snprintf(path, sizeof(path), "%s/%d/task/%d", proc, (int)pid, (int)tid);
	return !access(path, F_OK);
}

static size_t read_vm(int vm_fd, struct vcpu_clock *clocks, size_t max)
{
	DIR *vm = fdopendir(vm_fd);
	struct dirent *entry;
	size_t count = 0;

	if (!vm) {
		close(vm_fd);
		return 0;
	}
	while (count < max && (entry = readdir(vm)))
		if (!strncmp(entry->d_name, "vcpu", 4))
			count += read_vcpu(dirfd(vm), entry->d_name, &clocks[count]);
	closedir(vm);
	return count;
}

ssize_t vcpu_clock_read(
	const char *debugfs, const char *proc, pid_t pid, struct vcpu_clock *clocks, size_t max)
{
	DIR *vms = opendir(debugfs);
	struct dirent *entry;
	size_t count = 0;
	int fd;

	if (!vms)
		return -errno;
	while (!count && (entry = readdir(vms))) {
		if (!is_of(entry->d_name, proc, pid))
			continue;
		fd = openat(dirfd(vms), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			count = read_vm(fd, clocks, max);
	}
	closedir(vms);
	return (ssize_t)count;
}

uint64_t vcpu_clock_guest(const struct vcpu_clock *clock, uint64_t host_tsc)
{
	const uint64_t scaled = clock->ratio
		? (uint64_t)((unsigned __int128)host_tsc * clock->ratio >> clock->ratio_bits)
		: host_tsc;

	return scaled + (uint64_t)clock->offset;
}

bool vcpu_clock_is_same(const struct vcpu_clock *a, const struct vcpu_clock *b)
{
	return a->offset == b->offset && a->ratio == b->ratio && a->ratio_bits == b->ratio_bits;
}
