/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_cpu.h"
#include "host/collect/ftrace_ring_steps.h"
#include "lib/base/clock_now.h"
#include "lib/base/cleanup.h"

#define NAME_BYTES    64
#define SLOW_LOOK_NS  UINT64_C(50000000)
#define LATE_NS       UINT64_C(500000000) /* for one look at a live guest's buffer */
#define CLOCK_WAIT_NS UINT64_C(200000000)
#define RECORD_OFF    (UINT64_C(1) << 20) /* RB_BUFFER_OFF: tracing_on is 0 */

struct ftrace_buffer {
	const struct guest_kernel *kernel;
	struct ftrace_callbacks callbacks;
	uint64_t address; /* of its struct trace_array */
	bool is_main, is_gone;
	struct ftrace_layout layout;
	struct ftrace_memory memory;
	struct ftrace_array array; /* as last seen */
	struct ftrace_ring_set set;
	uint32_t nr_cpus;
	struct ftrace_cpu *cpus;
	uint64_t *rings;         /* of each CPU, 0: none; as last read */
	uint64_t told_epoch;     /* time_start of the reset that was told last */
	bool reset_is_due;       /* time_start changed, but the reset was not over when we looked */
	uint64_t clock_since_ns; /* another clock, but the reset that comes with it is not over; 0: no */
	bool swaps_cpus;         /* this kernel can exchange the rings of one CPU alone */
	uint64_t looked_ns;      /* at what changes rarely */
	char clock[NAME_BYTES], tracer[NAME_BYTES];
};

static void tell(struct ftrace_buffer *buffer, enum ftrace_change change)
{
	buffer->callbacks.change(buffer->callbacks.context, change);
}

static void read_names(struct ftrace_buffer *buffer)
{
	ftrace_layout_clock(&buffer->layout, &buffer->array, buffer->clock, sizeof(buffer->clock));
	ftrace_layout_tracer(&buffer->layout, &buffer->array, buffer->tracer, sizeof(buffer->tracer));
}

/* The addresses of all CPUs' rings of a struct trace_buffer. */
static int read_rings(struct ftrace_buffer *buffer, uint64_t trace_buffer, struct ftrace_ring_set *set)
{
	int code = ftrace_layout_set(&buffer->layout, trace_buffer, set);

	return code ? code
		    : guest_kernel_read(buffer->kernel, set->buffers, buffer->rings,
			      buffer->nr_cpus * sizeof(*buffer->rings));
}

static struct ftrace_ring new_ring(struct ftrace_buffer *buffer, uint32_t cpu)
{
	struct ftrace_ring ring;

	ftrace_ring_init(
		&ring, &buffer->layout, &buffer->memory, &buffer->callbacks, cpu, buffer->rings[cpu]);
	return ring;
}

/* Takes up the rings there are now. *exchanged: one in place of another. */
static int take_up(struct ftrace_buffer *buffer, bool whole, bool *exchanged)
{
	int code = read_rings(buffer, buffer->array.buffer, &buffer->set);

	if (ftrace_is_passing(code) && buffer->looked_ns)
		return 0;
	for (uint32_t cpu = 0; !code && cpu < buffer->nr_cpus; cpu++) {
		struct ftrace_ring ring;

		if (!buffer->rings[cpu] || ftrace_cpu_is_live(&buffer->cpus[cpu], buffer->rings[cpu]))
			continue;
		ring = new_ring(buffer, cpu);
		code = ftrace_cpu_set_live(&buffer->cpus[cpu], &ring, whole, exchanged);
	}
	return code;
}

static void take_up_spare(struct ftrace_buffer *buffer)
{
	struct ftrace_ring_set set;

	if (!buffer->array.spare || read_rings(buffer, buffer->array.spare, &set))
		return;
	for (uint32_t cpu = 0; cpu < buffer->nr_cpus; cpu++) {
		const struct ftrace_ring ring = new_ring(buffer, cpu);

		if (ring.address)
			ftrace_cpu_set_spare(&buffer->cpus[cpu], &ring);
	}
}

/* A dump is read only once, and to its end. */
static void set_deadline(struct ftrace_buffer *buffer)
{
	buffer->memory.deadline_ns =
		buffer->kernel->memory->is_live ? clock_now_ns(CLOCK_MONOTONIC) + LATE_NS : 0;
}

void ftrace_buffer_destroy(struct ftrace_buffer *buffer)
{
	if (!buffer)
		return;
	ftrace_memory_deinit(&buffer->memory);
	free(buffer->cpus);
	free(buffer->rings);
	free(buffer);
}

static void destroy(struct ftrace_buffer **buffer)
{
	ftrace_buffer_destroy(*buffer);
}

