/* SPDX-License-Identifier: MIT */
#include "host/kernel/timekeeper.h"

#include <errno.h>
#include <string.h>

#define GAPS      8 /* places where the timekeeper may begin behind its sequence count, in words */
#define SHIFT_MAX 32
#define TRIES     8

static int find_fields(struct timekeeper *timekeeper, struct error *error)
{
	const struct kernel_types *types = &timekeeper->kernel->types;
	const struct {
		const char *path;
		struct kernel_field *field;
	} wanted[] = {
		{"tkr_mono.clock", &timekeeper->clock},
		{"tkr_mono.cycle_last", &timekeeper->cycle_last},
		{"tkr_mono.base", &timekeeper->base},
		{"tkr_mono.xtime_nsec", &timekeeper->xtime_nsec},
		{"tkr_mono.shift", &timekeeper->shift},
		{"tkr_raw.base", &timekeeper->raw_base},
		{"tkr_raw.xtime_nsec", &timekeeper->raw_nsec},
		{"tkr_raw.shift", &timekeeper->raw_shift},
		{"offs_real", &timekeeper->offs_real},
		{"offs_boot", &timekeeper->offs_boot},
		{"offs_tai", &timekeeper->offs_tai},
		{"cycle_interval", &timekeeper->cycle_interval},
		{"xtime_interval", &timekeeper->xtime_interval},
	};
	int code = 0;

	timekeeper->bytes = kernel_types_size(types, "timekeeper");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && !code; i++) {
		code = kernel_types_need(types, "timekeeper", wanted[i].path, wanted[i].field, error);
		if (!code &&
			(wanted[i].field->bytes > 8 ||
				wanted[i].field->byte_offset + wanted[i].field->bytes > timekeeper->bytes))
			code = error_set(
				error, -ENOTSUP, "struct timekeeper: %s is no number", wanted[i].path);
	}
	if (!code && timekeeper->bytes > TIMEKEEPER_BYTES_MAX - GAPS * 8)
		code = error_set(error, -ENOTSUP, "struct timekeeper of %u bytes", timekeeper->bytes);
	return code;
}

/* "tsc", "hpet": what a pointer to a clock source leads to; false: it leads to none. */
static bool read_source(const struct guest_kernel *kernel, uint64_t source, char name[CLOCKSOURCE_NAME])
{
	uint64_t text;

	if (guest_kernel_read_field(kernel, source, "clocksource", "name", &text) ||
		guest_kernel_read_text(kernel, text, name, CLOCKSOURCE_NAME) || !name[0])
		return false;
	for (const char *at = name; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *at))
			return false;
	return true;
}

int timekeeper_init(struct timekeeper *timekeeper, const struct guest_kernel *kernel, struct error *error)
{
	uint64_t core;
	int code;

	*timekeeper = (struct timekeeper){.kernel = kernel};
	code = guest_kernel_need_symbol(kernel, "tk_core", &core, error);
	if (!code)
		code = find_fields(timekeeper, error);
	if (code)
		return code;
	for (uint32_t gap = 8; gap <= GAPS * 8; gap += 8) {
		uint64_t source;

		code = guest_kernel_read_u64(kernel, core + gap + timekeeper->clock.byte_offset, &source);
		if (code)
			return error_set(error, code, "the timekeeper at 0x%llx cannot be read",
				(unsigned long long)core);
		if (source >> 63 && read_source(kernel, source, timekeeper->source_name)) {
			timekeeper->gap = gap;
			timekeeper->address = core + gap;
			timekeeper->source = source;
			return 0;
		}
	}
	return error_set(error, -EAGAIN, "the guest's timekeeper is not set up so far");
}

static uint64_t value(const struct kernel_field *field, const uint8_t *copy)
{
	return kernel_field_value(field, copy);
}

/* base + (xtime_nsec >> shift); 0 of an absurd shift */
static uint64_t to_ns(uint64_t base, uint64_t shifted, uint64_t shift)
{
	return shift > SHIFT_MAX ? 0 : base + (shifted >> shift);
}

int timekeeper_read(struct timekeeper *timekeeper, struct timekeeper_reading *reading)
{
	uint8_t copy[TIMEKEEPER_BYTES_MAX], *fields = copy + timekeeper->gap;
	uint32_t before, after;
	uint64_t source;

	for (int i = 0; i < TRIES; i++) {
		int code = guest_kernel_read(timekeeper->kernel, timekeeper->address - timekeeper->gap, copy,
			timekeeper->gap + timekeeper->bytes);

		if (!code)
			code = guest_kernel_read_u32(
				timekeeper->kernel, timekeeper->address - timekeeper->gap, &after);
		if (code)
			return code;
		memcpy(&before, copy, sizeof(before));
		if (before == after && before % 2 == 0)
			break;
		if (i == TRIES - 1)
			return -EAGAIN;
	}
	source = value(&timekeeper->clock, fields);
	if (source != timekeeper->source) {
		if (!read_source(timekeeper->kernel, source, timekeeper->source_name))
			return -EAGAIN;
		timekeeper->source = source;
	}
	*reading = (struct timekeeper_reading){
		.cycles = value(&timekeeper->cycle_last, fields),
		.is_tsc = !strncmp(timekeeper->source_name, "tsc", 3),
		.mono_ns = to_ns(value(&timekeeper->base, fields), value(&timekeeper->xtime_nsec, fields),
			value(&timekeeper->shift, fields)),
		.raw_ns = to_ns(value(&timekeeper->raw_base, fields), value(&timekeeper->raw_nsec, fields),
			value(&timekeeper->raw_shift, fields)),
	};
	reading->step_cycles = value(&timekeeper->cycle_interval, fields);
	reading->step_ns =
		to_ns(0, value(&timekeeper->xtime_interval, fields), value(&timekeeper->shift, fields));
	reading->boot_ns = reading->mono_ns + value(&timekeeper->offs_boot, fields);
	reading->tai_ns = reading->mono_ns + value(&timekeeper->offs_tai, fields);
	reading->real_ns = (int64_t)(reading->mono_ns + value(&timekeeper->offs_real, fields));
	return 0;
}
