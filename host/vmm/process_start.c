/* SPDX-License-Identifier: MIT */
#include "host/vmm/process_start.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"
#include "lib/base/file.h"

#define STARTTIME_FIELD 22

int64_t process_start_ns(pid_t pid)
{
	const long ticks_per_s = sysconf(_SC_CLK_TCK);
	cleanup_free char *text = NULL;
	unsigned long long ticks;
	char path[64], *at;
	int64_t boottime_ns;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (ticks_per_s <= 0 || file_read_small(AT_FDCWD, path, 4096, &text, NULL, NULL))
		return 0;
	/* the second field is a name in parentheses that may hold anything */
	at = strrchr(text, ')');
	for (int field = 2; at && field < STARTTIME_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &ticks) != 1)
		return 0;
	/* starttime counts from the boot, suspended or not */
	boottime_ns = (int64_t)(ticks * (1000000000ull / (unsigned long)ticks_per_s));
	return boottime_ns - (int64_t)clock_now_ns(CLOCK_BOOTTIME) + (int64_t)clock_now_ns(CLOCK_MONOTONIC);
}
