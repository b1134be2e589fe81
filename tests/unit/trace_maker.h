/* SPDX-License-Identifier: MIT */
/* Makes small traces for tests, fuzzers and benchmarks: the writer's other user, beside the recorder. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/event_schema.h"
#include "lib/writer/ctf_stream.h"

#define TRACE_MAKER_HZ   2500000000ull
#define TRACE_MAKER_TEXT 0xffffffff81000000ull /* the kernel's */

/* Every kind of field in few types; the names are those of real events, so that dump's formatters are met too. */
enum maker_event {
	MAKER_SWITCH = 1, /* sched_switch: 22 + 10 + signed 8 bits */
	MAKER_WAKING = 2,
	MAKER_SYS_ENTER = 13,
	MAKER_SYS_EXIT = 15,       /* signed 32 */
	MAKER_SYS_EXIT_SHORT = 24, /* another layout of sys_exit */
	MAKER_TIMER = 17,          /* hex 64 */
	MAKER_TIMER_EXIT = 18,     /* no field */
	MAKER_MARKER = 32,         /* text */
	MAKER_RAW = 34,            /* bytes */
	MAKER_TASK = 48,           /* comm */
	/* of a boot and its end, as the channel ftrace records them */
	MAKER_EXEC = 49,
	MAKER_EXIT,
	MAKER_RENAME,
	MAKER_END,
	MAKER_INITCALL_LEVEL,
	MAKER_INITCALL_START,
	MAKER_INITCALL_FINISH,
	MAKER_MODULE_LOAD,
	MAKER_CONSOLE,
	MAKER_GRAPH_ENTRY,
	MAKER_GRAPH_EXIT,
	/* of functions, as the module records them; behind the others, as their numbers are no short ones */
	MAKER_FUNC_ENTRY,
	MAKER_FUNC_EXIT,
	MAKER_FUNC_SPAN,
	MAKER_FUNCTION,        /* ftrace's */
	MAKER_FUNC_ENTRY_TEXT, /* words from TRACE_MAKER_TEXT on */
};

struct event_schema *maker_schema(void);

/* A temporary directory under /tmp, to be given to maker_remove(). */
char *maker_directory(void);
void maker_remove(char *path);

/* Builds one packet in memory, then writes it. */
struct maker_stream {
	struct ctf_stream stream;
	uint8_t *buffer;
	uint32_t bytes, capacity, events;
	uint64_t begin_tsc, end_tsc, lost;
	uint32_t begin_pid, pid;
};

void maker_stream_init(struct maker_stream *maker, int dir_fd, uint32_t cpu);
void maker_stream_deinit(struct maker_stream *maker); /* flushes */
void maker_event(struct maker_stream *maker, uint32_t id, uint64_t tsc, const void *payload, uint32_t bytes);
/* An event whose last field is a text: `bytes` of payload, then it. */
void maker_text(struct maker_stream *maker, uint32_t id, uint64_t tsc, const void *payload, uint32_t bytes,
	const char *text);
void maker_flush(struct maker_stream *maker);
/* sched_switch, which packs its three fields; keeps the current pid. */
void maker_switch(struct maker_stream *maker, uint64_t tsc, uint32_t next_pid, unsigned state, int prio);

/* Writes `metadata` for maker_schema(). */
void maker_metadata(int dir_fd, const char *machine);
extern const uint8_t maker_uuid[16];
