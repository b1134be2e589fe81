/* SPDX-License-Identifier: MIT */
#include "host/vmm/vcpu_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIELD_STATE 3
#define FIELD_CPU   39

static int open_file(int proc_fd, pid_t pid, pid_t tid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/task/%d/%s", (int)pid, (int)tid, name);
	return openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
}

int vcpu_thread_init(struct vcpu_thread *thread, int proc_fd, pid_t pid, pid_t tid)
{
	*thread = VCPU_THREAD_NONE;
	thread->tid = tid;
	thread->stat_fd = open_file(proc_fd, pid, tid, "stat");
	if (thread->stat_fd < 0)
		return -errno;
	thread->schedstat_fd = open_file(proc_fd, pid, tid, "schedstat");
	thread->sched_fd = open_file(proc_fd, pid, tid, "sched");
	return 0;
}

void vcpu_thread_deinit(struct vcpu_thread *thread)
{
	const int files[] = {thread->stat_fd, thread->schedstat_fd, thread->sched_fd};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] >= 0)
			close(files[i]);
	*thread = VCPU_THREAD_NONE;
}

/* The whole file anew: it is made when it is read. NULL: there is none. */
static const char *read_file(int fd, char *text, size_t size)
{
	const ssize_t length = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

	if (length <= 0)
		return NULL;
	text[length] = '\0';
	return text;
}

static bool parse_stat(const char *text, struct vcpu_times *times)
{
	const char *at = strrchr(text, ')'); /* the second field is a name that may hold anything */
	unsigned pcpu;

	if (!at || at[1] != ' ' || !at[2])
		return false;
	times->state = at[2];
	for (int field = FIELD_STATE - 1; at && field < FIELD_CPU; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %u", &pcpu) != 1)
		return false;
	times->pcpu = pcpu;
	return true;
}

/* "name   :   12", anywhere; only whole lines begin with it. */
static bool find_count(const char *text, const char *name, uint64_t *count)
{
	const size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n'), line += line ? 1 : 0)
		if (!strncmp(line, name, length) && strchr(" :", line[length]))
			return sscanf(line + length, " : %" SCNu64, count) == 1;
	return false;
}

int vcpu_thread_read(const struct vcpu_thread *thread, struct vcpu_times *times)
{
	char buffer[8192];
	const char *text;

	*times = (struct vcpu_times){0};
	text = read_file(thread->stat_fd, buffer, sizeof(buffer));
	if (!text)
		return -ESRCH;
	if (!parse_stat(text, times))
		return -EINVAL;
	text = read_file(thread->schedstat_fd, buffer, sizeof(buffer));
	times->has_times = text && sscanf(text, "%" SCNu64 " %" SCNu64, &times->run_ns, &times->wait_ns) == 2;
	text = read_file(thread->sched_fd, buffer, sizeof(buffer));
	times->has_counts = text && find_count(text, "nr_involuntary_switches", &times->preemptions) &&
		find_count(text, "se.nr_migrations", &times->migrations);
	return 0;
}
