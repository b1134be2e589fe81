/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_clock.h"
#include "host/collect/ftrace_packet.h"
#include "host/collect/ftrace_plan.h"
#include "host/collect/ftrace_symbols.h"
#include "host/kernel/kernel_name.h"
#include "lib/base/clock_now.h"
#include "lib/base/hash_map.h"
#include "lib/base/text.h"

#define PACKET_AGE_NS 200000000ull /* how old an event may become before it is on disk */
#define IRQS          65536
#define TASKS_MAX     (1u << 20) /* names remembered; a guest that makes up more is not listened to */
#define DUMP_BOUND_NS 1000000000ull

struct ftrace_machine {
	struct ftrace_machine_wishes wishes;
	struct ftrace_buffer *buffer;
	uint64_t address;
	struct ftrace_plans plans;
	struct ftrace_clock *clock; /* NULL: only what is seen to come */
	struct machine_output output;
	struct ftrace_packet *packets; /* by CPU */
	uint32_t nr_cpus;
	struct hash_map comms; /* pid -> the comm it was last told as, mixed into one word */
	uint8_t *irqs_known;   /* bit set of IRQS */
	bool names_changed;
	struct ftrace_symbols symbols;
	bool clock_changed, gone;
	uint64_t newest;                  /* time of the newest event of this poll; 0: none came */
	uint64_t polled_ns, last_poll_ns; /* when this poll and the one before began */
	uint64_t flushed_ns;
};

static void flush(struct ftrace_machine *machine, uint32_t cpu)
{
	struct ftrace_packet *packet = &machine->packets[cpu];

	if (!packet->events)
		return;
	if (machine->plans.has_grown) { /* the metadata is to know what the stream holds */
		machine->plans.has_grown = false;
		machine_output_describe(&machine->output);
	}
	if (machine_output_write(&machine->output, cpu,
		    &(struct machine_packet){.buffer = packet->buffer,
			    .bytes = packet->bytes,
			    .events = packet->events,
			    .begin = packet->begin,
			    .end = packet->time,
			    .lost = packet->lost,
			    .current_pid = packet->begin_pid}))
		packet->unwritten += packet->events - packet->helpers;
	else
		packet->recorded += packet->events - packet->helpers;
	ftrace_packet_clear(packet);
}

