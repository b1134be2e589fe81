/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/clock_sightings.h"
#include "host/kernel/sched_clock.h"
#include "host/kernel/timekeeper.h"
#include "lib/base/clock_now.h"

#define MS_NS     1000000ull
#define WINDOW_NS (2 * MS_NS)    /* how long we look for a tick at most */
#define PERIOD_NS (1000 * MS_NS) /* between two windows */
#define RETRY_NS  (50 * MS_NS)   /* after a window without a tick; doubled each time, up to PERIOD_NS */
#define SEEN_NS   (5000 * MS_NS) /* so long the points of events that were seen are enough */
/* From the moment that a tick's values are of to when they can be seen: what the kernel does between. */
#define VISIBLE_NS 10000
/* sched_clock's note of a tick is written one word after the other, and read so. */
#define UNSTABLE_ERROR_NS 50000

enum kind {
	KIND_TSC,
	KIND_SCHED, /* sched_clock(): the TSC as ns, trusted or not */
	KIND_CPU,   /* local_clock(): the same, held to the timekeeper where it is not trusted */
	KIND_MONO,
	KIND_RAW,
	KIND_BOOT,
	KIND_TAI,
};

/* The names of kernel/trace/trace.c's trace_clocks; what they are: kernel/trace/trace_clock.c. */
static const struct {
	const char *name;
	enum kind kind;
} clocks[] = {
	{"x86-tsc", KIND_TSC},
	{"local", KIND_SCHED},
	{"global", KIND_CPU}, /* local_clock() that never goes back between CPUs */
	{"perf", KIND_CPU},
	{"mono", KIND_MONO},
	{"mono_raw", KIND_RAW},
	{"boot", KIND_BOOT},
	{"tai", KIND_TAI},
};

struct ftrace_clock {
	enum kind kind;
	struct timekeeper timekeeper;
	struct sched_clock sched;
	bool has_timekeeper, has_sched;
	const struct guest_kernel *kernel;
	uint64_t next_ns; /* when to look again */
	unsigned misses;
	struct clock_sightings sightings;
};

/* A look at the guest's time. */
struct look {
	uint64_t mark; /* another one: a tick has been */
	struct ftrace_clock_reading reading;
};

int ftrace_clock_create(struct ftrace_clock **out, const struct guest_kernel *kernel, const char *trace_clock,
	struct error *error)
{
	struct ftrace_clock *clock;
	size_t i = 0;

	while (i < sizeof(clocks) / sizeof(clocks[0]) && strcmp(clocks[i].name, trace_clock))
		i++;
	if (i == sizeof(clocks) / sizeof(clocks[0]))
		return error_set(error, -ENOTSUP, "the trace clock is no time that can be calculated");
	clock = calloc(1, sizeof(*clock));
	if (!clock)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	clock->kind = clocks[i].kind;
	clock->kernel = kernel;
	*out = clock;
	return 0;
}

void ftrace_clock_destroy(struct ftrace_clock *clock)
{
	free(clock);
}

/* Both exist only from some moment of the boot on. */
static int prepare(struct ftrace_clock *clock)
{
	if (!clock->has_timekeeper)
		clock->has_timekeeper = timekeeper_init(&clock->timekeeper, clock->kernel, NULL) == 0;
	if (!clock->has_sched)
		clock->has_sched = sched_clock_init(&clock->sched, clock->kernel, NULL) == 0;
	return clock->has_timekeeper ? 0 : -EAGAIN;
}

/* A kernel that does not trust its TSC notes what it said at each tick. */
static int look_unstable(const struct ftrace_clock *clock, struct look *look)
{
	struct sched_clock_tick tick;
	int code = sched_clock_last_tick(&clock->sched, &tick);

	if (code)
		return code;
	look->mark = tick.raw_ns;
	look->reading.mono_ns = tick.mono_ns;
	look->reading.error_ns = UNSTABLE_ERROR_NS;
	if (clock->kind != KIND_TSC) {
		look->reading.trace = clock->kind == KIND_CPU ? tick.local_ns : tick.raw_ns;
		return 0;
	}
	code = sched_clock_to_tsc(&clock->sched, tick.raw_ns, &look->reading.trace);
	look->reading.tsc = look->reading.trace;
	return code;
}

