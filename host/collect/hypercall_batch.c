/* SPDX-License-Identifier: MIT */
#include "host/collect/hypercall_batch.h"

#include <errno.h>
#include <string.h>

#include "abi/ring.h"

uint32_t hypercall_batch_events(const struct hypercall_record *record)
{
	return record->number == HT_HYPERCALL_FLUSH ? HT_FLUSH_EVENTS(record->args[1])
						    : HT_EVENTS_EVENTS(record->args[0]);
}

uint32_t hypercall_batch_vcpu(const struct hypercall_record *record)
{
	return record->number == HT_HYPERCALL_FLUSH ? HT_FLUSH_VCPU(record->args[1])
						    : HT_EVENTS_VCPU(record->args[0]);
}

static int read_packet(
	struct hypercall_batch *batch, const struct hypercall_record *record, size_t packet_bytes)
{
	const uint32_t content = HT_FLUSH_BYTES(record->args[1]);
	struct ht_packet header;

	if (record->copied < 0)
		return record->copied == -EINVAL ? -EINVAL : -EFAULT;
	if (content < sizeof(header) || content > HT_FLUSH_MAX_BYTES || (uint32_t)record->copied != content ||
		content > packet_bytes)
		return -EINVAL;
	memcpy(&header, record->packet, sizeof(header));
	if (header.content_bytes != content || header.events != batch->events ||
		header.end_tsc < header.begin_tsc)
		return -EINVAL;
	batch->pid = header.current_pid;
	batch->begin_tsc = header.begin_tsc;
	batch->end_tsc = header.end_tsc;
	batch->returned_tsc = header.returned_tsc;
	batch->bytes = content - (uint32_t)sizeof(header);
	memcpy(batch->records, record->packet + sizeof(header), batch->bytes);
	return 0;
}

static int read_registers(struct hypercall_batch *batch, const struct hypercall_record *record)
{
	batch->bytes = HT_EVENTS_BYTES(record->args[0]);
	batch->pid = HT_EVENTS_PID(record->args[0]);
	batch->end_tsc = UINT64_MAX;
	if (batch->bytes > HT_EVENTS_MAX_BYTES)
		return -EINVAL;
	memcpy(batch->records, &record->args[1], batch->bytes);
	return 0;
}

int hypercall_batch_read(struct hypercall_batch *batch, const struct hypercall_record *record, size_t bytes)
{
	batch->vcpu = hypercall_batch_vcpu(record);
	batch->events = hypercall_batch_events(record);
	batch->begin_tsc = batch->returned_tsc = 0;
	batch->sequence = record->number == HT_HYPERCALL_FLUSH ? HT_FLUSH_SEQUENCE(record->args[1])
							       : HT_EVENTS_SEQUENCE(record->args[0]);
	if (batch->vcpu >= HT_MAX_CPUS && batch->vcpu != HT_FLUSH_NAMES)
		return -EINVAL;
	return record->number == HT_HYPERCALL_FLUSH ? read_packet(batch, record, bytes - sizeof(*record))
						    : read_registers(batch, record);
}
