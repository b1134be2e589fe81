/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/reader/trace_reader.h"
#include "lib/writer/ctf_metadata.h"

#define COPY_BYTES (256u << 10)
#define NS_PER_S   1000000000ll

/* --- files --- */

static int copy_bytes(int from, int to, uint64_t bytes, struct error *error)
{
	cleanup_free char *buffer = malloc(COPY_BYTES);
	uint64_t offset = 0;
	int code = buffer ? 0 : error_set(error, -ENOMEM, "out of memory");

	while (!code && offset < bytes) {
		const size_t wanted = bytes - offset < COPY_BYTES ? (size_t)(bytes - offset) : COPY_BYTES;
		const ssize_t got = file_read_at(from, buffer, wanted, (off_t)offset);

		if (got < 0)
			return error_set(error, (int)got, "read: %s", strerror((int)-got));
		if (!got)
			break; /* it has become shorter */
		code = file_write_all(to, buffer, (size_t)got, error);
		offset += (uint64_t)got;
	}
	return code;
}

static int create(int dir_fd, const char *name, struct error *error)
{
	const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	return fd < 0 ? error_set(error, -errno, "create %s: %s", name, strerror(errno)) : fd;
}

static int copy_file(int from_dir, int to_dir, const char *name, struct error *error)
{
	cleanup_close int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW),
			  to = -1;
	struct stat status;

	if (from < 0 || fstat(from, &status) < 0)
		return error_set(error, -errno, "%s: %s", name, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return 0;
	to = create(to_dir, name, error);
	return to < 0 ? to : copy_bytes(from, to, (uint64_t)status.st_size, error);
}