int ftrace_buffer_create(struct ftrace_buffer **result, const struct guest_kernel *kernel,
	uint64_t trace_array, bool whole, const struct ftrace_callbacks *callbacks, struct error *error)
{
	struct ftrace_buffer *buffer __attribute__((cleanup(destroy))) = calloc(1, sizeof(*buffer));
	bool exchanged = false;
	int code;

	if (!buffer)
		return error_set(error, -ENOMEM, "no memory");
	*buffer = (struct ftrace_buffer){
		.kernel = kernel,
		.callbacks = *callbacks,
		.address = trace_array,
		.is_main = trace_array == guest_kernel_symbol(kernel, "global_trace"),
		.memory = {.kernel = kernel},
	};
	set_deadline(buffer);
	code = ftrace_layout_init(&buffer->layout, kernel, error);
	if (!code)
		code = guest_kernel_cpus(kernel, &buffer->nr_cpus, error);
	if (code)
		return code;
	buffer->cpus = calloc(buffer->nr_cpus, sizeof(*buffer->cpus));
	buffer->rings = calloc(buffer->nr_cpus, sizeof(*buffer->rings));
	if (!buffer->cpus || !buffer->rings)
		return error_set(error, -ENOMEM, "no memory");
	code = ftrace_layout_array(&buffer->layout, trace_array, &buffer->array);
	if (!code && !buffer->array.buffer)
		return error_set(error, -EAGAIN, "kernel %s: no trace buffer so far", kernel->release);
	if (!code)
		code = take_up(buffer, whole, &exchanged);
	if (code)
		return error_set(error, code, "kernel %s: trace buffer at %#llx: %s", kernel->release,
			(unsigned long long)trace_array, strerror(-code));
	take_up_spare(buffer);
	/* CONFIG_RING_BUFFER_ALLOW_SWAP */
	buffer->swaps_cpus = guest_kernel_symbol(kernel, "ring_buffer_swap_cpu") != 0;
	buffer->told_epoch = buffer->array.time_start;
	buffer->looked_ns = clock_now_ns(CLOCK_MONOTONIC);
	read_names(buffer);
	*result = take_pointer(buffer);
	return 0;
}

/* Is it still in the list of trace buffers? Its neighbour there says so. */
static bool is_listed(const struct ftrace_buffer *buffer, const struct ftrace_array *array)
{
	uint64_t next;

	return buffer->is_main ||
		(!guest_kernel_read_u64(buffer->kernel, array->list_prev, &next) &&
			next == buffer->address + buffer->layout.list_offset);
}

/* All that was not read is gone with it. */
static void be_gone(struct ftrace_buffer *buffer)
{
	for (uint32_t cpu = 0; cpu < buffer->nr_cpus; cpu++) {
		struct ftrace_ring *ring = ftrace_cpu_live(&buffer->cpus[cpu]);

		if (ring && ring->look.entries > ring->position)
			ftrace_ring_lose(ring, ring->look.entries - ring->position, false);
	}
	buffer->is_gone = true;
	tell(buffer, FTRACE_CHANGE_GONE);
}

/* Reads the trace_array. 1: go on; 0: not now, or never more; errors of reading. */
static int look(struct ftrace_buffer *buffer, struct ftrace_array *array)
{
	for (int i = 0; i < 3; i++) {
		int code = ftrace_layout_array(&buffer->layout, buffer->address, array);

		if (code && !ftrace_is_passing(code))
			return code;
		if (!code && is_listed(buffer, array))
			return array->buffer != 0;
	}
	be_gone(buffer);
	return 0;
}

static bool is_recording_held(const struct ftrace_buffer *buffer)
{
	return buffer->set.record_disabled & (RECORD_OFF - 1);
}

/*
 * Another clock: the events in the ring go with the reset that follows, and those written meanwhile have times of both
 * clocks. True: wait for it.
 */
static bool wait_for_clock(struct ftrace_buffer *buffer, const struct ftrace_array *array)
{
	const uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	if (array->clock_id == buffer->array.clock_id)
		return false;
	if (!buffer->clock_since_ns)
		buffer->clock_since_ns = now;
	if (!ftrace_layout_set(&buffer->layout, array->buffer, &buffer->set) &&
		array->time_start != buffer->array.time_start && !is_recording_held(buffer))
		return false;
	return buffer->kernel->memory->is_live && now - buffer->clock_since_ns < CLOCK_WAIT_NS;
}

/* What a look at the trace_array shows. The rings' resets are told before a new clock or tracer. */
static void note_changes(struct ftrace_buffer *buffer, const struct ftrace_array *array)
{
	const struct ftrace_array before = buffer->array;
	char clock[NAME_BYTES];

	buffer->array = *array;
	if (array->time_start != before.time_start)
		buffer->reset_is_due = true;
	if (array->clock_id == before.clock_id && array->current_trace == before.current_trace)
		return;
	memcpy(clock, buffer->clock, sizeof(clock));
	read_names(buffer);
	buffer->clock_since_ns = 0;
	if (array->current_trace != before.current_trace)
		tell(buffer, FTRACE_CHANGE_TRACER);
	if (strcmp(clock, buffer->clock) != 0)
		tell(buffer, FTRACE_CHANGE_CLOCK);
}

