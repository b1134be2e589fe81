/* SPDX-License-Identifier: MIT */
/* One guest of a recorder, whatever its channel: embedded first in recorder_guest (shm) and ftrace_guest (ftrace). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum recorder_state {
	RECORDER_WAITS, /* not booted, or our wishes are not yet in force */
	RECORDER_RECORDS,
	RECORDER_ENDED, /* its last words are recorded; it may start anew */
	RECORDER_GONE,  /* there will be no more of it */
};

struct control_request;
struct recorder_member;

struct recorder_member_ops {
	/* Takes what is there. Returns how full the fullest ring had become since the last call, in 1/1000. */
	unsigned (*poll)(struct recorder_member *member, uint64_t now_ns);
	/* Takes what is left and ends its machines. */
	void (*finish)(struct recorder_member *member);
	void (*destroy)(struct recorder_member *member);
	/* Other wishes from now on; what rings are made of stays. NULL: there are none that could change. */
	void (*ask)(struct recorder_member *member, const struct control_request *request);
	/* The next guest inside this one, not returned before; NULL: none. May be NULL. */
	struct recorder_member *(*nested)(struct recorder_member *member);
};

struct recorder_member {
	const struct recorder_member_ops *ops;
	enum recorder_state state;
	uint64_t ring_bytes;  /* of its smallest ring; 0: none yet */
	uint64_t identity[2]; /* no guest is recorded twice: device and inode of its memory, or 0 and a pid */
	pid_t vmm;            /* 0: not known */
	char machine[64];     /* its first in the trace; "": none so far */
	bool companion;       /* a host, or a guest inside another: a recording does not go on for its sake */
};
