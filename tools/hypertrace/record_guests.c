/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/record_guests.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "host/collect/ivshmem.h"
#include "host/memory/guest_memory.h"
#include "host/vmm/process_start.h"
#include "tools/hypertrace/guest_source.h"
#include "tools/hypertrace/symbol_cache.h"

void record_options_deinit(struct record_options *options)
{
	record_named_deinit(&options->named);
}

/* --pid and --ram can only be read, a region is of a module; the others may be either. */
static int choose_channel(
	const struct record_options *options, enum recorder_channel *channel, struct error *error)
{
	*channel = RECORDER_SHM;
	if (options->channel)
		*channel = (enum recorder_channel)(options->channel - 1);
	else if (options->pids.count || options->ram.count)
		*channel = RECORDER_FTRACE;
	else if (options->named.count && !options->qmp.count && !options->regions.count)
		return record_named_channel(&options->named, channel, error);
	return 0;
}

bool record_has_guests(const struct record_options *options)
{
	return options->guests.count || options->qmp.count || options->regions.count || options->pids.count ||
		options->ram.count;
}

static int check_guests(
	const struct record_options *options, enum recorder_channel channel, struct error *error)
{
	if (channel == RECORDER_HYPERCALL) {
		if (!options->qmp.count && !options->regions.count && !options->ram.count)
			return 0;
		error_set(error, -EINVAL, "channel hypercall: a guest is named by -g or --pid");
		return error_hint(error, "give --pid PID of its VMM, or none: all guests of this host");
	}
	if (channel == RECORDER_SHM && (options->pids.count || options->ram.count)) {
		error_set(error, -EINVAL, "channel shm: a guest is named by -g, --qmp or --region");
		return error_hint(error, "leave --channel out, or give --channel ftrace");
	}
	if (channel == RECORDER_FTRACE && options->regions.count) {
		error_set(error, -EINVAL, "channel ftrace: a guest is named by -g, --qmp, --pid or --ram");
		return error_hint(error, "a region is of channel shm: record it on its own");
	}
	return 0;
}

static int check_any(const struct record_options *options, struct error *error)
{
	/* these two mean all there are */
	if (record_has_guests(options) || options->host_text || options->channel == 1 + RECORDER_HYPERCALL)
		return 0;
	error_set(error, -EINVAL, "which guest? None of -g, --qmp, --region, --pid and --ram is given");
	return error_hint(error,
		"a running guest: -g NAME, see hypertrace list; one with hypertrace.ko needs hypertrace attach first; "
		"a throw-away guest: hypertrace run");
}

static int check_pids(const struct record_options *options, struct error *error)
{
	pid_t pid;
	int code = 0;

	for (size_t i = 0; !code && i < options->pids.count; i++)
		code = guest_source_parse_pid(options->pids.items[i], &pid, error);
	return code;
}

static int check_rings(
	const struct record_options *options, enum recorder_channel channel, struct error *error)
{
	const bool given = options->recording.ring_bytes || options->recording.mode;

	if (channel == RECORDER_HYPERCALL &&
		(given || options->history || options->leave_on || options->recording.events.count ||
			options->recording.filter)) {
		error_set(error, -EINVAL,
			"channel hypercall: the guest's module decides: no -e, -f, --mode, --size, --history, --leave-on");
		return error_hint(error, "in the guest: /sys/module/hypertrace/parameters/events and batch");
	}

	if (options->recording.functions.count && channel == RECORDER_HYPERCALL) {
		error_set(error, -EINVAL, "channel hypercall: the guest's module decides: no -F");
		return error_hint(error,
			"in the guest: insmod hypertrace.ko channel=hypercall functions='vfs_*', or "
			"echo 'vfs_*' >/sys/module/hypertrace/parameters/functions");
	}
	if (options->recording.functions.count && channel != RECORDER_SHM) {
		error_set(error, -ENOTSUP,
			"-F: a running guest traces functions for us by its hypertrace.ko (channel shm)");
		return error_hint(error,
			"its own ftrace: echo function_graph >/sys/kernel/tracing/current_tracer in the guest; or a "
			"throw-away guest: hypertrace run --channel ftrace -F '*'");
	}
	if (given && channel == RECORDER_FTRACE) {
		error_set(error, -EINVAL,
			"channel ftrace takes the guest's rings as they are: no --size, no --mode");
		return error_hint(
			error, "in the guest: /sys/kernel/tracing/buffer_size_kb, or trace_buf_size=");
	}
	if (given && options->history) {
		error_set(error, -EINVAL, "--history takes the rings as they are: no --size, no --mode");
		return error_hint(error, "rings of another size or mode start anew, and are empty");
	}
	return 0;
}

