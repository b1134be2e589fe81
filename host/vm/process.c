/* SPDX-License-Identifier: MIT */
#include "host/vm/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"

#define MAX_OUTPUT_BYTES (8 << 20)

/* In the child, between fork() and exec(). errno travels back through `report`, which exec() closes. */
static void run_child(const char *const *argv, const char *directory, int output, int report)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int reason;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	unsetenv("MAKEFLAGS"); /* under "make check" they would reach the kernel's make */
	unsetenv("MAKELEVEL");
	if (null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 &&
		(!directory || chdir(directory) == 0)) {
		const char *path = getenv("PATH");
		char *wide = NULL;

		/* apt-cache needs none of it, but ldconfig lies in /sbin, which users' PATH lacks */
		if (asprintf(&wide, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin") > 0)
			setenv("PATH", wide, 1);
		execvp(argv[0], (char *const *)argv);
	}
	reason = errno;
	if (write(report, &reason, sizeof(reason)) != sizeof(reason))
		_exit(126);
	_exit(127);
}

/* Reads to the end; what exceeds MAX_OUTPUT_BYTES is dropped. */
static int read_all(int fd, char **text)
{
	size_t used = 0, size = 0;
	cleanup_free char *buffer = NULL;
	char chunk[4096];

	for (;;) {
		ssize_t count = read(fd, chunk, sizeof(chunk));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (used + (size_t)count + 1 > size) {
			char *larger = realloc(buffer, size = 2 * size + sizeof(chunk) + 1);

			if (!larger)
				return -ENOMEM;
			buffer = larger;
		}
		if (count == 0)
			break;
		if (used + (size_t)count > MAX_OUTPUT_BYTES)
			continue;
		memcpy(buffer + used, chunk, (size_t)count);
		used += (size_t)count;
	}
	buffer[used] = '\0';
	*text = take_pointer(buffer);
	return 0;
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int process_run(const char *const *argv, const char *directory, char **output, struct error *error)
{
	cleanup_free char *text = NULL;
	int out[2], report[2], reason = 0, result, status;
	pid_t pid;

	if (output)
		*output = NULL;
	if (pipe2(out, O_CLOEXEC) < 0)
		return error_set(error, -errno, "cannot start %s: %s", argv[0], strerror(errno));
	if (pipe2(report, O_CLOEXEC) < 0) {
		result = -errno;
		close(out[0]);
		close(out[1]);
		return error_set(error, result, "cannot start %s: %s", argv[0], strerror(-result));
	}
	pid = fork();
	if (pid == 0)
		run_child(argv, directory, out[1], report[1]);
	reason = pid < 0 ? errno : 0;
	close(out[1]);
	close(report[1]);
	if (pid > 0 && read(report[0], &reason, sizeof(reason)) < 0)
		reason = errno;
	result = pid > 0 ? read_all(out[0], &text) : 0;
	close(out[0]);
	close(report[0]);
	status = pid > 0 ? wait_status(pid) : 0;
	if (reason)
		return error_set(error, -reason, "cannot start %s: %s", argv[0], strerror(reason));
	if (result < 0)
		return error_set(
			error, result, "cannot read the output of %s: %s", argv[0], strerror(-result));
	if (output)
		*output = take_pointer(text);
	return status;
}

const char *process_last_line(char *output)
{
	char *end, *start;

	if (!output)
		return "";
	end = output + strlen(output);
	while (end > output && (end[-1] == '\n' || end[-1] == ' '))
		*--end = '\0';
	start = strrchr(output, '\n');
	return start ? start + 1 : output;
}
