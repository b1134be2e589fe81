/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/machine_feed.h"

#include <errno.h>

/* How time stamps become Unix ns. */
struct feed_clock {
	struct trace_reader *reader;
	double ns_per_tick; /* 0: by the host's clock */
	int64_t start_ns;
	uint64_t start_tsc; /* of the first event */
	bool begun;
};

static int init_clock(struct feed_clock *clock, const struct machine_feed *feed,
	const struct trace_machine *machine, struct trace_reader *reader, struct error *error)
{
	*clock = (struct feed_clock){.reader = reader, .start_ns = trace_reader_start_ns(reader)};
	if (!feed->guest_clock)
		return 0;
	if (!machine->info->tsc_khz)
		return error_set(error, -ENOTSUP, "%s: the trace does not say how fast the guest's clock is",
			machine->name);
	clock->ns_per_tick = 1e6 / machine->info->tsc_khz;
	return 0;
}

static int64_t event_ns(struct feed_clock *clock, const struct trace_event *event)
{
	if (clock->ns_per_tick == 0)
		return trace_reader_unix_ns(clock->reader, event);
	if (!clock->begun) {
		clock->begun = true;
		clock->start_tsc = event->tsc;
	}
	/* a clock that went back stands still: the difference is a signed one */
	if ((int64_t)(event->tsc - clock->start_tsc) < 0)
		return clock->start_ns;
	return clock->start_ns + (int64_t)((double)(event->tsc - clock->start_tsc) * clock->ns_per_tick);
}

static void feed_all(struct machine_feed *feed, struct feed_clock *clock, const struct time_range *range)
{
	struct trace_event event;
	int64_t from_ns, to_ns;

	time_range_span(range, clock->start_ns, &from_ns, &to_ns);
	while (trace_reader_next(clock->reader, &event)) {
		int64_t now_ns = event_ns(clock, &event);

		if (now_ns >= from_ns && now_ns < to_ns && now_ns > 0)
			feed->event(feed->context, &event, (uint64_t)now_ns);
	}
}

int machine_feed_run(struct machine_feed *feed, const struct trace *trace, uint32_t machine,
	const struct time_range *range, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct feed_clock clock;
	int result;

	options.machine = (int)machine;
	result = trace_reader_create(trace, &options, &reader, error);
	if (result < 0)
		return result;
	result = init_clock(&clock, feed, &trace->machines[machine], reader, error);
	if (!result) {
		feed_all(feed, &clock, range);
		trace_damage_take(&feed->damage, reader);
	}
	trace_reader_destroy(reader);
	return result;
}

uint32_t machine_feed_cpus(const struct trace *trace, uint32_t machine)
{
	const struct trace_machine *place = &trace->machines[machine];
	uint32_t nr_cpus = 0;

	for (uint32_t i = 0; i < place->nr_streams; i++)
		if (trace->streams[place->first_stream + i].cpu >= nr_cpus)
			nr_cpus = trace->streams[place->first_stream + i].cpu + 1;
	return nr_cpus;
}
