/* SPDX-License-Identifier: MIT */
#include "bench/rival.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

extern char **environ;

static uint64_t cpu_time_ns(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

int rival_run(const char *const *argv, uint64_t *cpu_ns, struct error *error)
{
	cleanup_close int said = memfd_create("stderr", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	char words[200] = "";
	struct rusage usage;
	int status, result;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, said, 2);
	result = -posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result)
		return error_set(error, result, "cannot start %s: %s", argv[0], strerror(-result));
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return error_set(error, -errno, "wait4: %s", strerror(errno));
	*cpu_ns = cpu_time_ns(&usage);
	if (status == 0)
		return 0;
	file_read_at(said, words, sizeof(words) - 1, 0);
	words[strcspn(words, "\n")] = '\0';
	return error_set(error, -EIO, "%s failed: %s", argv[0], words);
}
