/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/guest_source.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/base/clock_now.h"
#include "lib/base/text.h"
#include "tools/hypertrace/progress.h"
#include "tools/hypertrace/symbol_cache.h"

#define TRY_AGAIN_MS 50
#define REOPEN_S     1.0 /* a VMM's memory looks different once it has all of it */

int guest_source_parse_pid(const char *text, pid_t *pid, struct error *error)
{
	uint64_t number;

	if (text_parse_unsigned(text, strlen(text), INT32_MAX, &number) || !number) {
		error_set(error, -EINVAL, "--pid: '%s' is not a process id", text);
		return error_hint(error, "pidof qemu-system-x86_64");
	}
	*pid = (pid_t)number;
	return 0;
}

int guest_source_check(
	const struct guest_source_options *options, int nr_dumps, char **dumps, struct error *error)
{
	int named = (options->guest != NULL) + (options->pid != NULL) + (options->qmp != NULL) +
		(options->ram != NULL) + nr_dumps;
	pid_t pid;

	if (!named) {
		error_set(error, -EINVAL, "which guest? None of -g, --pid, --qmp, --ram and DUMP is given");
		return error_hint(error, "a running guest: -g NAME, see hypertrace list");
	}
	if (nr_dumps > 1) {
		error_set(error, -EINVAL, "one dump at a time: '%s' is one word too many", dumps[1]);
		return error_hint(error, "run it once for each");
	}
	if (named > 1) {
		error_set(error, -EINVAL,
			"one guest at a time: -g, --pid, --qmp, --ram and DUMP exclude each other");
		return error_hint(error, "leave all but one of them out");
	}
	return options->pid ? guest_source_parse_pid(options->pid, &pid, error) : 0;
}

/* By QMP the layout is known; else it is guessed. */
static int open_named(struct guest_source *source, const char *name, struct error *error)
{
	cleanup_named_guest struct named_guest guest = NAMED_GUEST_NONE;
	int code = named_guest_find(&guest, name, error);

	if (code)
		return code;
	if (guest.survey.socket && !guest_memory_open_qmp(&source->memory, guest.survey.socket, NULL))
		return 0;
	return guest_memory_open_process(&source->memory, guest.vmm->pid, error);
}

static int open_memory(struct guest_source *source, const struct guest_source_options *options,
	const char *dump, struct error *error)
{
	pid_t pid;
	int code;

	if (options->guest)
		return open_named(source, options->guest, error);
	if (options->qmp)
		return guest_memory_open_qmp(&source->memory, options->qmp, error);
	if (!options->pid)
		return guest_memory_open_file(&source->memory, options->ram ? options->ram : dump, error);
	code = guest_source_parse_pid(options->pid, &pid, error);
	return code ? code : guest_memory_open_process(&source->memory, pid, error);
}

int guest_source_find_kernel(struct guest_source *source, double wait_s, struct error *error)
{
	uint64_t end_ns = clock_now_ns(CLOCK_MONOTONIC) + (uint64_t)(wait_s * 1e9);
	struct pollfd vmm = {.fd = source->memory.pid_fd, .events = POLLIN};

	for (;;) {
		int code;

		guest_kernel_deinit(&source->kernel);
		source->kernel = (struct guest_kernel){0};
		code = guest_kernel_init(&source->kernel, &source->memory, symbol_cache(), error);
		/* one that is being unpacked looks damaged for a moment */
		if ((code != -EAGAIN && (code != -EINVAL || wait_s <= 0)) || !source->memory.is_live)
			return code;
		if (clock_now_ns(CLOCK_MONOTONIC) >= end_ns)
			return error_hint(error, "has it booted? --wait 30 waits for it");
		poll(&vmm, 1, TRY_AGAIN_MS); /* a VMM that ends is seen at the next look */
	}
}

/* A VMM that is only starting has no socket for a moment, or no memory, or none that is the guest's. */
static bool may_come(const struct guest_source_options *options, int code)
{
	return code == -EAGAIN || code == -EINVAL || (options->pid && code == -ENODEV) ||
		(options->guest && (code == -ENOENT || code == -ENODEV)) ||
		(options->qmp && (code == -ENOENT || code == -ECONNREFUSED));
}

static int open_once(struct guest_source *source, const struct guest_source_options *options,
	const char *dump, double wait_s, struct error *error)
{
	int code;

	*source = GUEST_SOURCE_NONE;
	code = open_memory(source, options, dump, error);
	if (!code)
		code = guest_source_find_kernel(source, wait_s, error);
	if (code)
		guest_source_close(source);
	return code;
}

int guest_source_open(struct guest_source *source, const struct guest_source_options *options,
	const char *dump, struct error *error)
{
	double left_s = options->wait_s;
	bool was_said = false;

	for (;;) {
		uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
		int code = open_once(source, options, dump, left_s < REOPEN_S ? left_s : REOPEN_S, error);

		if (!code || dump || left_s <= 0 || !may_come(options, code))
			return code;
		if (!was_said)
			show_progress("waiting for the guest");
		was_said = true;
		poll(NULL, 0, TRY_AGAIN_MS);
		left_s -= (double)(clock_now_ns(CLOCK_MONOTONIC) - start_ns) / 1e9;
	}
}

void guest_source_close(struct guest_source *source)
{
	guest_kernel_deinit(&source->kernel);
	guest_memory_deinit(&source->memory);
	*source = GUEST_SOURCE_NONE;
}
