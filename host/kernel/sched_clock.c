/* SPDX-License-Identifier: MIT */
#include "host/kernel/sched_clock.h"

#include <errno.h>
#include <string.h>

#define SHIFT_MAX    63
#define STRUCT_BYTES 256

int sched_clock_init(struct sched_clock *clock, const struct guest_kernel *kernel, struct error *error)
{
	const struct kernel_types *types = &kernel->types;
	uint32_t cpus = 0;
	int code;

	*clock = (struct sched_clock){.kernel = kernel,
		.offset_symbol = guest_kernel_symbol(kernel, "__sched_clock_offset"),
		.stable_key = guest_kernel_symbol(kernel, "__sched_clock_stable")};
	code = kernel_types_need(types, "cyc2ns_data", "cyc2ns_mul", &clock->mul, error);
	if (!code)
		code = kernel_types_need(types, "cyc2ns_data", "cyc2ns_shift", &clock->shift, error);
	if (!code)
		code = kernel_types_need(types, "cyc2ns_data", "cyc2ns_offset", &clock->offset, error);
	if (!code)
		code = kernel_types_need(types, "sched_clock_data", "tick_raw", &clock->tick_raw, error);
	if (!code)
		code = kernel_types_need(types, "sched_clock_data", "tick_gtod", &clock->tick_gtod, error);
	if (!code)
		code = kernel_types_need(types, "sched_clock_data", "clock", &clock->clock, error);
	if (!code)
		code = guest_kernel_cpus(kernel, &cpus, error);
	if (code)
		return code;
	clock->cyc2ns_bytes = kernel_types_size(types, "cyc2ns_data");
	if (clock->cyc2ns_bytes > STRUCT_BYTES || kernel_types_size(types, "sched_clock_data") > STRUCT_BYTES)
		return error_set(error, -ENOTSUP, "sched_clock's structures are too large");
	if (guest_kernel_per_cpu(kernel, "cyc2ns", 0, &clock->cyc2ns))
		clock->cyc2ns = 0;
	for (uint32_t cpu = 0; cpu < cpus && clock->nr_data < sizeof(clock->data) / sizeof(clock->data[0]); cpu++)
		if (guest_kernel_per_cpu(kernel, "sched_clock_data", cpu, &clock->data[clock->nr_data]) == 0)
			clock->nr_data++;
	return 0;
}

/* A static key: its counter is 0 or 1. */
bool sched_clock_is_stable(const struct sched_clock *clock)
{
	uint32_t enabled;

	return clock->stable_key && guest_kernel_read_u32(clock->kernel, clock->stable_key, &enabled) == 0 && enabled == 1;
}

/* Of the two copies in struct cyc2ns the first; they differ while the kernel changes them, that is almost never. */
static int read_factors(const struct sched_clock *clock, uint64_t *mul, uint64_t *shift, int64_t *offset)
{
	uint8_t copy[STRUCT_BYTES];
	int code;

	if (!clock->cyc2ns)
		return -ENOENT;
	code = guest_kernel_read(clock->kernel, clock->cyc2ns, copy, clock->cyc2ns_bytes);
	if (code)
		return code;
	*mul = kernel_field_value(&clock->mul, copy);
	*shift = kernel_field_value(&clock->shift, copy);
	*offset = (int64_t)kernel_field_value(&clock->offset, copy);
	return !*mul || *shift > SHIFT_MAX ? -EAGAIN : 0;
}

int sched_clock_from_tsc(const struct sched_clock *clock, uint64_t tsc, uint64_t *ns)
{
	uint64_t mul, shift;
	int64_t offset;
	int code = read_factors(clock, &mul, &shift, &offset);

	if (!code)
		*ns = (uint64_t)((unsigned __int128)tsc * mul >> shift) + (uint64_t)offset;
	return code;
}

int sched_clock_to_tsc(const struct sched_clock *clock, uint64_t ns, uint64_t *tsc)
{
	uint64_t mul, shift;
	int64_t offset;
	int code = read_factors(clock, &mul, &shift, &offset);

	if (!code)
		*tsc = (uint64_t)(((unsigned __int128)(ns - (uint64_t)offset) << shift) / mul);
	return code;
}

uint64_t sched_clock_offset(const struct sched_clock *clock)
{
	uint64_t offset = 0;

	if (clock->offset_symbol && guest_kernel_read_u64(clock->kernel, clock->offset_symbol, &offset))
		return 0;
	return offset;
}

int sched_clock_last_tick(const struct sched_clock *clock, struct sched_clock_tick *tick)
{
	uint8_t copy[STRUCT_BYTES], again[STRUCT_BYTES];
	const uint32_t bytes = kernel_types_size(&clock->kernel->types, "sched_clock_data");

	*tick = (struct sched_clock_tick){0};
	for (unsigned i = 0; i < clock->nr_data; i++) {
		uint64_t raw;
		int code = guest_kernel_read(clock->kernel, clock->data[i], copy, bytes);

		if (!code)
			code = guest_kernel_read(clock->kernel, clock->data[i], again, bytes);
		if (code)
			return code;
		raw = kernel_field_value(&clock->tick_raw, copy);
		/* its three words are written one after the other: only a copy that stands still is of one tick */
		if (raw <= tick->raw_ns || raw != kernel_field_value(&clock->tick_raw, again) ||
			kernel_field_value(&clock->tick_gtod, copy) != kernel_field_value(&clock->tick_gtod, again))
			continue;
		tick->raw_ns = raw;
		tick->mono_ns = kernel_field_value(&clock->tick_gtod, copy);
		tick->local_ns = kernel_field_value(&clock->clock, copy);
	}
	return tick->raw_ns ? 0 : -EAGAIN;
}

uint32_t sched_clock_tsc_khz(const struct sched_clock *clock)
{
	uint64_t address = guest_kernel_symbol(clock->kernel, "tsc_khz");
	uint32_t khz;

	return address && guest_kernel_read_u32(clock->kernel, address, &khz) == 0 ? khz : 0;
}