/* What is in one directory, without what is below. One that is not there is empty. */
static int copy_names(int from_parent, int to_parent, const char *name, struct error *error)
{
	cleanup_close int from = openat(from_parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int to = openat(to_parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory;
	struct dirent *entry;
	int code = 0, copy;

	if (from < 0 || to < 0)
		return 0;
	copy = dup(from);
	directory = copy < 0 ? NULL : fdopendir(copy);
	if (!directory) {
		if (copy >= 0)
			close(copy);
		return error_set(error, -ENOMEM, "out of memory");
	}
	while (!code && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			code = copy_file(from, to, entry->d_name, error);
	closedir(directory);
	return code;
}

static int copy_streams(
	const struct trace *trace, const struct trace_machine *machine, int to_dir, struct error *error)
{
	int code = 0;

	for (uint32_t i = 0; i < machine->nr_streams && !code; i++) {
		const struct trace_stream *stream = &trace->streams[machine->first_stream + i];
		cleanup_close int to = -1;
		char name[32];

		snprintf(name, sizeof(name), "cpu%u", stream->cpu);
		to = create(to_dir, name, error);
		code = to < 0 ? to : copy_bytes(stream->fd, to, stream->bytes, error);
		if (code)
			error_add(error, "%s", stream->name);
	}
	return code;
}

/* --- the clock --- */

struct span {
	uint64_t first_tsc, last_tsc;
	bool any;
};

static int find_span(const struct trace *trace, uint32_t machine, struct span *span, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace_event event;
	int code;

	options.machine = (int)machine;
	code = trace_reader_create(trace, &options, &reader, error);
	if (code)
		return code;
	while (trace_reader_next(reader, &event)) {
		if (!span->any || event.tsc < span->first_tsc)
			span->first_tsc = event.tsc;
		if (!span->any || event.tsc > span->last_tsc)
			span->last_tsc = event.tsc;
		span->any = true;
	}
	trace_reader_destroy(reader);
	return 0;
}

static bool is_tsc(const struct trace_machine_info *info)
{
	return !info->clock[0] || !strcmp(info->clock, "tsc") || !strcmp(info->clock, "x86-tsc");
}

/* Both ends of the guest's trace, in Xen's time. */
static int set_points(const struct xen_output *output, const struct xen_convert_guest *guest,
	const struct span *span, struct trace_machine_info *info, struct error *error)
{
	const uint64_t offset = (uint64_t)guest->offset;
	const uint64_t ends[] = {
		span->first_tsc, span->last_tsc > span->first_tsc ? span->last_tsc : span->first_tsc + 1};

	for (int i = 0; i < 2; i++) {
		const uint64_t xen = ends[i] - offset;
		const struct clock_point point = {
			.tsc = ends[i], .host_ns = xen_output_ns(output->survey, xen), .bound_ns = 1};

		if (trace_machine_info_add_point(info, point))
			return error_set(error, -ENOMEM, "out of memory");
	}
	return 0;
}

static void warn_apart(
	struct xen_output *output, const struct xen_convert_guest *guest, const struct span *span)
{
	const struct xen_survey *survey = output->survey;
	const uint64_t offset = (uint64_t)guest->offset;
	const int64_t begin_ns = xen_output_ns(survey, survey->first_tsc);
	const int64_t first_ns = xen_output_ns(survey, span->first_tsc - offset);

	if (span->last_tsc - offset >= survey->first_tsc && span->first_tsc - offset <= survey->last_tsc)
		return;
	recorder_notice(&output->common,
		"dom%u: by this offset its trace begins %.3f s %s the Xen trace and has no time in common with it",
		guest->domain,
		(double)(first_ns > begin_ns ? first_ns - begin_ns : begin_ns - first_ns) / 1e9,
		first_ns > begin_ns ? "after" : "before");
}

/* --- descriptions --- */

static int fill_info(
	struct trace_machine_info *info, const struct trace_machine *machine, struct error *error)
{
	const struct trace_machine_info *from = machine->info;
	char name[sizeof(info->name)];

	memcpy(name, info->name, sizeof(name));
	*info = *from;
	memcpy(info->name, name, sizeof(name));
	info->layer = 1;
	info->points = NULL;
	info->cpus = NULL;
	info->vms = NULL;
	info->nr_points = info->nr_cpu_infos = info->nr_vms = 0;
	snprintf(info->clock, sizeof(info->clock), "tsc");
	info->start_host_ns = 0;
	for (size_t i = 0; i < from->nr_cpu_infos; i++) {
		struct trace_cpu_info *cpu = trace_machine_info_cpu(info, from->cpus[i].cpu);

		if (!cpu)
			return error_set(error, -ENOMEM, "out of memory");
		*cpu = from->cpus[i];
	}
	return 0;
}

static int write_metadata(const struct xen_output *output, const struct trace_machine *machine,
	const struct trace_machine_info *info, int dir_fd, struct error *error)
{
	const struct clock_point *point = &info->points[0];
	struct ctf_metadata metadata = {
		.schema = machine->schema,
		.clock_hz = output->survey->hz,
		.precision_cycles = 1,
		.machine = info->name,
		.hostname = info->hostname,
		.release = info->release,
		.version = info->version,
		.channel = info->channel,
		.text_address = info->text_address,
		.program_version = output->common.info.program_version,
	};
	/* of the guest's TSC 0 */
	const int64_t zero_ns = point->host_ns - xen_output_ns(output->survey, point->tsc) +
		output->common.info.realtime_offset_ns;

	memcpy(metadata.uuid, machine->uuid, sizeof(metadata.uuid));
	metadata.offset_s = zero_ns / NS_PER_S - (zero_ns % NS_PER_S < 0);
	metadata.offset_cycles =
		(uint64_t)((unsigned __int128)(uint64_t)(zero_ns - metadata.offset_s * NS_PER_S) *
			metadata.clock_hz / NS_PER_S);
	return ctf_metadata_write(&metadata, dir_fd, error);
}

/* --- all of it --- */

/* Is it one that can be put beside Xen's? The span of its events in *span. */
static int check(const struct xen_survey *survey, const struct xen_convert_guest *guest,
	const struct trace *trace, struct span *span, struct error *error)
{
	int code;

	if (trace->nr_machines != 1) {
		error_set(error, -EINVAL, "%u machines are in it", trace->nr_machines);
		return error_hint(error, "name the guest's own directory in it: %s/%s", guest->path,
			trace->machines[0].name);
	}
	if (!is_tsc(trace->machines[0].info)) {
		error_set(error, -ENOTSUP, "its time stamps are those of the clock '%s', not of the TSC",
			trace->machines[0].info->clock);
		return error_hint(error, "record with --channel shm, or with ftrace's trace_clock x86-tsc");
	}
	if (!xen_survey_domain(survey, guest->domain)) {
		error_set(error, -EINVAL, "the Xen trace has nothing of domain %u", guest->domain);
		return error_hint(error, "hypertrace xen summary lists its domains");
	}
	code = find_span(trace, 0, span, error);
	if (code || span->first_tsc - (uint64_t)guest->offset <= INT64_MAX)
		return code;
	error_set(error, -EINVAL,
		"with the offset %" PRId64 " it would have been recorded before Xen's TSC was 0",
		guest->offset);
	return error_hint(error, "the domain's TSC is Xen's TSC plus the offset");
}

/* Unix time is what the guest says it is: Xen's trace knows none. */
static void take_unix_time(
	struct xen_output *output, const struct trace_machine *machine, const struct trace_machine_info *info)
{
	const int64_t unix_ns = trace_machine_unix_ns(machine, info->points[0].tsc);

	if (!output->common.info.realtime_offset_ns && machine->info->nr_points)
		xen_output_set_unix_time(output, unix_ns - info->points[0].host_ns);
}

static int add(struct xen_output *output, const struct xen_convert_guest *guest, const struct trace *trace,
	struct error *error)
{
	const struct trace_machine *machine = &trace->machines[0];
	struct trace_machine_info *info;
	struct span span = {0};
	cleanup_close int dir_fd = -1;
	char name[32];
	int code = check(output->survey, guest, trace, &span, error);

	snprintf(name, sizeof(name), "dom%u", guest->domain);
	if (!code)
		code = trace_info_add_machine(&output->common.info, name, &info, error);
	if (!code)
		code = fill_info(info, machine, error);
	if (!code)
		code = set_points(output, guest, &span, info, error);
	if (code)
		return code;
	dir_fd = trace_dir_add_machine(&output->common.dir, name, error);
	if (dir_fd < 0)
		return dir_fd;
	take_unix_time(output, machine, info);
	warn_apart(output, guest, &span);
	code = write_metadata(output, machine, info, dir_fd, error);
	if (!code)
		code = copy_streams(trace, machine, dir_fd, error);
	if (!code)
		code = copy_names(machine->dir_fd, dir_fd, "names", error);
	if (!code)
		code = copy_names(machine->dir_fd, dir_fd, "names/formats", error);
	return code;
}

int xen_guest_check(
	const struct xen_survey *survey, const struct xen_convert_guest *guest, struct error *error)
{
	struct span span = {0};
	struct trace *trace;
	int code = trace_open(&guest->path, 1, &trace, error);

	if (code)
		return code;
	code = check(survey, guest, trace, &span, error);
	trace_close(trace);
	return code ? error_add(error, "%s", guest->path) : 0;
}

int xen_guest_add(struct xen_output *output, const struct xen_convert_guest *guest, struct error *error)
{
	struct trace *trace;
	int code = trace_open(&guest->path, 1, &trace, error);

	if (code)
		return code;
	code = add(output, guest, trace, error);
	trace_close(trace);
	return code ? error_add(error, "%s", guest->path) : 0;
}
