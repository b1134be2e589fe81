/* SPDX-License-Identifier: MIT */
#include "host/collect/hypercall_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"
#include "host/collect/ring_scratch.h"
#include "lib/base/clock_now.h"

#define NS_PER_MS 1000000u

static void copy_text(char *to, size_t to_bytes, const char *from, size_t bytes)
{
	snprintf(to, to_bytes, "%.*s", (int)bytes, from);
}

int hypercall_machine_check(const struct ht_region *header, struct error *error)
{
	if (header->magic != HT_MAGIC)
		return error_set(error, -EBADMSG, "no hypertrace header where the guest says it is");
	if (header->abi_version != HT_ABI_VERSION) {
		error_set(error, -EPROTO, "the guest's module speaks version %u, this program version %u",
			header->abi_version, HT_ABI_VERSION);
		error_hint(error, "load the hypertrace.ko of this version: hypertrace module");
		return -EPROTO;
	}
	if (header->header_bytes != sizeof(*header) || header->nr_rings < 2 ||
		header->nr_rings > HT_MAX_RINGS)
		return error_set(error, -EBADMSG, "the guest's header cannot be true");
	return 0;
}

static int begin_output(struct hypercall_machine *machine, const struct ht_region *header, const char *name,
	struct error *error)
{
	struct trace_machine_info info = {.layer = 1,
		.packet_bytes = HT_PAGE_BYTES,
		.nr_packets = 1,
		.nr_cpus = machine->nr_cpus,
		.tsc_khz = header->tsc_khz,
		.text_address = header->text_address,
		.kaslr_offset = header->kaslr_offset};

	snprintf(info.name, sizeof(info.name), "%s", name);
	snprintf(info.channel, sizeof(info.channel), "hypercall");
	snprintf(info.clock, sizeof(info.clock), machine->plain ? "mono" : "tsc");
	snprintf(info.mode, sizeof(info.mode), "discard");
	copy_text(info.hostname, sizeof(info.hostname), header->hostname, sizeof(header->hostname));
	copy_text(info.release, sizeof(info.release), header->release, sizeof(header->release));
	copy_text(info.version, sizeof(info.version), header->version, sizeof(header->version));
	return machine_output_init(
		&machine->output, machine->events->common, &info, machine->events->schema, error);
}

static void deinit(struct hypercall_machine *machine)
{
	machine_output_deinit(&machine->output);
	for (uint32_t i = 0; machine->cpus && i < machine->nr_cpus; i++)
		hypercall_marks_deinit(&machine->cpus[i].marks);
	free(machine->buffer);
	free(machine->cpus);
	free(machine);
}

static struct hypercall_machine *create(const struct recorder_events *events, const struct ht_region *header,
	bool plain, const char *name, struct error *error)
{
	struct hypercall_machine *machine = calloc(1, sizeof(*machine));

	if (!machine) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	machine->events = events;
	machine->plain = plain;
	machine->output.dir_fd = -1;
	machine->nr_cpus = header->nr_rings - 1;
	machine->generation = header->generation;
	machine->cpus = calloc(machine->nr_cpus, sizeof(*machine->cpus));
	machine->buffer = calloc(1, RING_HEADROOM_BYTES + HT_FLUSH_MAX_BYTES + RING_TAIL_BYTES);
	hypercall_clock_init(&machine->clock, header->tsc_khz);
	if (!machine->cpus || !machine->buffer)
		error_set(error, -ENOMEM, "out of memory");
	else if (begin_output(machine, header, name, error) == 0)
		return machine;
	deinit(machine);
	return NULL;
}

struct hypercall_machine *hypercall_machine_create(const struct recorder_events *events,
	const struct ht_region *header, const char *name, struct error *error)
{
	return create(events, header, false, name, error);
}

struct hypercall_machine *hypercall_machine_create_plain(
	const struct recorder_events *events, uint32_t nr_cpus, const char *name, struct error *error)
{
	const struct ht_region header = {.nr_rings = nr_cpus + 1, .tsc_khz = NS_PER_MS};
	struct hypercall_machine *machine = create(events, &header, true, name, error);
	const uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);

	/* both clocks are the same one */
	if (machine)
		machine_output_add_point(&machine->output,
			(struct clock_point){.tsc = now_ns, .host_ns = (int64_t)now_ns, .bound_ns = 1});
	return machine;
}

