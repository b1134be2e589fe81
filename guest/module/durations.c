// SPDX-License-Identifier: GPL-2.0-only
/*
 * Minimum durations: the start of a pair is remembered instead of recorded, and its end makes one `span` event if it
 * took long enough. Interrupts and timers nest per CPU; a system call belongs to its task, which may sleep and move.
 */
#include <linux/hash.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include "hypertrace.h"

static u64 min_tsc[HT_PAIRS];
static DEFINE_PER_CPU(u64 [HT_PAIRS], started);

#define TASKS_BITS 12
static struct {
	s32 pid;
	u64 tsc;
} tasks[1 << TASKS_BITS];

bool ht_duration_wanted(enum ht_pair pair)
{
	return min_tsc[pair] != 0;
}

u64 ht_duration_tsc(enum ht_pair pair)
{
	return min_tsc[pair];
}

void ht_durations_set(const struct ht_control *control)
{
	int i;

	memset(tasks, 0, sizeof(tasks));
	for (i = 0; i < HT_PAIRS; i++)
		WRITE_ONCE(min_tsc[i], mul_u64_u64_div_u64(control->min_duration_ns[i], tsc_khz, 1000000));
}

void ht_span_begin(enum ht_pair pair)
{
	if (pair == HT_PAIR_SYSCALL) {
		u32 slot = hash_32(current->pid, TASKS_BITS);

		/* Two tasks in one slot: the later one wins, and the earlier one's end is counted. */
		tasks[slot].tsc = rdtsc();
		WRITE_ONCE(tasks[slot].pid, current->pid);
	} else {
		this_cpu_write(started[pair], rdtsc());
	}
}

void ht_span_end(enum ht_pair pair, u32 key, s64 value)
{
	struct {
		u8 pair;
		u32 key;
		s64 value;
		u64 duration;
	} __packed payload = { pair, key, value };
	u64 begin;

	if (pair == HT_PAIR_SYSCALL) {
		u32 slot = hash_32(current->pid, TASKS_BITS);

		if (READ_ONCE(tasks[slot].pid) != current->pid) {
			if (tasks[slot].pid)
				ht_lost(HT_LOST_PAIRING);
			return;
		}
		begin = tasks[slot].tsc;
	} else {
		begin = this_cpu_read(started[pair]);
		this_cpu_write(started[pair], 0);
	}
	payload.duration = rdtsc() - begin;
	if (begin && payload.duration >= READ_ONCE(min_tsc[pair]))
		ht_write(HT_ID_span, &payload, sizeof(payload), NULL, 0);
}