/* One reset of the buffer is one of each of its rings. */
static void note_reset(struct ftrace_buffer *buffer, struct ftrace_cpu *cpu)
{
	const uint64_t epoch = buffer->array.time_start;

	if (cpu->reset_epoch == epoch || buffer->told_epoch != epoch)
		tell(buffer, FTRACE_CHANGE_RESET);
	cpu->reset_epoch = buffer->told_epoch = epoch;
}

/* Pages were added or removed, or are of another size now. */
static bool was_resized(struct ftrace_cpu *cpu)
{
	const struct ftrace_ring *ring = ftrace_cpu_live(cpu);
	const uint64_t pages = ring ? ring->look.nr_pages : 0, before = cpu->pages;

	cpu->pages = pages;
	return before && pages && before != pages;
}

static int poll_cpu(struct ftrace_buffer *buffer, struct ftrace_cpu *cpu, uint32_t *fullest)
{
	struct ftrace_ring *ring = ftrace_cpu_live(cpu);
	int code = 0;

	if (!ring)
		return 0;
	if (buffer->reset_is_due)
		ftrace_layout_set(&buffer->layout, buffer->array.buffer, &buffer->set);
	/* a reset that we cannot see: the ring has more events again than it had */
	ring->expects_reset = buffer->reset_is_due && !is_recording_held(buffer) &&
		cpu->reset_epoch != buffer->array.time_start;
	for (int i = 0; i < 2; i++) { /* again after a reset, which is told between the events */
		bool was_reset = false;
		uint32_t filled = 0;

		code = ftrace_cpu_poll(cpu, &filled, &was_reset);
		*fullest = filled > *fullest ? filled : *fullest;
		if (was_reset)
			note_reset(buffer, cpu);
		if (code || !was_reset)
			break;
	}
	return code;
}

/* What changes rarely: new CPUs, tracing_on; and the spare rings, so that a reset of them is seen. */
static bool is_time_for_more(struct ftrace_buffer *buffer)
{
	const uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	if (now - buffer->looked_ns < SLOW_LOOK_NS)
		return false;
	buffer->looked_ns = now;
	for (uint32_t i = 0; i < buffer->nr_cpus; i++) {
		struct ftrace_cpu *cpu = &buffer->cpus[i];
		bool was_reset = false;

		if (cpu->is_started[!cpu->live])
			ftrace_ring_refresh(&cpu->rings[!cpu->live], &was_reset);
	}
	return true;
}

int ftrace_buffer_poll(struct ftrace_buffer *buffer)
{
	struct ftrace_array array;
	bool exchanged = false, resized = false;
	uint32_t fullest = 0;
	int code;

	if (buffer->is_gone)
		return 0;
	set_deadline(buffer);
	code = look(buffer, &array);
	if (code <= 0)
		return code;
	if (wait_for_clock(buffer, &array))
		return 0;
	exchanged = array.buffer != buffer->array.buffer;
	note_changes(buffer, &array);
	code = 0;
	if (exchanged || buffer->swaps_cpus || is_time_for_more(buffer))
		code = take_up(buffer, true, &exchanged);
	if (exchanged)
		tell(buffer, FTRACE_CHANGE_RESET);
	for (uint32_t cpu = 0; !code && cpu < buffer->nr_cpus; cpu++) {
		code = poll_cpu(buffer, &buffer->cpus[cpu], &fullest);
		resized |= was_resized(&buffer->cpus[cpu]);
	}
	if (resized)
		tell(buffer, FTRACE_CHANGE_RESIZED);
	if (code)
		return code;
	buffer->reset_is_due &= is_recording_held(buffer);
	return (int)fullest;
}

uint32_t ftrace_buffer_cpus(const struct ftrace_buffer *buffer)
{
	return buffer->nr_cpus;
}

bool ftrace_buffer_counts(struct ftrace_buffer *buffer, uint32_t index, struct ftrace_counts *counts)
{
	struct ftrace_cpu *cpu = &buffer->cpus[index];
	struct ftrace_ring *ring = ftrace_cpu_live(cpu);
	bool was_reset = false;

	if (!ring || !cpu->is_started[cpu->live])
		return false;
	if (!buffer->is_gone)
		ftrace_ring_refresh(ring, &was_reset);
	if (was_reset)
		note_reset(buffer, cpu);
	ftrace_cpu_counts(cpu, counts);
	return true;
}

uint64_t ftrace_buffer_ring_bytes(const struct ftrace_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->nr_cpus; i++) {
		const struct ftrace_cpu *cpu = &buffer->cpus[i];
		const struct ftrace_ring *ring = &cpu->rings[cpu->live];

		if (cpu->is_started[cpu->live])
			return ring->look.nr_pages * (ring->data_bytes + buffer->layout.header_bytes);
	}
	return 0;
}

const char *ftrace_buffer_clock(const struct ftrace_buffer *buffer)
{
	return buffer->clock;
}

const char *ftrace_buffer_tracer(const struct ftrace_buffer *buffer)
{
	return buffer->tracer;
}

bool ftrace_buffer_is_on(const struct ftrace_buffer *buffer)
{
	return !(buffer->set.record_disabled & RECORD_OFF);
}