static uint64_t sum(const uint64_t lost[TRACE_LOST_CAUSES])
{
	uint64_t total = 0;

	for (unsigned cause = 0; cause < TRACE_LOST_CAUSES; cause++)
		total += lost[cause];
	return total;
}

/* What the guest itself lost since its last FLUSH; the causes have the same numbers here and there. */
static void count_guest_lost(struct hypercall_cpu *cpu, uint64_t said)
{
	_Static_assert((int)HT_LOST_PAIRING == (int)TRACE_LOST_PAIRING && HT_LOST_CAUSES == 4, "same order");

	for (unsigned cause = 0; cause < HT_LOST_CAUSES; cause++) {
		const uint32_t now = HT_FLUSH_LOST(said, cause);

		if (cpu->synced)
			cpu->lost[cause] += (now - cpu->guest_lost[cause]) & 0xffff;
		cpu->guest_lost[cause] = now;
	}
	cpu->synced = true;
}

/* Walks the batch in the buffer. `after`: the first record may not be before it. */
static struct ring_walk walk_batch(
	struct hypercall_machine *machine, const struct ring_walk_table *table, uint64_t after)
{
	const struct hypercall_batch *batch = &machine->batch;
	struct ring_walk walk = {
		.at = machine->buffer + RING_HEADROOM_BYTES, .tsc = after, .pid = batch->pid};

	memcpy(machine->buffer + RING_HEADROOM_BYTES, batch->records, batch->bytes);
	memset(machine->buffer + RING_HEADROOM_BYTES + batch->bytes, 0, RING_TAIL_BYTES);
	walk.end = walk.at + batch->bytes;
	ring_walk_tasks(table, &walk);
	return walk;
}

/* Records that were checked, from the machine's buffer. */
static void write_buffer(struct hypercall_machine *machine, struct hypercall_cpu *cpu,
	const struct ring_walk *walk, uint64_t begin, uint32_t pid)
{
	const struct machine_packet packet = {.buffer = machine->buffer,
		.bytes = (uint32_t)(walk->at - (machine->buffer + RING_HEADROOM_BYTES)),
		.events = walk->events,
		.begin = begin,
		.end = walk->tsc,
		.lost = sum(cpu->lost),
		.current_pid = pid};

	if (!walk->events)
		return;
	if (machine_output_write(&machine->output, (uint32_t)(cpu - machine->cpus), &packet)) {
		cpu->lost[TRACE_LOST_UNWRITTEN] += walk->events;
		return;
	}
	cpu->last_tsc = walk->tsc;
	cpu->recorded += walk->events;
}

/* Puts one record into the buffer; it cannot fail to be one. */
static struct ring_walk put_record(struct hypercall_machine *machine, uint32_t id, uint64_t tsc,
	const void *payload, uint32_t bytes, const char *text, uint16_t length)
{
	const uint32_t head = id << HT_ID_BITS | HT_ID_LONG;
	uint8_t *at = machine->buffer + RING_HEADROOM_BYTES;

	memcpy(at, &head, sizeof(head));
	memcpy(at + 4, &tsc, sizeof(tsc));
	at += HT_LONG_HEADER_BYTES;
	memcpy(at, payload, bytes);
	at += bytes;
	if (text) {
		memcpy(at, &length, sizeof(length));
		memcpy(at + sizeof(length), text, length);
		at += sizeof(length) + length;
	}
	return (struct ring_walk){.at = at, .tsc = tsc, .events = 1};
}

static void write_mark(struct hypercall_machine *machine, struct hypercall_cpu *cpu,
	const struct hypercall_mark *mark, uint64_t tsc)
{
	const uint64_t begin = tsc > cpu->last_tsc ? tsc : cpu->last_tsc;
	const struct ring_walk walk = mark->is_text
		? put_record(machine, EVENT_ID_marker, begin, &cpu->pid, sizeof(cpu->pid), mark->text,
			  (uint16_t)mark->bytes)
		: put_record(machine, EVENT_ID_mark, begin, mark->values, sizeof(mark->values), NULL, 0);

	write_buffer(machine, cpu, &walk, begin, cpu->pid);
}