/* Remembers what a task is called. True: readers of the trace do not know it by what was recorded so far. */
static bool is_news(struct ftrace_machine *machine, uint32_t pid, const uint8_t *comm)
{
	uint64_t words[2], mixed, *known;

	if (!pid) /* every CPU has one: <idle> to all readers */
		return false;
	memcpy(words, comm, sizeof(words));
	mixed = (words[0] ^ words[1] * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	known = hash_map_get(&machine->comms, pid);
	if (known && *known == mixed)
		return false;
	if (!known && machine->comms.count >= TASKS_MAX)
		return false;
	known = hash_map_put(&machine->comms, pid);
	if (known)
		*known = mixed;
	return true;
}

static void learn_irq(
	struct ftrace_machine *machine, const struct ftrace_plan *plan, const struct ftrace_record *record)
{
	uint32_t irq, location, at, length;

	memcpy(&irq, record->data + plan->irq_offset, sizeof(irq));
	if (irq >= IRQS || machine->irqs_known[irq / 8] >> (irq % 8) & 1)
		return;
	memcpy(&location, record->data + plan->irq_name_offset, sizeof(location));
	at = location & 0xffff;
	length = location >> 16;
	if (at >= record->bytes || length > record->bytes - at)
		return;
	machine->irqs_known[irq / 8] |= (uint8_t)(1 << (irq % 8));
	names_writer_irq(&machine->output.names, irq, (const char *)record->data + at,
		strnlen((const char *)record->data + at, length));
	machine->names_changed = true;
}

static int take_record(void *context, uint32_t cpu, const struct ftrace_record *record)
{
	struct ftrace_machine *machine = context;
	struct ftrace_packet *packet = &machine->packets[cpu];
	const struct ftrace_plan *plan = ftrace_plans_find(&machine->plans, record->type);
	const uint8_t *payload;
	uint32_t pid = 0;

	if (machine->clock_changed) /* this belongs into the next machine */
		return -ESTALE;
	if (record->time > machine->newest)
		machine->newest = record->time;
	if (!plan) {
		*(ftrace_plans_failed(&machine->plans, record->type) ? &packet->damaged : &packet->skipped) +=
			1;
		return 0;
	}
	if (record->bytes < plan->need_bytes) {
		packet->damaged++;
		return 0;
	}
	if (ftrace_packet_is_full(packet))
		flush(machine, cpu);
	if (plan->comm_offset) {
		memcpy(&pid, record->data + plan->pid_offset, sizeof(pid));
		if (is_news(machine, pid, record->data + plan->comm_offset))
			ftrace_packet_add_comm(packet, record, pid, record->data + plan->comm_offset);
	}
	payload = ftrace_packet_add(packet, plan, record);
	if (plan->is_switch) {
		packet->pid = pid;
	} else if (plan->renames) {
		memcpy(&pid, payload + plan->renamed_pid, sizeof(pid));
		is_news(machine, pid, payload + plan->renamed_comm);
	} else if (plan->irq_name_offset) {
		learn_irq(machine, plan, record);
	}
	return 0;
}

static void take_lost(void *context, uint32_t cpu, uint64_t count, bool damaged)
{
	struct ftrace_machine *machine = context;

	/* the loss stands in the next packet's header: between the events that it lies between */
	flush(machine, cpu);
	machine->packets[cpu].lost += count;
}

static void take_change(void *context, enum ftrace_change change)
{
	struct ftrace_machine *machine = context;
	const char *name = machine_output_info(&machine->output)->name;
	char tracer[4 * 64] = "";

	switch (change) {
	case FTRACE_CHANGE_RESET:
		recorder_notice(machine->wishes.common, "%s: the guest emptied its ring", name);
		break;
	case FTRACE_CHANGE_RESIZED:
		recorder_notice(machine->wishes.common, "%s: the guest resized its ring", name);
		break;
	case FTRACE_CHANGE_TRACER:
		tracer[text_escape(tracer, ftrace_buffer_tracer(machine->buffer),
			strnlen(ftrace_buffer_tracer(machine->buffer), 63))] = '\0';
		recorder_notice(machine->wishes.common, "%s: the guest's tracer is now %s", name, tracer);
		break;
	case FTRACE_CHANGE_CLOCK:
		machine->clock_changed = true;
		break;
	case FTRACE_CHANGE_GONE:
		machine->gone = true;
		break;
	}
}

static void deinit(struct ftrace_machine *machine)
{
	ftrace_buffer_destroy(machine->buffer);
	ftrace_clock_destroy(machine->clock);
	machine_output_deinit(&machine->output);
	ftrace_plans_deinit(&machine->plans);
	for (uint32_t i = 0; machine->packets && i < machine->nr_cpus; i++)
		free(machine->packets[i].buffer);
	free(machine->packets);
	ftrace_symbols_deinit(&machine->symbols);
	hash_map_deinit(&machine->comms);
	free(machine->irqs_known);
	free(machine);
}

static int begin_output(struct ftrace_machine *machine, const char *name, struct error *error)
{
	const struct guest_kernel *kernel = machine->wishes.kernel;
	struct trace_machine_info info = {.layer = 1,
		.nr_cpus = machine->nr_cpus,
		.text_address = kernel->text,
		.kaslr_offset = kernel->kaslr_offset,
		.start_host_ns = machine->wishes.start_host_ns};

	snprintf(info.name, sizeof(info.name), "%s", name);
	snprintf(info.channel, sizeof(info.channel), "ftrace");
	snprintf(info.mode, sizeof(info.mode), "overwrite");
	/* a guest's word: no more than a name */
	for (const char *at = ftrace_buffer_clock(machine->buffer); *at && strlen(info.clock) < 15; at++)
		info.clock[strlen(info.clock)] = *at > ' ' && *at < 127 ? *at : '?';
	kernel_name_read(kernel, info.hostname, sizeof(info.hostname), info.version, sizeof(info.version));
	snprintf(info.release, sizeof(info.release), "%s", kernel->release);
	info.tsc_khz = machine->clock ? ftrace_clock_khz(machine->clock) : 1000000;
	return machine_output_init(
		&machine->output, machine->wishes.common, &info, machine->plans.schema, error);
}

static int begin(struct ftrace_machine *machine, const char *name, struct error *error)
{
	const struct ftrace_callbacks callbacks = {take_record, take_lost, take_change, machine};
	const struct ftrace_machine_wishes *wishes = &machine->wishes;
	int code;

	machine->irqs_known = calloc(IRQS / 8, 1);
	if (!machine->irqs_known)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	code = ftrace_plans_init(&machine->plans, wishes->events, wishes->selection, wishes->known, error);
	if (!code)
		code = ftrace_buffer_create(
			&machine->buffer, wishes->kernel, machine->address, wishes->whole, &callbacks, error);
	if (code)
		return code;
	machine->nr_cpus = ftrace_buffer_cpus(machine->buffer);
	machine->packets = calloc(machine->nr_cpus, sizeof(*machine->packets));
	if (!machine->packets)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	for (uint32_t i = 0; i < machine->nr_cpus; i++)
		if (ftrace_packet_init(&machine->packets[i]))
			return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	/* without its formulas the clock is known by the events as they come */
	ftrace_clock_create(&machine->clock, wishes->kernel, ftrace_buffer_clock(machine->buffer), NULL);
	return begin_output(machine, name, error);
}

int ftrace_machine_create(struct ftrace_machine **out, const struct ftrace_machine_wishes *wishes,
	const struct ftrace_instance *instance, const char *name, struct error *error)
{
	struct ftrace_machine *machine = calloc(1, sizeof(*machine));
	int code;

	if (!machine)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	machine->wishes = *wishes;
	machine->address = instance->address;
	machine->output.dir_fd = -1;
	code = begin(machine, name, error);
	if (code) {
		deinit(machine);
		return code;
	}
	*out = machine;
	return 0;
}

static void write_symbols(struct ftrace_machine *machine)
{
	machine->names_changed |= ftrace_symbols_write(
		&machine->symbols, machine->wishes.kernel, machine->plans.schema, &machine->output.names);
}

/* Both clocks at one moment, from the guest's timekeeper and from the events as they come. */
static void read_clock(struct ftrace_machine *machine, uint64_t now_ns)
{
	struct clock_point point;

	if (machine->wishes.guest_time && machine_output_info(&machine->output)->nr_points)
		return;
	if (machine->clock && ftrace_clock_poll(machine->clock, &point))
		machine_output_add_point(&machine->output, point);
	if (!machine->newest || !machine->last_poll_ns)
		return;
	if (machine->clock) {
		if (ftrace_clock_seen(machine->clock, machine->newest, machine->last_poll_ns, now_ns, &point))
			machine_output_add_point(&machine->output, point);
	} else if (!machine_output_info(&machine->output)->nr_points) {
		uint64_t bound = (now_ns - machine->last_poll_ns) / 2;

		machine_output_add_point(&machine->output,
			(struct clock_point){machine->newest, (int64_t)(now_ns - bound), bound + 1});
	}
}

/* A guest that stands still: its time is what it believed it to be. */
static void read_dead_clock(struct ftrace_machine *machine)
{
	struct trace_info *info = &machine->wishes.common->info;
	struct ftrace_clock_reading reading;

	if (!machine->clock || ftrace_clock_read(machine->clock, &reading))
		return;
	machine_output_add_point(&machine->output,
		(struct clock_point){.tsc = reading.trace,
			.host_ns = (int64_t)((uint64_t)reading.realtime_ns - (uint64_t)info->realtime_offset_ns),
			.bound_ns = DUMP_BOUND_NS + reading.error_ns});
}

static void flush_all(struct ftrace_machine *machine, uint64_t now_ns)
{
	machine->flushed_ns = now_ns;
	for (uint32_t i = 0; i < machine->nr_cpus; i++)
		flush(machine, i);
	if (!machine->names_changed)
		return;
	machine->names_changed = false;
	names_writer_flush(&machine->output.names);
}

int ftrace_machine_poll(struct ftrace_machine *machine, uint64_t now_ns)
{
	int fill;

	machine->newest = 0;
	machine->polled_ns = now_ns;
	fill = ftrace_buffer_poll(machine->buffer);
	if (machine->wishes.kernel->memory->is_live)
		read_clock(machine, clock_now_ns(CLOCK_MONOTONIC));
	machine->last_poll_ns = machine->polled_ns;
	if (now_ns - machine->flushed_ns > PACKET_AGE_NS)
		flush_all(machine, now_ns);
	if (machine->clock_changed)
		return -ESTALE;
	if (machine->gone)
		return -ENOENT;
	return fill;
}

void ftrace_machine_count(struct ftrace_machine *machine)
{
	struct trace_machine_info *info = machine_output_info(&machine->output);

	write_symbols(machine);
	for (uint32_t i = 0; i < machine->nr_cpus; i++) {
		const struct machine_stream *stream = &machine->output.streams[i];
		const struct ftrace_packet *packet = &machine->packets[i];
		struct ftrace_counts counts;
		struct trace_cpu_info *cpu;

		if (!ftrace_buffer_counts(machine->buffer, i, &counts) ||
			(!stream->exists && !counts.entries))
			continue;
		cpu = trace_machine_info_cpu(info, i);
		if (!cpu)
			continue;
		cpu->events = packet->recorded;
		cpu->packets = stream->exists ? stream->stream.packets : 0;
		cpu->bytes = stream->exists ? stream->stream.bytes : 0;
		cpu->lost[TRACE_LOST_FULL] = counts.dropped;
		cpu->lost[TRACE_LOST_NESTED] = counts.nested;
		cpu->lost[TRACE_LOST_OVERWRITTEN] =
			counts.overwritten + (machine->wishes.is_late ? counts.before : 0);
		cpu->lost[TRACE_LOST_DAMAGED] = counts.damaged + packet->damaged;
		cpu->lost[TRACE_LOST_UNWRITTEN] = packet->unwritten;
	}
	info->packet_bytes = GUEST_PAGE_BYTES;
	info->nr_packets = (uint32_t)(ftrace_buffer_ring_bytes(machine->buffer) / GUEST_PAGE_BYTES);
}

uint64_t ftrace_machine_ring_bytes(const struct ftrace_machine *machine)
{
	return ftrace_buffer_ring_bytes(machine->buffer);
}

uint64_t ftrace_machine_address(const struct ftrace_machine *machine)
{
	return machine->address;
}

const char *ftrace_machine_tracer(const struct ftrace_machine *machine)
{
	return ftrace_buffer_tracer(machine->buffer);
}

struct machine_output *ftrace_machine_output(struct ftrace_machine *machine)
{
	return &machine->output;
}

void ftrace_machine_destroy(struct ftrace_machine *machine, const char *end_state, const char *message)
{
	if (!machine->wishes.kernel->memory->is_live)
		read_dead_clock(machine);
	if (machine->clock) /* the guest may not have known when this began */
		machine_output_info(&machine->output)->tsc_khz = ftrace_clock_khz(machine->clock);
	flush_all(machine, machine->polled_ns);
	ftrace_machine_count(machine);
	machine_output_end(&machine->output, end_state, message);
	deinit(machine);
}
