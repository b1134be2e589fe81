/* SPDX-License-Identifier: MIT */
#include "lib/reader/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"
#include "lib/reader/ctf_metadata_parse.h"

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
}

void trace_close(struct trace *trace)
{
	if (!trace)
		return;
	for (uint32_t i = 0; i < trace->nr_streams; i++) {
		close(trace->streams[i].fd);
		free(trace->streams[i].name);
	}
	for (uint32_t i = 0; i < trace->nr_machines; i++) {
		struct trace_machine *machine = &trace->machines[i];

		event_schema_destroy(machine->schema);
		clock_map_deinit(&machine->clock);
		names_deinit(&machine->names);
		if (machine->dir_fd >= 0)
			close(machine->dir_fd);
		free(machine->name);
		free(machine->path);
	}
	for (size_t i = 0; i < trace->nr_infos; i++)
		trace_info_deinit(&trace->infos[i]);
	free(trace->streams);
	free(trace->machines);
	free(trace->infos);
	free(trace);
}

/* --- one machine --- */

/* Without exchange points there is only what the metadata's clock says: a line from the offset. */
static int clock_from_metadata(
	struct clock_map *map, const struct ctf_description *description, struct error *error)
{
	const uint64_t hz = description->clock_hz, seconds = 1000;
	uint64_t bound = (uint64_t)((unsigned __int128)description->precision_cycles * 1000000000 / hz);
	struct clock_point points[2] = {
		{0, 0, bound},
		{hz * seconds, (int64_t)(seconds * 1000000000), bound},
	};
	int64_t begin;

	if (hz > UINT64_MAX / seconds ||
		__builtin_mul_overflow(description->offset_s, (int64_t)1000000000, &begin) ||
		__builtin_add_overflow(begin,
			(int64_t)((unsigned __int128)description->offset_cycles * 1000000000 / hz),
			&points[0].host_ns) ||
		__builtin_add_overflow(points[0].host_ns, points[1].host_ns, &points[1].host_ns))
		return error_set(error, -EINVAL, "metadata: a clock outside every calendar");
	return clock_map_init(map, points, 2, 0, error);
}

static int set_clock(
	struct trace_machine *machine, const struct ctf_description *description, struct error *error)
{
	if (machine->info->nr_points &&
		!clock_map_init(&machine->clock, machine->info->points, machine->info->nr_points,
			machine->info->tsc_khz, error)) {
		machine->realtime_offset_ns = machine->trace_info->realtime_offset_ns;
		return 0;
	}
	return clock_from_metadata(&machine->clock, description, error);
}

static int load_metadata(
	struct trace_machine *machine, struct ctf_description *description, struct error *error)
{
	cleanup_free char *text = NULL;
	size_t bytes;
	int code = file_read_small(machine->dir_fd, "metadata", CTF_METADATA_LIMIT, &text, &bytes, error);

	if (code)
		return code;
	code = ctf_metadata_parse(description, text, bytes, error);
	if (code) {
		error_add(error, "metadata");
		return code;
	}
	machine->schema = description->schema;
	memcpy(machine->uuid, description->uuid, sizeof(machine->uuid));
	return 0;
}

