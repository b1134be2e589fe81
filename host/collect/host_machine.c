/* SPDX-License-Identifier: MIT */
#include "host/collect/host_machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "host/collect/host_clocks.h"
#include "host/collect/host_histograms.h"
#include "host/collect/host_stream.h"
#include "host/collect/vcpu_exits.h"
#include "lib/base/clock_now.h"

#define BATCH         2048          /* events taken at once, and put into order */
#define PACKET_AGE_NS 200000000ull  /* how old an event may become before it is on disk */
#define SECOND_NS     1000000000ull /* how often histograms, links and counts are brought up to date */

struct host_machine {
	struct recorder_member member; /* first */
	struct recorder_common *common;
	struct collector *collector;
	struct event_schema *schema;
	struct machine_output output;
	struct host_vms vms;
	struct host_clocks *clocks;
	struct host_histograms *histograms; /* NULL: another level */
	struct host_stream *streams;        /* by pCPU */
	uint32_t nr_cpus;
	struct collector_event *batch;
	uint64_t flushed_ns, updated_ns;
	bool names_changed;
};

const char *host_level_name(enum collector_level level)
{
	static const char *const names[] = {"histogram", "aggregated", "full"};

	return names[level];
}

static void deinit(struct host_machine *host)
{
	collector_destroy(host->collector);
	machine_output_deinit(&host->output);
	host_vms_deinit(&host->vms);
	host_clocks_destroy(host->clocks);
	host_histograms_destroy(host->histograms);
	for (uint32_t i = 0; host->streams && i < host->nr_cpus; i++)
		host_stream_deinit(&host->streams[i]);
	event_schema_destroy(host->schema);
	free(host->streams);
	free(host->batch);
	free(host);
}

/* Both clocks are the same one. */
static void add_identity(struct host_machine *host)
{
	const uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);

	machine_output_add_point(&host->output,
		(struct clock_point){.tsc = now_ns, .host_ns = (int64_t)now_ns, .bound_ns = 1});
}

static int begin_output(
	struct host_machine *host, const struct host_machine_options *options, struct error *error)
{
	const uint32_t ring_bytes =
		collector_ring(host->collector, 0)->nr_slots * sizeof(struct collector_record);
	struct trace_machine_info info = {
		.nr_cpus = host->nr_cpus, .tsc_khz = 1000000, .packet_bytes = ring_bytes, .nr_packets = 1};
	struct trace_machine_info *added;
	struct utsname name;
	int code;

	snprintf(info.name, sizeof(info.name), HOST_MACHINE_NAME);
	snprintf(info.channel, sizeof(info.channel), "kvm");
	snprintf(info.clock, sizeof(info.clock), "mono");
	snprintf(info.mode, sizeof(info.mode), "discard");
	if (!uname(&name)) {
		snprintf(info.hostname, sizeof(info.hostname), "%.64s", name.nodename);
		snprintf(info.release, sizeof(info.release), "%.64s", name.release);
		snprintf(info.version, sizeof(info.version), "%s", name.version);
	}
	code = machine_output_init(&host->output, host->common, &info, host->schema, error);
	if (code)
		return code;
	added = machine_output_info(&host->output);
	snprintf(added->events, sizeof(added->events), "exits=%s", host_level_name(options->level));
	added->filter[0] = added->functions[0] = 0; /* the guests' */
	add_identity(host);
	code = host_vms_init(&host->vms, &host->output, options->machine_of, options->context, error);
	host->clocks = host_clocks_create(&host->vms, host->common);
	return code || host->clocks ? code : error_set(error, -ENOMEM, "out of memory");
}

static int begin(struct host_machine *host, const struct host_machine_options *options, struct error *error)
{
	const struct collector_options collector = {.level = options->level, .filtered = options->nr_vmms || options->starts};
	int code = collector_create(&host->collector, &collector, error);

	for (size_t i = 0; !code && i < options->nr_vmms; i++)
		code = collector_add_vmm(host->collector, options->vmms[i], error);
	if (code)
		return code;
	host->schema = host_events_schema(error);
	if (!host->schema)
		return error ? error->code : -ENOMEM;
	host->nr_cpus = collector_nr_cpus(host->collector);
	host->streams = calloc(host->nr_cpus, sizeof(*host->streams));
	host->batch = malloc(BATCH * sizeof(*host->batch));
	if (options->level == COLLECTOR_HISTOGRAM)
		host->histograms = host_histograms_create();
	if (!host->streams || !host->batch || (options->level == COLLECTOR_HISTOGRAM && !host->histograms))
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < host->nr_cpus; i++)
		host_stream_init(&host->streams[i], &host->output, i);
	code = begin_output(host, options, error);
	if (!code && collector_missing(host->collector)[0])
		recorder_notice(host->common, "host: this kernel has no tracepoint %s: without their events",
			collector_missing(host->collector));
	return code;
}

/* What a record says of who is who; from then on others may rely on it. */
static void learn(struct host_machine *host, const struct collector_record *record)
{
	if (record->type == COLLECTOR_TSC_OFFSET)
		host_clocks_write(host->clocks, record);
	if (record->type != COLLECTOR_THREAD && record->type != COLLECTOR_THREAD_END)
		return;
	/* what was counted so far is the one's who had this index */
	if (host->histograms)
		host_histograms_write_thread(host->histograms, host->collector, &host->vms, record->value,
			&host->streams[0], record->time_ns);
	if (record->type == COLLECTOR_THREAD) {
		host_vms_learn(&host->vms, record);
		host->names_changed = true;
		host->updated_ns = 0; /* its clock is wanted soon */
	}
}

