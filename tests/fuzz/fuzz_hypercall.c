/* SPDX-License-Identifier: MIT */
/*
 * What a guest may say by hypercalls: whatever it is, each event it claims is recorded or counted as lost, and no packet goes
 * back in time, which would end the recording of all guests.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/collect/event_table.h"
#include "host/collect/hypercall_marks.h"
#include "tests/unit/hypercall_maker.h"

#define FILE_BYTES_MAX (8u << 20)
#define CALLS_MAX      64

const char fuzz_name[] = "hypercall";

/* An input is a row of calls: the record's first bytes as they are, then as many of a packet as `copied` says. */
static struct hypercall_maker maker;

static void begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	if (hypercall_maker_init(&maker))
		abort();
}

static void end(void)
{
	if (maker.machine)
		hypercall_maker_deinit(&maker);
}

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static uint8_t seed[8192];
	const uint8_t getppid_nr = 110;
	uint8_t records[64], *at = records;
	size_t bytes;

	if (index > 1)
		return 0;
	begin();
	atexit(end);
	for (unsigned i = 0; i < 3; i++)
		at = hypercall_maker_event(at, EVENT_ID_sys_enter_short, 1000 + i, i == 0, &getppid_nr, 1);
	bytes = index ? hypercall_maker_flush(&maker, 1, records, (uint32_t)(at - records), 3, 1000, 1002)
		      : hypercall_maker_registers(&maker, 0, records, (uint32_t)(at - records), 3);
	memcpy(seed, maker.record, bytes);
	memcpy(seed + bytes, maker.record, bytes);
	*data = seed;
	return 2 * bytes;
}

static uint64_t accounted(void)
{
	uint64_t sum = maker.machine->misplaced;

	for (uint32_t i = 0; i < maker.machine->nr_cpus; i++) {
		const struct hypercall_cpu *cpu = &maker.machine->cpus[i];

		/* FULL to PAIRING are the guest's own: they come on top */
		sum += cpu->recorded;
		for (unsigned cause = HT_LOST_CAUSES; cause < TRACE_LOST_CAUSES; cause++)
			sum += cpu->lost[cause];
	}
	return sum;
}

static void take(const struct hypercall_record *record, size_t bytes)
{
	static struct hypercall_marks marks;
	const uint64_t before = accounted();
	uint64_t marked = 0;

	if (record->number == HT_HYPERCALL_FLUSH || record->number == HT_HYPERCALL_EVENTS) {
		for (uint32_t i = 0; i < maker.machine->nr_cpus; i++)
			marked += maker.machine->cpus[i].marks.count;
		hypercall_machine_batch(maker.machine, record, bytes);
		for (uint32_t i = 0; i < maker.machine->nr_cpus; i++)
			marked -= maker.machine->cpus[i].marks.count;
		if (hypercall_batch_vcpu(record) != HT_FLUSH_NAMES &&
			accounted() - before - marked != hypercall_batch_events(record))
			abort();
	} else {
		if (!marks.waiting && hypercall_marks_init(&marks))
			return;
		hypercall_marks_take(&marks, record);
		while (hypercall_marks_oldest(&marks)) {
			hypercall_machine_mark(maker.machine, hypercall_marks_oldest(&marks), record->number);
			hypercall_marks_drop_oldest(&marks);
		}
	}
	if (maker.common.disk_full)
		abort();
}

/* The files would grow for ever: what is in them was looked at when it was written. */
static void forget(void)
{
	for (uint32_t i = 0; i < maker.machine->nr_cpus; i++) {
		struct machine_stream *stream = &maker.machine->output.streams[i];

		if (stream->exists && stream->stream.bytes > FILE_BYTES_MAX) {
			if (ftruncate(stream->stream.fd, 0))
				abort();
			lseek(stream->stream.fd, 0, SEEK_SET);
			stream->stream.bytes = stream->stream.reserved = 0;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t fixed = sizeof(struct hypercall_record);

	begin();
	for (unsigned i = 0; i < CALLS_MAX && size >= fixed; i++) {
		struct hypercall_record *record;
		size_t bytes;

		memcpy(maker.record, data, fixed);
		bytes = maker.record->copied > 0 ? (size_t)maker.record->copied : 0;
		bytes = bytes < size - fixed ? bytes : size - fixed;
		bytes = bytes < HT_FLUSH_MAX_BYTES ? bytes : HT_FLUSH_MAX_BYTES;
		record = malloc(fixed + bytes); /* a byte too far is found */
		if (!record)
			return 0;
		memcpy(record, data, fixed + bytes);
		record->host_ns &= INT64_MAX >> 2; /* the host's own */
		take(record, fixed + bytes);
		free(record);
		data += fixed + bytes;
		size -= fixed + bytes;
	}
	hypercall_machine_settle(maker.machine, INT64_MAX);
	/* a time in the far future, and nothing were ever good again */
	for (uint32_t i = 0; i < maker.machine->nr_cpus; i++)
		maker.machine->cpus[i].last_tsc = maker.machine->output.streams[i].stream.last_end_tsc = 0;
	forget();
	return 0;
}
