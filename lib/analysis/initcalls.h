/* SPDX-License-Identifier: MIT */
/*
 * Initcalls, the kernel's own (in levels, one after the other) and modules': pairs of initcall_start and
 * initcall_finish of one function in one task, with what ran nested inside and how long the task was off the CPU.
 *
 * Levels come in the order of include/linux/init.h; `console` runs in the boot CPU's first task, `early` and all later
 * ones in pid 1 (init/main.c: do_one_initcall(), the same in 6.1 and 6.12). A module's initcall follows its module_load
 * in the same task (kernel/module/main.c: load_module()).
 *
 * Lost events make gaps, never wrong pairs: a module may be loaded again at the same address, so a module's initcall
 * that was open when events were lost stays unpaired. One of the kernel's own runs once, so its pair holds.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"

#define INITCALL_ROWS_MAX     16384 /* Debian's kernels have about 1,000 */
#define INITCALL_LEVELS_MAX   32    /* there are 11 */
#define INITCALL_TASKS_MAX    4096
#define INITCALL_DEPTH_MAX    8
#define INITCALL_GAPS_MAX     32
#define INITCALL_NAME_BYTES   64 /* of modules: MODULE_NAME_LEN */
#define INITCALL_NO_LEVEL     UINT16_MAX
#define INITCALL_AWAY_UNKNOWN UINT64_MAX

struct initcall {
	uint64_t func;
	uint64_t start_ns, end_ns; /* end 0: it did not finish, or that was lost */
	uint64_t nested_ns;        /* of its time: initcalls of the same task inside it */
	uint64_t away_ns;          /* of its time: off the CPU; INITCALL_AWAY_UNKNOWN */
	uint32_t pid, cpu;         /* cpu: where it started */
	int32_t ret;
	uint16_t level; /* of initcalls.levels; INITCALL_NO_LEVEL: of a module, or no level was seen */
	uint16_t depth; /* how many it is nested in */
	bool own;       /* the kernel's, not a module's */
	bool torn;      /* events were lost while it ran */
	char module[INITCALL_NAME_BYTES]; /* "": built in; raw, from the guest */
};

struct initcall_level {
	char name[INITCALL_NAME_BYTES]; /* raw, from the guest */
	uint64_t at_ns;
	uint64_t end_ns; /* its last initcall's end; 0: none finished */
	uint64_t count, total_ns;
	uint32_t pid;        /* runs it */
	uint32_t generation; /* of the initcalls when it began */
};

/* A stretch between two initcalls of one level. */
struct initcall_gap {
	uint64_t from_ns, to_ns;
	uint16_t level;
};

struct initcalls {
	struct initcall *rows; /* by start; the first nr_rows */
	size_t nr_rows, capacity;
	struct initcall_level levels[INITCALL_LEVELS_MAX];
	uint32_t nr_levels;
	struct initcall_gap gaps[INITCALL_GAPS_MAX]; /* the longest first */
	uint32_t nr_gaps;

	uint64_t finished;    /* pairs */
	uint64_t total_ns;    /* of them, nested ones counted once */
	uint64_t own, own_ns; /* of these the kernel's own */
	uint64_t unfinished;  /* starts without a finish */
	uint64_t unstarted;   /* finishes without a start */
	uint64_t left_out;    /* pairs without a row: there were too many */
	uint64_t last_own_ns; /* when the last of the kernel's own finished; 0: none */
	uint64_t init_at_ns;  /* when the kernel's own were over: pid 1 has begun init; 0: not seen */

	struct capped_table tasks; /* of struct initcall_task, by pid */
	uint32_t generation;       /* counts gaps */
	uint32_t nr_open;
	uint64_t idle_since_ns; /* no initcall runs since then; 0: one does, or it is not known */
};

/* -ENOMEM; good for initcalls_deinit() all the same. */
int initcalls_init(struct initcalls *initcalls);
void initcalls_deinit(struct initcalls *initcalls);

/* initcall_level, module_load: `name` is foreign. */
void initcalls_level(
	struct initcalls *initcalls, uint32_t pid, const void *name, uint32_t bytes, uint64_t now_ns);
void initcalls_module(struct initcalls *initcalls, uint32_t pid, const void *name, uint32_t bytes);

/* `away_ns`: how long the task was off the CPU so far, since any time; INITCALL_AWAY_UNKNOWN. */
void initcalls_start(struct initcalls *initcalls, uint32_t pid, uint32_t cpu, uint64_t func, uint64_t away_ns,
	uint64_t now_ns);
void initcalls_finish(struct initcalls *initcalls, uint32_t pid, uint64_t func, int64_t ret, uint64_t away_ns,
	uint64_t now_ns);

/* The task's pid may be used again. */
void initcalls_task_ends(struct initcalls *initcalls, uint32_t pid);

/* pid 1 has executed init: from here on initcalls are those of modules. */
void initcalls_init_begins(struct initcalls *initcalls, uint64_t now_ns);

/* Events were lost on some CPU. */
void initcalls_lost(struct initcalls *initcalls);

/* The trace ends: counts what is open. */
void initcalls_end(struct initcalls *initcalls);

/* Its time without what ran nested inside; 0: it did not finish. */
static inline uint64_t initcall_self_ns(const struct initcall *initcall)
{
	uint64_t ns = initcall->end_ns ? initcall->end_ns - initcall->start_ns : 0;

	return ns > initcall->nested_ns ? ns - initcall->nested_ns : 0;
}

/* By self time, the longest first, at most `max`; heap, *nr of them. NULL: none, or no memory. */
const struct initcall **initcalls_longest(const struct initcalls *initcalls, size_t *nr);
