/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_process.h"
#include "host/memory/memory_backing.h"
#include "host/memory/memory_candidates.h"
#include "host/memory/memory_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

/* The number behind "name:" in /proc/PID/status, else `otherwise`; "State:" gives its letter. */
static long read_status(pid_t pid, const char *name, long otherwise)
{
	cleanup_free char *text = NULL;
	char path[64], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (file_read_small(AT_FDCWD, path, 65536, &text, NULL, NULL))
		return otherwise;
	for (at = text; at && *at; at = strchr(at, '\n'), at += at ? 1 : 0)
		if (!strncmp(at, name, strlen(name)) && at[strlen(name)] == ':') {
			at += strlen(name) + 1;
			at += strspn(at, " \t");
			return *at >= '0' && *at <= '9' ? atol(at) : *at;
		}
	return otherwise;
}

/* "1234 (qemu-system-x86)": the name is the process's own choice. */
static void describe(pid_t pid, char *text, size_t size)
{
	cleanup_free char *name = NULL;
	char path[64], escaped[4 * 64 + 1];
	size_t bytes;

	snprintf(text, size, "%d", pid);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (file_read_small(AT_FDCWD, path, 64, &name, &bytes, NULL) || !bytes)
		return;
	escaped[text_escape(escaped, name, bytes - (name[bytes - 1] == '\n'))] = '\0';
	snprintf(text, size, "%d (%s)", pid, escaped);
}

/* A process without an address space: why that is. */
static int no_memory(pid_t pid, struct error *error)
{
	const long state = read_status(pid, "State", 0);
	int code;

	if (!state)
		code = error_set(error, -ESRCH, "process %d: no such process", pid);
	else if (state == 'Z' || state == 'X')
		code = error_set(
			error, -ESRCH, "process %d: has ended, and its parent has not taken note", pid);
	else
		code = error_set(error, -ENODEV, "process %d: a kernel thread has no memory of its own", pid);
	error_hint(error, "name the VMM's process: pidof qemu-system-x86_64");
	return code;
}

static int denied(pid_t pid, int code, struct error *error)
{
	char who[320];

	describe(pid, who, sizeof(who));
	error_set(error, code, "process %s: its memory: %s", who, strerror(-code));
	error_hint(error,
		"run as root or with CAP_SYS_PTRACE; as the same user it works where /proc/sys/kernel/yama/ptrace_scope is 0");
	return code;
}

/* A process descriptor is of a process, not of a thread of it. */
static int open_pid_fd(pid_t pid, struct error *error)
{
	long process;
	int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1, code = -errno;

	if (fd >= 0)
		return fd;
	if (pid <= 0)
		return error_set(error, -ESRCH, "process %d: no such process: ids are above 0", pid);
	process = read_status(pid, "Tgid", 0);
	if (process && process != pid) {
		error_set(error, -EINVAL, "process %d: a thread of process %ld", pid, process);
		error_hint(error, "name the process: %ld", process);
		return -EINVAL;
	}
	return code == -ESRCH || code == -EINVAL || code == -ENOENT
		? no_memory(pid, error)
		: error_set(error, code, "process %d: pidfd_open: %s", pid, strerror(-code));
}

static int open_files(struct guest_memory *memory, struct error *error)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", memory->pid);
	memory->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (memory->fd < 0 && (errno == EACCES || errno == EPERM))
		return denied(memory->pid, -errno, error);
	if (memory->fd < 0 && (errno == ENOENT || errno == ESRCH))
		return no_memory(memory->pid, error);
	if (memory->fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/pagemap", memory->pid);
	memory->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC); /* without: every page is looked at */
	return 0;
}

int memory_process_open(struct guest_memory *memory, pid_t pid, struct memory_maps *maps, struct error *error)
{
	int err;

	*memory = GUEST_MEMORY_NONE;
	*maps = MEMORY_MAPS_EMPTY;
	memory->is_live = true;
	memory->pid = pid;
	snprintf(memory->name, sizeof(memory->name), "process %d", pid);
	memory->pid_fd = open_pid_fd(pid, error);
	if (memory->pid_fd < 0)
		return memory->pid_fd;
	err = open_files(memory, error);
	if (!err)
		err = memory_maps_read(maps, pid, error);
	if (err == -ENOENT || err == -ESRCH || (!err && !maps->nr_maps))
		err = no_memory(pid, error);
	return err;
}

int memory_process_guess(struct guest_memory *memory, const struct memory_maps *maps, struct error *error)
{
	struct memory_map candidates[MEMORY_BLOCKS_MAX];
	size_t count = memory_candidates_find(maps, candidates), bytes = 0;
	cleanup_free char *line = NULL;
	char who[320], path[64];
	int err;

	if (!count) {
		describe(memory->pid, who, sizeof(who));
		error_set(error, -ENODEV, "process %s holds no memory that could be a guest's", who);
		error_hint(
			error, "name the VMM's process: one with a mapping as large as the guest's memory");
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "/proc/%d/cmdline", memory->pid);
	file_read_small(AT_FDCWD, path, 4u << 20, &line, &bytes, NULL); /* without: a guess the less */
	err = memory_candidates_guess(memory, candidates, count, line, line ? bytes : 0);
	return err ? error_set(error, err, "%s: %s", memory->name, strerror(-err)) : 0;
}

int memory_process_finish(struct guest_memory *memory, const struct memory_maps *maps)
{
	int err = memory_layout_places(memory);

	if (err)
		return err;
	memory->backings = calloc(maps->nr_maps, sizeof(*memory->backings));
	if (!memory->backings)
		return -ENOMEM;
	for (size_t i = 0; i < maps->nr_maps; i++) {
		const struct memory_map *map = &maps->maps[i];
		bool used = false;

		for (size_t j = 0; j < memory->nr_places && !used; j++)
			used = memory->places[j].offset < map->end &&
				memory->places[j].offset + memory->places[j].bytes > map->start;
		if (used && map->inode)
			memory_backing_open(&memory->backings[memory->nr_backings++], memory->pid, map);
	}
	return 0;
}

int guest_memory_open_process(struct guest_memory *memory, pid_t pid, struct error *error)
{
	cleanup_memory_maps struct memory_maps maps = MEMORY_MAPS_EMPTY;
	int err = memory_process_open(memory, pid, &maps, error);

	if (!err)
		err = memory_process_guess(memory, &maps, error);
	if (!err) {
		err = memory_process_finish(memory, &maps);
		if (err)
			error_set(error, err, "%s: %s", memory->name, strerror(-err));
	}
	memory->is_guessed = true;
	if (err)
		guest_memory_deinit(memory);
	return err;
}