int record_check(struct record_options *options, struct recorder_options *recorder, char **events,
	char **functions, struct error *error)
{
	enum recorder_channel channel;

	if (check_any(options, error) || check_pids(options, error) ||
		host_option_parse(&options->host, options->host_text, error) ||
		record_named_find(&options->named, &options->guests, error) ||
		choose_channel(options, &channel, error) || check_guests(options, channel, error) ||
		check_rings(options, channel, error))
		return error->code;
	if (options->control && channel != RECORDER_SHM) {
		error_set(error, -ENOTSUP,
			"--control: only hypertrace.ko can be asked for something else (channel shm)");
		return error_hint(error, "what the guest traces by other channels it is told in there");
	}
	recorder->channel = channel;
	recorder->no_symbols = options->no_symbols;
	recorder->rips = options->host.given && options->host.level != COLLECTOR_HISTOGRAM;
	recorder->history = options->history;
	recorder->leave_on = options->leave_on;
	return recording_options_read(recorder, events, functions, &options->recording, error);
}

/* The guest behind a QMP socket: its region's file, and the process whose end is its end. */
static int add_qmp(struct recorder *recorder, const char *socket, const char *name, struct error *error)
{
	struct ucred peer = {0};
	socklen_t bytes = sizeof(peer);
	struct qmp qmp;
	char path[4096];
	int code = qmp_init(&qmp, socket, error);

	if (code)
		return code;
	code = ivshmem_find(&qmp, path, sizeof(path), error);
	if (getsockopt(qmp.fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes))
		peer.pid = 0;
	qmp_deinit(&qmp);
	return code ? code : recorder_add_guest(recorder, path, name, peer.pid, error);
}

static int add_memory(struct recorder *recorder, struct guest_memory *memory, const char *name, bool history,
	struct error *error)
{
	const struct recorder_stock stock = {.name = name,
		.cache_dir = symbol_cache(),
		.whole = history || !memory->is_live,
		.start_host_ns = memory->pid ? process_start_ns(memory->pid) : 0};

	return recorder_add_stock_guest(recorder, memory, &stock, error);
}

static int add_pid(struct recorder *recorder, const struct record_options *options,
	enum recorder_channel channel, const char *text, struct error *error)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	pid_t pid;
	int code = guest_source_parse_pid(text, &pid, error);

	if (!code)
		code = guest_memory_open_process(&memory, pid, error);
	if (code)
		return code;
	return channel == RECORDER_HYPERCALL ? recorder_add_hypercall_guest(recorder, &memory, NULL, error)
					     : add_memory(recorder, &memory, NULL, options->history, error);
}

/* A region that is plugged in; else what QMP knows; else by the process. */
static int add_named(struct recorder *recorder, const struct record_options *options,
	enum recorder_channel channel, size_t i, struct error *error)
{
	const bool stock = channel != RECORDER_SHM;
	const struct guest_survey *survey = &options->named.surveys[i];
	const struct vmm *vmm = options->named.vmms[i];
	struct guest_memory memory = GUEST_MEMORY_NONE;
	char buffer[RECORDER_NAME_BYTES];
	const char *name = record_named_machine(&options->named, i, buffer);
	int code;

	if (!stock && survey->region[0])
		return recorder_add_guest(recorder, survey->region_file, name, vmm->pid, error);
	if (!stock && survey->socket)
		return add_qmp(recorder, survey->socket, name, error);
	if (!stock) {
		error_set(error, -ENOENT, "process %d: its guest has no hypertrace region that can be seen",
			(int)vmm->pid);
		return error_hint(error, "hypertrace attach plugs one in; --channel ftrace needs none");
	}
	if (!survey->socket || guest_memory_open_qmp(&memory, survey->socket, NULL)) {
		code = guest_memory_open_process(&memory, vmm->pid, error);
		if (code)
			return code;
	}
	return channel == RECORDER_HYPERCALL ? recorder_add_hypercall_guest(recorder, &memory, name, error)
					     : add_memory(recorder, &memory, name, options->history, error);
}

int record_add_guests(struct recorder *recorder, const struct record_options *options,
	enum recorder_channel channel, struct error *error)
{
	const bool stock = channel == RECORDER_FTRACE;
	struct guest_memory memory = GUEST_MEMORY_NONE;
	int code = 0;

	for (size_t i = 0; !code && i < options->named.count; i++)
		code = add_named(recorder, options, channel, i, error);
	for (size_t i = 0; !code && i < options->qmp.count; i++) {
		if (!stock)
			code = add_qmp(recorder, options->qmp.items[i], NULL, error);
		else if (!(code = guest_memory_open_qmp(&memory, options->qmp.items[i], error)))
			code = add_memory(recorder, &memory, NULL, options->history, error);
	}
	for (size_t i = 0; !code && i < options->pids.count; i++)
		code = add_pid(recorder, options, channel, options->pids.items[i], error);
	if (channel == RECORDER_HYPERCALL && !options->pids.count && !options->named.count)
		recorder_add_all_hypercall_guests(recorder);
	for (size_t i = 0; !code && i < options->ram.count; i++) {
		code = guest_memory_open_file(&memory, options->ram.items[i], error);
		if (!code)
			code = add_memory(recorder, &memory, NULL, options->history, error);
	}
	for (size_t i = 0; !code && i < options->regions.count; i++)
		code = recorder_add_guest(recorder, options->regions.items[i], NULL, 0, error);
	return code;
}
