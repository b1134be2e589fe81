/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/machine_feed.h"

#include <inttypes.h>

int machine_feed_run(struct machine_feed *feed, const struct trace *trace, uint32_t machine,
	const struct time_range *range, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	int64_t start_ns, from_ns, to_ns;
	struct trace_reader *reader;
	struct trace_event event;
	int result;

	options.machine = (int)machine;
	result = trace_reader_create(trace, &options, &reader, error);
	if (result < 0)
		return result;
	start_ns = trace_reader_start_ns(reader);
	from_ns = range->from_ns ? time_range_unix_ns(start_ns, range->from_ns) : INT64_MIN;
	to_ns = range->to_ns == INT64_MAX ? INT64_MAX : time_range_unix_ns(start_ns, range->to_ns);
	while (trace_reader_next(reader, &event)) {
		int64_t now_ns = trace_reader_unix_ns(reader, &event);

		if (now_ns >= from_ns && now_ns < to_ns && now_ns > 0)
			feed->event(feed->context, &event, (uint64_t)now_ns);
	}
	feed->damaged = trace_reader_damage(reader, &feed->damage);
	trace_reader_destroy(reader);
	return 0;
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

int machine_feed_damage(const struct machine_feed *feed, struct error *error)
{
	if (!feed->damaged)
		return 0;
	if (error)
		*error = feed->damage;
	return feed->damaged > 1
		? error_add(error, "%" PRIu64 " packets are damaged, the first", feed->damaged)
		: feed->damage.code;
}