/* Of a kernel whose timekeeper counts the TSC, or kvm-clock (arch/x86/kernel/kvmclock.c). */
static int look_tsc(
	const struct ftrace_clock *clock, const struct timekeeper_reading *tick, struct look *look)
{
	const uint64_t kvm = guest_kernel_symbol(clock->kernel, "kvm_sched_clock_offset"),
		       cycles = tick->cycles + tick->step_cycles / 2;
	uint64_t offset, ns;
	int code = 0;

	look->reading.error_ns = tick->step_ns / 2;
	look->reading.trace = cycles;
	if (clock->kind == KIND_TSC)
		return tick->is_tsc ? 0 : -ENOTSUP;
	if (!clock->has_sched)
		return -ENOTSUP;
	if (tick->is_tsc && kvm && guest_kernel_read_u64(clock->kernel, kvm, &offset) == 0 && offset)
		return -ENOTSUP; /* sched_clock() is kvm-clock, the timekeeper's clock is not */
	if (tick->is_tsc) {
		code = sched_clock_from_tsc(&clock->sched, cycles, &ns);
	} else if (!strcmp(clock->timekeeper.source_name, "kvm-clock") && kvm) {
		code = guest_kernel_read_u64(clock->kernel, kvm, &offset);
		ns = cycles - offset;
	} else {
		return -ENOTSUP;
	}
	if (!code)
		look->reading.trace = clock->kind == KIND_CPU ? ns + sched_clock_offset(&clock->sched) : ns;
	return code;
}

static int take_look(struct ftrace_clock *clock, struct look *look)
{
	struct timekeeper_reading tick;
	int code = prepare(clock);

	*look = (struct look){0};
	if (!code)
		code = timekeeper_read(&clock->timekeeper, &tick);
	if (code)
		return code;
	look->mark = tick.cycles;
	look->reading = (struct ftrace_clock_reading){
		.tsc = tick.is_tsc ? tick.cycles : 0, .mono_ns = tick.mono_ns, .realtime_ns = tick.real_ns};
	if (clock->kind == KIND_SCHED || clock->kind == KIND_CPU || clock->kind == KIND_TSC) {
		if (!tick.is_tsc && clock->has_sched && !sched_clock_is_stable(&clock->sched))
			return look_unstable(clock, look);
		return look_tsc(clock, &tick, look);
	}
	look->reading.error_ns = tick.step_ns / 2;
	look->reading.trace = tick.step_ns / 2 +
		(clock->kind == KIND_MONO                  ? tick.mono_ns
				: clock->kind == KIND_RAW  ? tick.raw_ns
				: clock->kind == KIND_BOOT ? tick.boot_ns
							   : tick.tai_ns);
	return 0;
}

int ftrace_clock_read(struct ftrace_clock *clock, struct ftrace_clock_reading *reading)
{
	struct look look;
	int code = take_look(clock, &look);

	*reading = look.reading;
	return code;
}

/* A tick was seen: not at before_ns, but at after_ns. */
static void fill_point(
	const struct look *look, uint64_t before_ns, uint64_t after_ns, struct clock_point *point)
{
	uint64_t half = (after_ns - before_ns) / 2;

	*point = (struct clock_point){.tsc = look->reading.trace,
		.host_ns = (int64_t)(before_ns + half),
		.bound_ns = half + 1 + VISIBLE_NS + look->reading.error_ns};
}

/* Looks as often as it can until there is a tick. */
static bool wait_for_tick(struct ftrace_clock *clock, uint64_t until_ns, struct clock_point *point)
{
	uint64_t before_ns = clock_now_ns(CLOCK_MONOTONIC), now_ns;
	struct look first, look;

	if (take_look(clock, &first))
		return false;
	do {
		now_ns = clock_now_ns(CLOCK_MONOTONIC);
		if (take_look(clock, &look) == 0) {
			if (look.mark != first.mark) {
				fill_point(&look, before_ns, clock_now_ns(CLOCK_MONOTONIC), point);
				return true;
			}
			before_ns = now_ns;
		}
	} while (now_ns < until_ns);
	return false;
}

bool ftrace_clock_poll(struct ftrace_clock *clock, struct clock_point *point)
{
	const uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);

	if (now_ns < clock->next_ns)
		return false;
	if (wait_for_tick(clock, now_ns + WINDOW_NS, point)) {
		clock->misses = 0;
		clock->next_ns = now_ns + PERIOD_NS;
		return true;
	}
	clock->next_ns = now_ns + (clock->misses < 5 ? RETRY_NS << clock->misses : PERIOD_NS);
	clock->misses++;
	return false;
}

bool ftrace_clock_seen(struct ftrace_clock *clock, uint64_t time, uint64_t before_ns, uint64_t after_ns,
	struct clock_point *point)
{
	const struct clock_sighting sighting = {time, before_ns, after_ns};

	if (!clock_sightings_add(&clock->sightings, &sighting, point))
		return false;
	clock->next_ns = after_ns + SEEN_NS;
	return true;
}

uint32_t ftrace_clock_khz(const struct ftrace_clock *clock)
{
	uint32_t khz = 0;

	if (clock->kind != KIND_TSC)
		return 1000000;
	if (clock->has_sched)
		khz = sched_clock_tsc_khz(&clock->sched);
	else if (guest_kernel_symbol(clock->kernel, "tsc_khz"))
		guest_kernel_read_u32(clock->kernel, guest_kernel_symbol(clock->kernel, "tsc_khz"), &khz);
	return khz ? khz : 1000000;
}