static uint64_t mark_tsc(const struct hypercall_machine *machine, const struct hypercall_mark *mark)
{
	uint64_t tsc;

	if (machine->plain)
		return (uint64_t)mark->host_ns;
	return hypercall_clock_tsc(&machine->clock, mark->host_ns, &tsc) ? tsc : 0;
}

/* The batch, which was found to be whole or good up to walk->at, with the marks that waited for it. */
static void write_among_marks(
	struct hypercall_machine *machine, struct hypercall_cpu *cpu, uint64_t begin, uint32_t events)
{
	const struct hypercall_batch *batch = &machine->batch;
	const struct ring_walk_table *table = &machine->events->table;
	uint8_t *records = machine->buffer + RING_HEADROOM_BYTES;
	const struct hypercall_mark *mark;
	uint32_t done = 0;

	cpu->pid = batch->pid;
	while (events) {
		struct ring_walk walk = {.at = records,
			.end = records + batch->bytes - done,
			.tsc = begin > cpu->last_tsc ? begin : cpu->last_tsc,
			.pid = cpu->pid};
		const uint64_t from = walk.tsc;

		memcpy(records, batch->records + done, batch->bytes - done);
		memset(records + batch->bytes - done, 0, RING_TAIL_BYTES);
		mark = cpu->marks.waiting ? hypercall_marks_oldest(&cpu->marks) : NULL;
		if (mark)
			ring_walk_until(table, &walk, mark_tsc(machine, mark));
		else
			ring_walk_tasks(table, &walk);
		done += (uint32_t)(walk.at - records);
		events -= walk.events < events ? walk.events : events;
		write_buffer(machine, cpu, &walk, from, cpu->pid);
		cpu->pid = walk.pid;
		if (mark) {
			write_mark(machine, cpu, mark, mark_tsc(machine, mark));
			hypercall_marks_drop_oldest(&cpu->marks);
		} else if (!walk.events) {
			break;
		}
	}
}

/* What is not as it should be costs the events behind it. */
static void write_batch(struct hypercall_machine *machine, struct hypercall_cpu *cpu)
{
	const struct hypercall_batch *batch = &machine->batch;
	const uint64_t begin = batch->begin_tsc > cpu->last_tsc ? batch->begin_tsc : cpu->last_tsc;
	struct ring_walk walk = walk_batch(machine, &machine->events->table, begin);

	if (walk.events > batch->events || walk.tsc > batch->end_tsc) {
		cpu->lost[TRACE_LOST_DAMAGED] += batch->events;
		return;
	}
	cpu->lost[walk.status == RING_WALK_HOLE ? TRACE_LOST_TORN : TRACE_LOST_DAMAGED] +=
		batch->events - walk.events;
	if (cpu->marks.waiting && cpu->marks.count)
		write_among_marks(machine, cpu, begin, walk.events);
	else
		write_buffer(machine, cpu, &walk, begin, batch->pid);
	cpu->pid = walk.pid;
}

static void write_names(struct hypercall_machine *machine)
{
	struct ring_walk walk = walk_batch(machine, &machine->events->names_table, 0);
	const struct ring_packet packet = {.buffer = machine->buffer,
		.bytes = (uint32_t)(walk.at - (machine->buffer + RING_HEADROOM_BYTES)),
		.events = walk.events};

	names_writer_packet(&machine->output.names, &packet);
	names_writer_flush(&machine->output.names);
}

void hypercall_machine_batch(
	struct hypercall_machine *machine, const struct hypercall_record *record, size_t bytes)
{
	const uint32_t number = hypercall_batch_vcpu(record);
	const int code = hypercall_batch_read(&machine->batch, record, bytes);
	struct hypercall_cpu *cpu;
	struct clock_point point;

