/* SPDX-License-Identifier: MIT */
#include "lib/analysis/boot_stages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define POWER_ON_MAX_NS 600000000000ull

__attribute__((format(printf, 5, 6))) static void add(struct boot *boot, enum boot_stage_kind kind,
	const struct boot_mark *from, const struct boot_mark *to, const char *format, ...)
{
	struct boot_stage *stage = &boot->stages[boot->nr_stages];
	va_list arguments;

	/* a stage that is between two others, and nothing was between them */
	if (boot->nr_stages == BOOT_STAGES_MAX || (kind == BOOT_STAGE_KERNEL && to->at_ns <= from->at_ns))
		return;
	boot->nr_stages++;
	*stage = (struct boot_stage){
		.kind = kind,
		.from_ns = from->at_ns,
		.to_ns = to->at_ns > from->at_ns ? to->at_ns : from->at_ns,
		.knows_busy = from->knows_busy && to->knows_busy && to->busy_ns >= from->busy_ns,
	};
	if (stage->knows_busy)
		stage->busy_ns = to->busy_ns - from->busy_ns;
	va_start(arguments, format);
	vsnprintf(stage->name, sizeof(stage->name), format, arguments);
	va_end(arguments);
}

/*
 * What the kernel does between a level and the next, if that is much: start_kernel() goes on after console_init(), and
 * kernel_init_freeable() starts the other CPUs between the initcalls of `early` and those of the first level
 * (init/main.c, the same in 6.1 and 6.12). The other levels follow one another.
 */
static const char *after_level(const char *name)
{
	if (!strcmp(name, "console"))
		return "set-up after console";
	if (!strcmp(name, "early"))
		return "start of other CPUs";
	return NULL;
}

static void add_levels(struct boot *boot, const struct boot_mark *end)
{
	const struct initcalls *initcalls = &boot->initcalls;

	if (!initcalls->nr_levels)
		return;
	add(boot, BOOT_STAGE_KERNEL, &boot->first, &boot->levels[0], "kernel start");
	for (uint32_t i = 0; i < initcalls->nr_levels; i++) {
		const char *name = initcalls->levels[i].name, *after = after_level(name);
		bool is_last = i + 1 == initcalls->nr_levels;
		const struct boot_mark *next = is_last ? end : &boot->levels[i + 1];
		const struct boot_mark *done =
			boot->level_ends[i].at_ns ? &boot->level_ends[i] : &boot->levels[i];

		if (!is_last && !after)
			done = next;
		add(boot, BOOT_STAGE_LEVEL, &boot->levels[i], done, "%s", name);
		if (boot->nr_stages)
			boot->stages[boot->nr_stages - 1].level = (uint16_t)i;
		if (!is_last && after)
			add(boot, BOOT_STAGE_KERNEL, done, next, "%s", after);
	}
}

/* Where what is known of the levels ends. */
static const struct boot_mark *levels_end(const struct boot *boot)
{
	uint32_t last = boot->initcalls.nr_levels - 1;

	if (!boot->initcalls.nr_levels)
		return &boot->first;
	return boot->level_ends[last].at_ns ? &boot->level_ends[last] : &boot->levels[last];
}

static void add_user(struct boot *boot, const struct boot_mark *end)
{
	for (uint32_t i = 0; i < boot->nr_inits; i++)
		add(boot, BOOT_STAGE_USER, &boot->inits[i],
			i + 1 < boot->nr_inits ? &boot->inits[i + 1] : end, "user space: %s",
			boot->init_comms[i][0] ? boot->init_comms[i] : "?");
}

void boot_stages_make(struct boot *boot, const struct boot_mark *end)
{
	const struct boot_mark power_on = {.at_ns = boot->power_on_ns};
	const struct boot_mark *init = boot->nr_inits ? &boot->inits[0] : end;
	bool kernel = boot->initcalls.nr_levels || boot->initcalls.own;
	const struct boot_mark *done;

	if (!kernel && !boot->nr_inits) {
		add(boot, BOOT_STAGE_USER, &boot->first, end, "user space");
		return;
	}
	if (boot->power_on_ns && boot->power_on_ns < boot->first_ns &&
		boot->first_ns - boot->power_on_ns < POWER_ON_MAX_NS)
		add(boot, BOOT_STAGE_FIRMWARE, &power_on, &boot->first, "before the first event");
	add_levels(boot, end);
	done = levels_end(boot);
	if (boot->last_own.at_ns > done->at_ns) { /* the event of their level was lost, or before the trace */
		add(boot, BOOT_STAGE_KERNEL, done, &boot->last_own, "initcalls of unknown levels");
		done = &boot->last_own;
	}
	add(boot, BOOT_STAGE_KERNEL, done, init, "%s",
		kernel ? "after the initcalls" : "kernel, without initcall events");
	add_user(boot, end);
}
