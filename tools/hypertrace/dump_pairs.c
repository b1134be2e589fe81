/* SPDX-License-Identifier: MIT */
/* Durations on reading: the end of a pair is shown if it took long enough, its beginning never. */
#include <string.h>

#include "tools/hypertrace/dump.h"

static const struct {
	const char *event;
	enum filter_pair pair;
	bool begins;
} pairs[] = {
	{"irq_handler_entry", FILTER_PAIR_IRQ, true},
	{"irq_handler_exit", FILTER_PAIR_IRQ, false},
	{"softirq_entry", FILTER_PAIR_SOFTIRQ, true},
	{"softirq_exit", FILTER_PAIR_SOFTIRQ, false},
	{"sys_enter", FILTER_PAIR_SYSCALL, true},
	{"sys_enter_args", FILTER_PAIR_SYSCALL, true},
	{"sys_exit", FILTER_PAIR_SYSCALL, false},
	{"hrtimer_expire_entry", FILTER_PAIR_HRTIMER, true},
	{"hrtimer_expire_exit", FILTER_PAIR_HRTIMER, false},
	{"timer_expire_entry", FILTER_PAIR_TIMER, true},
	{"timer_expire_exit", FILTER_PAIR_TIMER, false},
};

void dump_pairs_choose(struct dump_type *type)
{
	type->pair = FILTER_PAIRS;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!strcmp(pairs[i].event, type->type->name)) {
			type->pair = pairs[i].pair;
			type->begins = pairs[i].begins;
		}
	type->spans = !strcmp(type->type->name, "span") && type->fields[0];
}

/* A task is in one system call, a CPU in one handler of a kind, at a time. */
static uint64_t key_of(enum filter_pair pair, const struct trace_event *event)
{
	return (uint64_t)pair << 32 | (pair == FILTER_PAIR_SYSCALL ? event->pid : event->cpu);
}

static uint64_t to_ns(const struct dump_machine *machine, uint64_t tsc, uint64_t units)
{
	return clock_map_duration_ns(&machine->machine->clock, tsc, units);
}

static bool match_end(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event)
{
	uint64_t *begin = hash_map_get(&machine->open_pairs, key_of((enum filter_pair)type->pair, event));

	if (!begin || !*begin)
		return false; /* its beginning is not in the trace */
	dump->duration_ns = to_ns(machine, *begin, event->tsc - *begin);
	dump->has_duration = true;
	*begin = 0;
	return dump->duration_ns >= dump->part.filter.min_duration_ns[type->pair];
}

bool dump_pairs_match(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event)
{
	uint64_t *begin;

	if (type->spans) {
		uint64_t pair = event_field_value(type->fields[0], event->payload);
		uint64_t units = event_field_value(type->fields[3], event->payload);

		return pair >= FILTER_PAIRS ||
			to_ns(machine, event->tsc, units) >= dump->part.filter.min_duration_ns[pair];
	}
	if (type->pair == FILTER_PAIRS || !dump->part.filter.min_duration_ns[type->pair])
		return true;
	if (!type->begins)
		return match_end(dump, machine, type, event);
	begin = hash_map_put(&machine->open_pairs, key_of((enum filter_pair)type->pair, event));
	if (begin)
		*begin = event->tsc;
	return false;
}
