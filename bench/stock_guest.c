/* SPDX-License-Identifier: MIT */
#include "bench/stock_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vm/process.h"
#include "host/vm/vm.h"
#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"

#define TIMEOUT_S    600
#define POLL_MS      100
#define ANSWER_BYTES (1u << 20)
#define END    \
	"\x01" \
	"END " /* then the status; nothing else in a guest says so */

/* In the guest: runs what it is told. */
#define SHELL                                                \
	"cd /sys/kernel/tracing\n"                           \
	"while read -r line; do eval \"$line\" </dev/null\n" \
	"printf '\\001END %d\\n' $?; done"

struct stock_guest {
	struct vm *vm;
	int to[2], from[2]; /* the ends of its stdin and of its stdout: to read, to write */
	struct strbuf said;
};

static void close_pipe(int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

void stock_guest_destroy(struct stock_guest *guest)
{
	if (!guest)
		return;
	vm_destroy(guest->vm);
	close_pipe(guest->to);
	close_pipe(guest->from);
	strbuf_deinit(&guest->said);
	free(guest);
}

static int start(struct stock_guest *guest, const struct stock_guest_config *wish, struct error *error)
{
	const char *const command[] = {"sh", "-c", SHELL, NULL};
	struct vm_config config = {.vmlinuz = wish->vmlinuz,
		.smp = STOCK_GUEST_CPUS,
		.memory_bytes = wish->memory_bytes,
		.append = wish->append,
		.files = wish->files,
		.command = command,
		.timeout_s = TIMEOUT_S,
		.stdin_fd = guest->to[0],
		.stdout_fd = guest->from[1],
		.stderr_fd = guest->from[1]};
	int code;

	while (wish->files[config.file_count])
		config.file_count++;
	code = vm_create(&guest->vm, &config, error);
	return code ? code : vm_start(guest->vm, error);
}

int stock_guest_create(struct stock_guest **out, const struct stock_guest_config *config, struct error *error)
{
	struct stock_guest *guest = calloc(1, sizeof(*guest));
	int code;

	if (!guest)
		return error_set(error, -ENOMEM, "out of memory");
	*guest = (struct stock_guest){.to = {-1, -1}, .from = {-1, -1}};
	if (pipe2(guest->to, O_CLOEXEC) < 0 || pipe2(guest->from, O_CLOEXEC | O_NONBLOCK) < 0)
		code = error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
	else
		code = start(guest, config, error);
	if (!code)
		code = stock_guest_ask(guest, ":", NULL, error);
	if (code) {
		stock_guest_destroy(guest);
		return code;
	}
	*out = guest;
	return 0;
}

pid_t stock_guest_pid(const struct stock_guest *guest)
{
	return vm_pid(guest->vm);
}

/* The end of an answer, once its line is whole. NULL: not so far. */
static char *find_end(const struct stock_guest *guest)
{
	char *end = guest->said.data ? strstr(guest->said.data, END) : NULL;

	return end && strchr(end, '\n') ? end : NULL;
}

/* Serves the guest until the answer is there. */
static int wait_for_end(struct stock_guest *guest, struct error *error)
{
	char chunk[4096];
	int state = 1;

	while (!find_end(guest)) {
		ssize_t count = read(guest->from[0], chunk, sizeof(chunk));

		for (ssize_t i = 0; i < count; i++)
			if (chunk[i] && chunk[i] != '\r')
				strbuf_append(&guest->said, &chunk[i], 1);
		if (guest->said.failed || guest->said.length > ANSWER_BYTES)
			return error_set(error, -EIO, "the guest says too much");
		if (count > 0)
			continue;
		if (state <= 0) {
			vm_status(guest->vm, error);
			return error->code ? error->code : error_set(error, -EIO, "the guest has ended");
		}
		state = vm_poll(guest->vm, guest->from[0], POLL_MS, error);
		if (state < 0)
			return state;
	}
	return 0;
}

int stock_guest_ask(struct stock_guest *guest, const char *line, char **answer, struct error *error)
{
	char *end;
	int code, status;

	if (answer)
		*answer = NULL;
	strbuf_deinit(&guest->said);
	if (dprintf(guest->to[1], "%s\n", line) < 0)
		return error_set(error, -errno, "cannot tell the guest: %s", strerror(errno));
	code = wait_for_end(guest, error);
	if (code)
		return error_add(error, "guest: %s", line);
	end = find_end(guest);
	status = atoi(end + strlen(END));
	*end = '\0';
	if (status)
		return error_set(error, -EIO, "guest: %s: status %d: %s", line, status,
			process_last_line(guest->said.data));
	if (answer) {
		*answer = strdup(guest->said.data);
		if (!*answer)
			return error_set(error, -ENOMEM, "out of memory");
	}
	return 0;
}
