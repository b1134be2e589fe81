/* SPDX-License-Identifier: MIT */
#include "bench/guest_run.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/cleanup.h"
#include "host/vm/process.h"
#include "lib/base/file.h"

#define OUTPUT_LIMIT (16u << 20)
#define POLL_MS      200

static int read_all(int fd, char **text, struct error *error)
{
	off_t bytes = lseek(fd, 0, SEEK_END);
	ssize_t count = -1;

	if (bytes < 0 || bytes > OUTPUT_LIMIT)
		return error_set(error, -EFBIG, "the guest's command said too much");
	*text = calloc(1, (size_t)bytes + 1);
	if (*text)
		count = file_read_at(fd, *text, (size_t)bytes, 0);
	return count == bytes ? 0 : error_set(error, -ENOMEM, "cannot keep what the guest's command said");
}

/* From start to end. */
static int serve(struct vm *vm, const struct guest_hooks *hooks, struct error *error)
{
	int result = vm_start(vm, error);
	bool released = false;

	if (!result && hooks->started)
		result = hooks->started(hooks->context, vm_pid(vm), error);
	while (!result && (result = vm_poll(vm, -1, POLL_MS, error)) > 0) {
		bool held = result == 2 && !released;

		result = held ? hooks->held(hooks->context, error) : 0;
		if (held)
			vm_release(vm);
		released |= held;
	}
	return result;
}

int guest_run(
	const struct vm_config *config, const struct guest_hooks *wanted, char **output, struct error *error)
{
	static const struct guest_hooks none;
	const struct guest_hooks *hooks = wanted ? wanted : &none;
	cleanup_close int fd = memfd_create("output", MFD_CLOEXEC);
	struct vm_config whole = *config;
	struct vm *vm = NULL;
	int result, status;

	*output = NULL;
	if (fd < 0)
		return error_set(error, -errno, "memfd_create: %s", strerror(errno));
	whole.hold_end = hooks->held;
	whole.stdin_fd = -1;
	whole.stderr_fd = fd;
	whole.stdout_fd = config->stdout_fd > 0 ? config->stdout_fd : fd;
	result = vm_create(&vm, &whole, error);
	if (!result && hooks->before)
		result = hooks->before(hooks->context, vm_region_path(vm), error);
	if (!result)
		result = serve(vm, hooks, error);
	if (!result)
		result = read_all(fd, output, error);
	status = result ? 0 : vm_status(vm, error);
	if (status && error->text[0])
		result = -EIO;
	else if (status)
		result = error_set(error, -EIO, "the guest's command ended with status %d: %s", status,
			process_last_line(*output));
	if (!result && hooks->after)
		result = hooks->after(hooks->context, vm_region_path(vm), error);
	vm_destroy(vm);
	return result;
}