static int add_stream(struct trace *trace, struct trace_machine *machine, const char *file, uint32_t cpu,
	struct error *error)
{
	cleanup_close int fd = openat(machine->dir_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct trace_stream *streams;
	struct stat status;
	char *name = NULL;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(error, -errno, "%s: %s", file, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, "%s: not a file", file);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	streams = reallocarray(trace->streams, trace->nr_streams + 1, sizeof(*streams));
	if (!streams)
		return no_memory(error);
	trace->streams = streams;
	if (asprintf(&name, "%s/%s", machine->path, file) < 0)
		return no_memory(error);
	streams[trace->nr_streams++] = (struct trace_stream){
		.name = name,
		.fd = take_fd(fd),
		.cpu = cpu,
		.machine = (uint32_t)(machine - trace->machines),
		.bytes = (uint64_t)status.st_size,
	};
	machine->nr_streams++;
	return 0;
}

static int by_cpu(const void *a, const void *b)
{
	const struct trace_stream *left = a, *right = b;

	return left->cpu < right->cpu ? -1 : left->cpu > right->cpu;
}

/* Every file "cpuN". */
static int add_streams(struct trace *trace, struct trace_machine *machine, struct error *error)
{
	int fd = openat(machine->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	machine->first_stream = trace->nr_streams;
	if (!directory) {
		if (fd >= 0)
			close(fd);
		return error_set(error, -errno, "%s", strerror(errno));
	}
	while (!code && (entry = readdir(directory))) {
		const char *file = entry->d_name;
		uint64_t cpu;

		if (!strncmp(file, "cpu", 3) &&
			!text_parse_unsigned(file + 3, strlen(file + 3), TRACE_CPUS_MAX - 1, &cpu) &&
			(file[3] != '0' || !file[4]))
			code = add_stream(trace, machine, file, (uint32_t)cpu, error);
	}
	closedir(directory);
	if (machine->nr_streams)
		qsort(trace->streams + machine->first_stream, machine->nr_streams, sizeof(*trace->streams),
			by_cpu);
	return code;
}

static int open_machine(struct trace *trace, struct trace_machine *machine, struct error *error)
{
	struct ctf_description description;
	int code;

	machine->dir_fd = open(machine->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (machine->dir_fd < 0)
		return error_set(error, -errno, "%s", strerror(errno));
	code = load_metadata(machine, &description, error);
	if (!code)
		code = set_clock(machine, &description, error);
	if (!code)
		code = add_streams(trace, machine, error);
	return code;
}

/* The name it goes by: its own, or with its trace's path where another machine has that already. */
static int name_machine(struct trace *trace, struct trace_machine *machine, const char *name)
{
	for (uint32_t i = 0; i < trace->nr_machines; i++)
		if (!strcmp(trace->machines[i].name, name))
			name = machine->path;
	machine->name = strdup(name);
	return machine->name ? 0 : -ENOMEM;
}

/* Opens DIRECTORY as one more machine. Takes `path` over. */
static int add_machine(struct trace *trace, char *path, const char *name, const struct trace_info *info,
	const struct trace_machine_info *machine_info, struct error *error)
{
	static const struct trace_machine_info nothing;
	struct trace_machine *machine;
	int code;

	if (!path || trace->nr_machines >= TRACE_MACHINES_MAX) {
		free(path);
		return path ? error_set(error, -E2BIG, "more than %d machines", TRACE_MACHINES_MAX)
			    : no_memory(error);
	}
	machine = &trace->machines[trace->nr_machines];
	*machine = (struct trace_machine){
		.path = path,
		.dir_fd = -1,
		.trace_info = info,
		.info = machine_info ? machine_info : &nothing,
	};
	code = name_machine(trace, machine, name);
	trace->nr_machines++;
	if (code)
		return no_memory(error);
	code = open_machine(trace, machine, error);
	return code ? error_add(error, "%s", path), code : 0;
}

/* --- one path --- */

static int load_info(int fd, const char *file, struct trace_info *info, struct error *error)
{
	cleanup_free char *text = NULL;
	size_t bytes;
	int code = file_read_small(fd, file, TRACE_INFO_LIMIT, &text, &bytes, error);

	if (code)
		return code;
	code = trace_info_parse(info, text, bytes, error);
	if (code)
		error_add(error, "%s", file);
	return code;
}

static bool exists(int fd, const char *file)
{
	return !faccessat(fd, file, F_OK, 0);
}

static char *join(const char *path, const char *name)
{
	char *joined;

	return asprintf(&joined, "%s/%s", path, name) < 0 ? NULL : joined;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A machine's directory alone; what the trace around it says of it is of use, but not needed. */
static int open_machine_path(
	struct trace *trace, int fd, const char *path, struct trace_info *info, struct error *error)
{
	const struct trace_machine_info *machine_info = NULL;
	char resolved[PATH_MAX];

	if (!realpath(path, resolved))
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (exists(fd, "../" TRACE_INFO_FILE))
		load_info(fd, "../" TRACE_INFO_FILE, info, NULL);
	for (size_t i = 0; i < info->nr_machines; i++)
		if (!strcmp(info->machines[i].name, base_name(resolved)))
			machine_info = &info->machines[i];
	return add_machine(trace, strdup(path), base_name(resolved), info, machine_info, error);
}

/* Machines of which nothing has been recorded yet have no metadata. */
static int open_trace_path(
	struct trace *trace, int fd, const char *path, struct trace_info *info, struct error *error)
{
	int code = load_info(fd, TRACE_INFO_FILE, info, error);

	if (code) {
		error_hint(error, "each machine's directory can be read alone: %s/MACHINE", path);
		return error_add(error, "%s", path), code;
	}
	for (size_t i = 0; i < info->nr_machines && !code; i++) {
		const struct trace_machine_info *machine = &info->machines[i];
		char metadata[sizeof(machine->name) + 16];

		snprintf(metadata, sizeof(metadata), "%s/metadata", machine->name);
		if (exists(fd, metadata))
			code = add_machine(
				trace, join(path, machine->name), machine->name, info, machine, error);
	}
	return code;
}

static int open_path(struct trace *trace, const char *path, struct trace_info *info, struct error *error)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOTDIR) {
		error_set(error, -ENOTDIR, "%s: not a trace: a trace is a directory", path);
		error_hint(error, "name a directory that hypertrace record or run has made");
		return -ENOTDIR;
	}
	if (fd < 0) {
		error_set(error, -errno, "%s: %s", path, strerror(errno));
		return error_hint(error, "name a directory that hypertrace record or run has made");
	}
	if (exists(fd, "metadata"))
		return open_machine_path(trace, fd, path, info, error);
	if (exists(fd, TRACE_INFO_FILE))
		return open_trace_path(trace, fd, path, info, error);
	error_set(error, -EINVAL, "%s: not a trace: there is no %s in it, and no metadata", path,
		TRACE_INFO_FILE);
	error_hint(error,
		"record one: hypertrace record -o DIRECTORY, or hypertrace run -o DIRECTORY -- COMMAND");
	return -EINVAL;
}

/* Traces of one host since one boot have one clock: one offset for all, or its drift would part them. */
static void join_clocks(struct trace *trace)
{
	for (uint32_t i = 1; i < trace->nr_machines; i++)
		for (uint32_t j = 0; j < i; j++) {
			struct trace_machine *one = &trace->machines[j], *other = &trace->machines[i];

			if (one->realtime_offset_ns && other->realtime_offset_ns &&
				one->trace_info->host_boot_id[0] &&
				!strcmp(one->trace_info->host_boot_id, other->trace_info->host_boot_id)) {
				other->realtime_offset_ns = one->realtime_offset_ns;
				break;
			}
		}
}

int trace_open(const char *const *paths, size_t count, struct trace **result, struct error *error)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	int code = 0;

	if (!trace)
		return no_memory(error);
	trace->infos = calloc(count + 1, sizeof(*trace->infos));
	trace->machines =
		calloc(TRACE_MACHINES_MAX, sizeof(*trace->machines)); /* pointers into it stay good */
	if (!trace->infos || !trace->machines)
		code = no_memory(error);
	for (size_t i = 0; i < count && !code; i++)
		code = open_path(trace, paths[i], &trace->infos[trace->nr_infos++], error);
	if (!code && !trace->nr_machines) {
		code = error_set(
			error, -EINVAL, "%s: nothing has been recorded in it", count ? paths[0] : "no trace");
		error_hint(error, "is its recorder still waiting for the guest?");
	}
	if (code) {
		trace_close(trace);
		return code;
	}
	join_clocks(trace);
	*result = trace;
	return 0;
}

int trace_find_machine(const struct trace *trace, const char *name, struct error *error)
{
	char list[256] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < trace->nr_machines; i++) {
		if (!strcmp(trace->machines[i].name, name))
			return (int)i;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
				trace->machines[i].name);
	}
	error_set(error, -ENOENT, "the trace has no machine %s", name);
	error_hint(error, "it has %s", list);
	return -ENOENT;
}

int trace_machine_load_names(struct trace_machine *machine, unsigned parts, struct error *error)
{
	int code = names_load(&machine->names, machine->dir_fd, parts, error);

	return code ? error_add(error, "%s", machine->path), code : 0;
}