/* Takes what one ring holds by now. Returns how full it was, in 1/1000. */
static unsigned drain(struct host_machine *host, uint32_t cpu, uint64_t now_ns)
{
	struct collector_ring *ring = collector_ring(host->collector, cpu);
	const uint64_t begin = ring->next;
	size_t count;

	/* a full ring at most: what comes meanwhile waits for the next time */
	do {
		count = collector_ring_take(ring, host->batch, BATCH, now_ns);
		for (size_t i = 0; i < count; i++) {
			learn(host, &host->batch[i].record);
			vcpu_exits_add(host->common->exits, &host->batch[i].record);
		}
		host->streams[cpu].lost = collector_lost(host->collector, cpu) + ring->damaged;
		host_stream_add(&host->streams[cpu], host->batch, count);
	} while (count == BATCH && ring->next - begin < ring->nr_slots);
	return (unsigned)((ring->next - begin) * 1000 / ring->nr_slots);
}

static void flush(struct host_machine *host, uint64_t now_ns)
{
	host->flushed_ns = now_ns;
	for (uint32_t i = 0; i < host->nr_cpus; i++)
		host_stream_flush(&host->streams[i]);
	if (!host->names_changed)
		return;
	host->names_changed = false;
	names_writer_flush(&host->output.names);
}

static void count(struct host_machine *host)
{
	struct trace_machine_info *info = machine_output_info(&host->output);

	for (uint32_t i = 0; i < host->nr_cpus; i++) {
		const struct machine_stream *stream = &host->output.streams[i];
		const uint64_t lost = collector_lost(host->collector, i);
		struct trace_cpu_info *cpu;

		if (!stream->exists && !lost)
			continue;
		cpu = trace_machine_info_cpu(info, i);
		if (!cpu)
			continue;
		cpu->events = host->streams[i].recorded;
		cpu->packets = stream->exists ? stream->stream.packets : 0;
		cpu->bytes = stream->exists ? stream->stream.bytes : 0;
		cpu->lost[TRACE_LOST_FULL] = lost;
		cpu->lost[TRACE_LOST_DAMAGED] = collector_ring(host->collector, i)->damaged;
		cpu->lost[TRACE_LOST_UNWRITTEN] = host->streams[i].unwritten;
	}
}

static void update(struct host_machine *host, uint64_t now_ns)
{
	host->updated_ns = now_ns;
	if (host->histograms)
		host_histograms_write(
			host->histograms, host->collector, &host->vms, &host->streams[0], now_ns);
	host_vms_link(&host->vms);
	host_clocks_poll(host->clocks);
	count(host);
}

static unsigned poll_host(struct recorder_member *member, uint64_t now_ns)
{
	struct host_machine *host = (struct host_machine *)member;
	unsigned fullest = 0;

	for (uint32_t i = 0; i < host->nr_cpus; i++) {
		const unsigned fill = drain(host, i, now_ns);

		fullest = fill > fullest ? fill : fullest;
	}
	if (now_ns - host->updated_ns >= SECOND_NS)
		update(host, now_ns);
	if (now_ns - host->flushed_ns > PACKET_AGE_NS)
		flush(host, now_ns);
	return fullest;
}

static void finish_host(struct recorder_member *member)
{
	struct host_machine *host = (struct host_machine *)member;
	const uint64_t lost = collector_lost_threads(host->collector),
		       uncounted = collector_lost_cells(host->collector);

	if (member->state == RECORDER_GONE)
		return;
	poll_host(member, clock_now_ns(CLOCK_MONOTONIC));
	update(host, clock_now_ns(CLOCK_MONOTONIC));
	flush(host, clock_now_ns(CLOCK_MONOTONIC));
	count(host);
	if (lost)
		recorder_notice(host->common,
			"host: more than %d vCPU threads: %" PRIu64 " stretches not recorded",
			COLLECTOR_THREADS_MAX, lost);
	if (uncounted)
		recorder_notice(host->common,
			"host: too many vCPUs and exit reasons: %" PRIu64 " exits not counted", uncounted);
	add_identity(host);
	machine_output_end(&host->output, "running", "");
	member->state = RECORDER_GONE;
}

static void destroy_host(struct recorder_member *member)
{
	finish_host(member);
	deinit((struct host_machine *)member);
}

int host_machine_create(struct host_machine **out, struct recorder_common *common,
	const struct host_machine_options *options, struct error *error)
{
	static const struct recorder_member_ops ops = {poll_host, finish_host, destroy_host};
	struct host_machine *host = calloc(1, sizeof(*host));
	int code;

	*out = NULL;
	if (!host)
		return error_set(error, -ENOMEM, "out of memory");
	host->member = (struct recorder_member){.ops = &ops, .state = RECORDER_RECORDS, .companion = true};
	host->common = common;
	host->output.dir_fd = -1;
	host->vms.proc_fd = -1;
	code = begin(host, options, error);
	if (code) {
		deinit(host);
		return code;
	}
	host->member.ring_bytes =
		(uint64_t)collector_ring(host->collector, 0)->nr_slots * sizeof(struct collector_record);
	*out = host;
	return 0;
}

int host_machine_add_vmm(struct host_machine *host, pid_t vmm, struct error *error)
{
	return collector_add_vmm(host->collector, vmm, error);
}

struct recorder_member *host_machine_member(struct host_machine *host)
{
	return &host->member;
}