	if (number == HT_FLUSH_NAMES) {
		if (!code)
			write_names(machine);
		return;
	}
	if (number >= machine->nr_cpus) {
		machine->misplaced += hypercall_batch_events(record);
		return;
	}
	cpu = &machine->cpus[number];
	cpu->seen = true;
	cpu->tid = record->tid;
	if (code) {
		/* not copied in time, or nothing that a module would say */
		cpu->lost[code == -EFAULT ? TRACE_LOST_OVERWRITTEN : TRACE_LOST_DAMAGED] +=
			hypercall_batch_events(record);
		return;
	}
	if (record->number == HT_HYPERCALL_FLUSH) {
		count_guest_lost(cpu, record->args[2]);
		if (hypercall_clock_flush(&machine->clock, &cpu->flushed, record->args[3],
			    (int64_t)record->host_ns, machine->batch.returned_tsc, &point))
			machine_output_add_point(&machine->output, point);
	}
	write_batch(machine, cpu);
}

void hypercall_machine_mark(
	struct hypercall_machine *machine, const struct hypercall_mark *mark, uint32_t vcpu)
{
	struct hypercall_cpu *cpu = NULL;

	for (uint32_t i = 0; i < machine->nr_cpus && !cpu; i++)
		if (machine->cpus[i].tid == mark->tid)
			cpu = &machine->cpus[i];
	if (!cpu)
		cpu = &machine->cpus[vcpu < machine->nr_cpus ? vcpu : 0];
	cpu->seen = true;
	if (!cpu->marks.waiting && hypercall_marks_init(&cpu->marks)) {
		cpu->lost[TRACE_LOST_UNWRITTEN]++;
	} else if (machine->plain) {
		write_mark(machine, cpu, mark, mark_tsc(machine, mark));
	} else if (!hypercall_marks_put(&cpu->marks, mark)) {
		cpu->lost[TRACE_LOST_FULL]++;
	}
}

void hypercall_machine_settle(struct hypercall_machine *machine, int64_t before_ns)
{
	const struct hypercall_mark *mark;

	for (uint32_t i = 0; i < machine->nr_cpus; i++) {
		struct hypercall_cpu *cpu = &machine->cpus[i];

		while (cpu->marks.waiting && (mark = hypercall_marks_oldest(&cpu->marks)) &&
			mark->host_ns < before_ns) {
			write_mark(machine, cpu, mark, mark_tsc(machine, mark));
			hypercall_marks_drop_oldest(&cpu->marks);
		}
	}
}

void hypercall_machine_lose(struct hypercall_machine *machine, uint32_t tid, uint64_t events)
{
	struct hypercall_cpu *cpu = &machine->cpus[0]; /* of a thread that nothing is known of */

	for (uint32_t i = 0; i < machine->nr_cpus; i++)
		if (machine->cpus[i].tid == tid)
			cpu = &machine->cpus[i];
	cpu->lost[TRACE_LOST_FULL] += events;
	cpu->seen = true;
}

void hypercall_machine_count(struct hypercall_machine *machine)
{
	for (uint32_t i = 0; i < machine->nr_cpus; i++) {
		const struct hypercall_cpu *cpu = &machine->cpus[i];
		const struct machine_stream *stream = &machine->output.streams[i];
		struct trace_cpu_info *info;

		if (!cpu->seen)
			continue;
		info = trace_machine_info_cpu(machine_output_info(&machine->output), i);
		if (!info)
			continue;
		info->events = cpu->recorded;
		info->packets = stream->exists ? stream->stream.packets : 0;
		info->bytes = stream->exists ? stream->stream.bytes : 0;
		memcpy(info->lost, cpu->lost, sizeof(info->lost));
	}
}

void hypercall_machine_destroy(struct hypercall_machine *machine, const char *end_state, const char *message)
{
	struct clock_point point;

	hypercall_machine_settle(machine, INT64_MAX);
	if (hypercall_clock_rest(&machine->clock, &point))
		machine_output_add_point(&machine->output, point);
	if (machine->misplaced)
		machine->cpus[0].lost[TRACE_LOST_DAMAGED] += machine->misplaced;
	hypercall_machine_count(machine);
	machine_output_end(&machine->output, end_state, message);
	deinit(machine);
}
