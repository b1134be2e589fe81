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

/* --pid and --ram can only be read; the others may be either. */
static enum recorder_channel choose_channel(const struct record_options *options)
{
	if (options->channel)
		return (enum recorder_channel)(options->channel - 1);
	return options->pids.count || options->ram.count ? RECORDER_FTRACE : RECORDER_SHM;
}

bool record_has_guests(const struct record_options *options)
{
	return options->qmp.count || options->regions.count || options->pids.count || options->ram.count;
}

static int check_guests(
	const struct record_options *options, enum recorder_channel channel, struct error *error)
{
	if (!record_has_guests(options) && !options->host.given) {
		error_set(error, -EINVAL, "which guest? None of --qmp, --region, --pid and --ram is given");
		return error_hint(error,
			"a running QEMU: hypertrace attach --qmp SOCKET, then record --qmp SOCKET; "
			"a stock guest: record --pid PID; a throw-away guest: hypertrace run");
	}
	if (channel == RECORDER_SHM && (options->pids.count || options->ram.count)) {
		error_set(error, -EINVAL, "channel shm: a guest is named by --qmp or --region");
		return error_hint(error, "leave --channel out, or give --channel ftrace");
	}
	if (channel == RECORDER_FTRACE && options->regions.count) {
		error_set(error, -EINVAL, "channel ftrace: a guest is named by --qmp, --pid or --ram");
		return error_hint(error, "a region is of channel shm: record it on its own");
	}
	return 0;
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
	struct error *error)
{
	const enum recorder_channel channel = choose_channel(options);

	if (host_option_parse(&options->host, options->host_text, error) ||
		check_guests(options, channel, error) || check_pids(options, error) ||
		check_rings(options, channel, error))
		return error->code;
	recorder->channel = channel;
	recorder->no_symbols = options->no_symbols;
	recorder->history = options->history;
	recorder->leave_on = options->leave_on;
	return recording_options_read(recorder, events, &options->recording, error);
}

/* The guest behind a QMP socket: its region's file, and the process whose end is its end. */
static int add_qmp(struct recorder *recorder, const char *socket, struct error *error)
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
	return code ? code : recorder_add_guest(recorder, path, NULL, peer.pid, error);
}

static int add_memory(
	struct recorder *recorder, struct guest_memory *memory, bool history, struct error *error)
{
	const struct recorder_stock stock = {.cache_dir = symbol_cache(),
		.whole = history || !memory->is_live,
		.start_host_ns = memory->pid ? process_start_ns(memory->pid) : 0};

	return recorder_add_stock_guest(recorder, memory, &stock, error);
}

static int add_pid(struct recorder *recorder, const char *text, bool history, struct error *error)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	pid_t pid;
	int code = guest_source_parse_pid(text, &pid, error);

	if (!code)
		code = guest_memory_open_process(&memory, pid, error);
	return code ? code : add_memory(recorder, &memory, history, error);
}

int record_add_guests(struct recorder *recorder, const struct record_options *options, struct error *error)
{
	const bool stock = choose_channel(options) == RECORDER_FTRACE;
	struct guest_memory memory = GUEST_MEMORY_NONE;
	int code = 0;

	for (size_t i = 0; !code && i < options->qmp.count; i++) {
		if (!stock)
			code = add_qmp(recorder, options->qmp.items[i], error);
		else if (!(code = guest_memory_open_qmp(&memory, options->qmp.items[i], error)))
			code = add_memory(recorder, &memory, options->history, error);
	}
	for (size_t i = 0; !code && i < options->pids.count; i++)
		code = add_pid(recorder, options->pids.items[i], options->history, error);
	for (size_t i = 0; !code && i < options->ram.count; i++) {
		code = guest_memory_open_file(&memory, options->ram.items[i], error);
		if (!code)
			code = add_memory(recorder, &memory, options->history, error);
	}
	for (size_t i = 0; !code && i < options->regions.count; i++)
		code = recorder_add_guest(recorder, options->regions.items[i], NULL, 0, error);
	return code;
}
