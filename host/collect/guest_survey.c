/* SPDX-License-Identifier: MIT */
#include "host/collect/guest_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abi/region.h"
#include "host/kernel/guest_kernel.h"
#include "host/memory/memory_maps.h"
#include "host/vmm/vmm_threads.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"

#define PREFIX "hypertrace" /* of the files that hypertrace attach makes */

/*
 * Is the file `file` the one that is mapped there as `path`, and a region: made by us, named so on the command line, or
 * written by a module or a recorder? A command line alone is no proof: whoever records a region writes into its file. Who
 * has mapped it may do that himself.
 */
static bool is_region(const struct vmm *vmm, const char *file, const char *path, const struct memory_map *map)
{
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *base = strrchr(path, '/');
	uint64_t magic = 0, host_magic = 0;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_ino != map->inode ||
		major(status.st_dev) != map->major || minor(status.st_dev) != map->minor ||
		status.st_size < HT_MIN_REGION_BYTES)
		return false;
	if ((base && !strncmp(base + 1, PREFIX, strlen(PREFIX))) || !strcmp(path, vmm->command.region))
		return true;
	return file_read_at(fd, &magic, sizeof(magic), 0) == sizeof(magic) &&
		file_read_at(fd, &host_magic, sizeof(host_magic), HT_HOST_OFFSET) == sizeof(host_magic) &&
		(magic == HT_MAGIC || host_magic == HT_HOST_MAGIC);
}

/* By the mapping, which root may open, also where the path is of another file system; else by the path. */
static bool take_region(struct guest_survey *survey, const struct vmm *vmm, const struct memory_map *map)
{
	char path[sizeof(survey->region)], file[128];

	snprintf(path, sizeof(path), "%.*s", (int)map->path_length, map->path);
	snprintf(file, sizeof(file), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)vmm->pid, map->start,
		map->end);
	if (is_region(vmm, file, path, map))
		snprintf(survey->region_file, sizeof(survey->region_file), "%s", file);
	else if (is_region(vmm, path, path, map))
		snprintf(survey->region_file, sizeof(survey->region_file), "%s", path);
	else
		return false;
	snprintf(survey->region, sizeof(survey->region), "%s", path);
	return true;
}

static void find_region(struct guest_survey *survey, const struct vmm *vmm)
{
	cleanup_memory_maps struct memory_maps maps = MEMORY_MAPS_EMPTY;
	bool found = false;

	survey->sees_maps = !memory_maps_read(&maps, vmm->pid, NULL) && maps.nr_maps;
	for (size_t i = 0; i < maps.nr_maps && !found; i++) {
		const struct memory_map *map = &maps.maps[i];

		if (map->is_shared && map->is_writable && map->inode && !map->offset &&
			map->path_length < sizeof(survey->region) &&
			map->end - map->start >= HT_MIN_REGION_BYTES)
			found = take_region(survey, vmm, map);
	}
}

static void find_socket(struct guest_survey *survey, const struct vmm *vmm, int proc_fd)
{
	for (size_t i = 0; i < vmm->command.nr_sockets && !survey->socket; i++) {
		const char *path = vmm->command.sockets[i];

		if (access(path, W_OK))
			continue;
		if (vmm_socket_is_busy(proc_fd, path))
			survey->socket_is_busy = true;
		else
			survey->socket = path;
	}
}

static void measure_memory(struct guest_survey *survey, const struct vmm *vmm)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;

	survey->memory_bytes = vmm->command.memory_bytes;
	survey->memory_error = guest_memory_open_process(&memory, vmm->pid, NULL);
	if (survey->memory_error)
		return;
	/* QEMU's command line knows better than what its mappings look like */
	for (size_t i = 0; !vmm->command.memory_bytes && i < memory.layouts[0].nr_ranges; i++)
		survey->memory_bytes += memory.layouts[0].ranges[i].bytes;
	guest_memory_deinit(&memory);
}

void guest_survey_do(struct guest_survey *survey, const struct vmm *vmm, const char *proc)
{
	cleanup_close int proc_fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*survey = (struct guest_survey){0};
	measure_memory(survey, vmm);
	find_region(survey, vmm);
	if (proc_fd >= 0)
		find_socket(survey, vmm, proc_fd);
}

int guest_survey_kernel(
	struct guest_survey *survey, const struct vmm *vmm, const char *cache_dir, struct error *error)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	struct guest_kernel kernel = {0};
	int err = guest_memory_open_process(&memory, vmm->pid, error);

	if (!err)
		err = guest_kernel_init(&kernel, &memory, cache_dir, error);
	if (!err)
		snprintf(survey->release, sizeof(survey->release), "%s", kernel.release);
	guest_kernel_deinit(&kernel);
	guest_memory_deinit(&memory);
	return err;
}
