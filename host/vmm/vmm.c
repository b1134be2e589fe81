/* SPDX-License-Identifier: MIT */
#include "host/vmm/vmm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vmm/vmm_threads.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"

#define COMMAND_BYTES_MAX (4u << 20)
#define DESCRIPTORS_MAX   (1u << 20)
#define STARTTIME_FIELD   22

/* "anon_inode:kvm-vm", "anon_inode:kvm-vcpu:3" among what it has open. -ENOMEM. */
static int look_at_descriptors(struct vmm *vmm, int directory, bool *has_vm)
{
	const int fd = openat(directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *descriptors = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!descriptors) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	vmm->sees_descriptors = true;
	for (unsigned i = 0; i < DESCRIPTORS_MAX && !err && (entry = readdir(descriptors)); i++) {
		char target[64];
		const ssize_t length = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
		unsigned vcpu;

		if (length < 0)
			continue;
		target[length] = '\0';
		*has_vm |= !strcmp(target, "anon_inode:kvm-vm");
		if (sscanf(target, "anon_inode:kvm-vcpu:%u", &vcpu) == 1 && vcpu <= UINT16_MAX)
			err = vmm_add_vcpu(vmm, vcpu, 0);
	}
	closedir(descriptors);
	return err == -E2BIG ? 0 : err;
}

/* false: it has ended. */
static bool read_start(struct vmm *vmm, int directory)
{
	cleanup_free char *text = NULL;
	unsigned long long ticks;
	char *at;

	if (file_read_small(directory, "stat", 4096, &text, NULL, NULL))
		return false;
	at = strrchr(text, ')'); /* the second field is a name that may hold anything */
	for (int field = 2; at && field < STARTTIME_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &ticks) != 1)
		return false;
	vmm->start_ticks = ticks;
	return true;
}

/* Paths of sockets that are relative to its working directory are of no use to us as they are. */
static void resolve_sockets(struct vmm_command *command, int directory)
{
	char cwd[VMM_SOCKET_BYTES], path[2 * VMM_SOCKET_BYTES];
	const ssize_t length = readlinkat(directory, "cwd", cwd, sizeof(cwd) - 1);
	size_t kept = 0;

	for (size_t i = 0; i < command->nr_sockets; i++) {
		const char *socket = command->sockets[i];

		snprintf(path, sizeof(path), "%s", socket);
		if (socket[0] != '/') {
			if (length <= 0)
				continue;
			snprintf(path, sizeof(path), "%.*s/%s", (int)length, cwd, socket);
		}
		if (strlen(path) < VMM_SOCKET_BYTES)
			strcpy(command->sockets[kept++], path);
	}
	command->nr_sockets = kept;
}

static void name_it(struct vmm *vmm)
{
	vmm->is_named = vmm->command.name[0];
	if (vmm->is_named)
		snprintf(vmm->name, sizeof(vmm->name), "%s", vmm->command.name);
	else
		snprintf(vmm->name, sizeof(vmm->name), "%s:%d", vmm->command.program, (int)vmm->pid);
}

/* Where neither a thread's name nor a descriptor tells. */
static void judge_accel(struct vmm *vmm, bool has_vm)
{
	if (vmm->accel != VMM_ACCEL_UNKNOWN)
		return;
	if (has_vm || vmm->nr_vcpus)
		vmm->accel = VMM_ACCEL_KVM;
	else if (vmm->command.accel != VMM_ACCEL_UNKNOWN)
		vmm->accel = vmm->command.accel;
	else if (vmm->sees_descriptors)
		vmm->accel = VMM_ACCEL_TCG;
}

static bool has_all_threads(const struct vmm *vmm)
{
	bool has_all = vmm->nr_vcpus;

	for (size_t i = 0; i < vmm->nr_vcpus; i++)
		has_all &= vmm->vcpus[i].tid != 0;
	return has_all;
}

static int find_vcpus(struct vmm *vmm, int proc_fd)
{
	const uint32_t nr_cpus = vmm->command.nr_cpus < VMM_VCPUS_MAX ? vmm->command.nr_cpus : VMM_VCPUS_MAX;
	int err = has_all_threads(vmm) ? 0 : vmm_threads_ask(vmm, proc_fd);

	/* all that is left is their number */
	if (!vmm->nr_vcpus)
		for (uint32_t i = 0; !err && i < nr_cpus; i++)
			err = vmm_add_vcpu(vmm, i, 0);
	vmm->knows_threads = has_all_threads(vmm);
	return err;
}

static int fill(struct vmm *vmm, int proc_fd, int directory)
{
	bool has_vm = false, is_kvm;
	int err = look_at_descriptors(vmm, directory, &has_vm);

	is_kvm = has_vm || vmm->nr_vcpus;
	if (is_kvm)
		vmm->accel = VMM_ACCEL_KVM;
	/* one that we may not look into tells by its threads all the same */
	if (!err && (is_kvm || vmm->command.is_qemu || !vmm->sees_descriptors))
		err = vmm_threads_find(vmm, directory);
	is_kvm |= !vmm->sees_descriptors && vmm->accel == VMM_ACCEL_KVM;
	if (err || !(vmm->command.is_qemu || is_kvm) || !read_start(vmm, directory))
		return err;
	judge_accel(vmm, has_vm);
	resolve_sockets(&vmm->command, directory);
	name_it(vmm);
	err = find_vcpus(vmm, proc_fd);
	return err ? err : 1;
}

int vmm_read(struct vmm *vmm, int proc_fd, pid_t pid)
{
	cleanup_close int directory = -1;
	cleanup_free char *line = NULL;
	char path[32];
	size_t bytes;
	int err;

	*vmm = (struct vmm){.pid = pid};
	snprintf(path, sizeof(path), "%d", (int)pid);
	directory = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || file_read_small(directory, "cmdline", COMMAND_BYTES_MAX, &line, &bytes, NULL) ||
		!bytes)
		return 0; /* it has ended; or a thread of the kernel, which has no command line */
	vmm_command_parse(&vmm->command, line, bytes);
	err = fill(vmm, proc_fd, directory);
	if (err <= 0)
		vmm_deinit(vmm);
	return err;
}

void vmm_deinit(struct vmm *vmm)
{
	free(vmm->vcpus);
	*vmm = (struct vmm){0};
}

pid_t vmm_vcpu_tid(const struct vmm *vmm, uint32_t vcpu)
{
	for (size_t i = 0; i < vmm->nr_vcpus; i++)
		if (vmm->vcpus[i].vcpu == vcpu)
			return vmm->vcpus[i].tid;
	return 0;
}
