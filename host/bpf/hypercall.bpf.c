// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's end of abi/hypercall.h: takes the calls of our range where KVM's tracepoint shows them, with the packet that a
 * FLUSH names. It runs in the vCPU's thread, so that the VMM's address space is at hand and the guest stands still.
 *
 * Every VM that is recorded has a ring of its own: what a guest floods is its own, and costs only its own vCPU's time. A VM
 * that nobody knows makes its first calls into a common ring, a few of each, until the recorder has looked at it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi/region.h"
#include "abi/hypercall.h"
#include "host/bpf/hypercall.h"

#define EINVAL 22
#define EFAULT 14

struct vm_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HYPERCALL_RING_BYTES);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, HYPERCALL_VMS_MAX);
	__type(key, __u32);
	__array(values, struct vm_ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HYPERCALL_VMS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct hypercall_vm);
} vms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HYPERCALL_THREADS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct hypercall_lost);
} lost SEC(".maps");

/* VMMs whose guests make our calls and that have no ring, with the number of calls that are in `early`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HYPERCALL_STRANGERS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} strangers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HYPERCALL_EARLY_BYTES);
} early SEC(".maps");

struct call {
	__u64 args[4];
	__u32 number, tid, vmm;
};

static int lose(const struct call *call)
{
	__u32 tid = call->tid;
	struct hypercall_lost *count = bpf_map_lookup_elem(&lost, &tid), first = {};

	if (!count) {
		bpf_map_update_elem(&lost, &tid, &first, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&lost, &tid);
		if (!count)
			return 0;
	}
	/* only its own thread counts here */
	count->calls++;
	if (call->number == HT_HYPERCALL_FLUSH)
		count->events += HT_FLUSH_EVENTS(call->args[1]);
	else if (call->number == HT_HYPERCALL_EVENTS)
		count->events += HT_EVENTS_EVENTS(call->args[0]);
	return 0;
}

static __always_inline void fill(struct hypercall_record *record, const struct call *call, __s32 copied)
{
	record->host_ns = bpf_ktime_get_ns();
	record->args[0] = call->args[0];
	record->args[1] = call->args[1];
	record->args[2] = call->args[2];
	record->args[3] = call->args[3];
	record->number = call->number;
	record->tid = call->tid;
	record->copied = copied;
	record->vmm = call->vmm;
}

static __always_inline int put_call(void *ring, const struct call *call, __s32 copied)
{
	struct hypercall_record *record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);

	if (!record)
		return lose(call);
	fill(record, call, copied);
	/* a wake-up queues an irq_work, whose interrupt is one more exit of this guest: the recorder polls */
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Room for `room` bytes, a constant, as the verifier wants it; it must see, too, that `bytes` are no more. */
static __always_inline int put_packet(void *ring, const struct call *call, __u64 address, __u32 bytes, const __u32 room)
{
	struct hypercall_record *record = bpf_ringbuf_reserve(ring, sizeof(*record) + room, 0);
	long err;

	if (!record)
		return lose(call);
	fill(record, call, (__s32)bytes);
	asm volatile("" : "+r"(bytes)); /* forgets the comparisons before, which older verifiers cannot follow */
	if (bytes > room)
		bytes = room;
	err = bpf_probe_read_user(record->packet, bytes, (const void *)address);
	if (err)
		record->copied = (__s32)err;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/* The VMM's address of guest memory that lies in one range; 0: none. */
static __always_inline __u64 translate(const struct hypercall_vm *vm, __u64 physical, __u32 bytes)
{
	for (__u32 i = 0; i < HYPERCALL_RANGES_MAX; i++) {
		const struct hypercall_range *range = &vm->ranges[i];
		__u64 offset = physical - range->physical;

		if (i >= vm->nr_ranges)
			break;
		if (offset < range->bytes && bytes <= range->bytes - offset)
			return range->address + offset;
	}
	return 0;
}

static __always_inline int flush(void *ring, const struct call *call, __u32 tgid)
{
	const struct hypercall_vm *vm = bpf_map_lookup_elem(&vms, &tgid);
	__u32 bytes = HT_FLUSH_BYTES(call->args[1]);
	__u64 address;

	if (bytes < sizeof(struct ht_packet) || bytes > HT_FLUSH_MAX_BYTES)
		return put_call(ring, call, -EINVAL);
	address = vm ? translate(vm, call->args[0], bytes) : 0;
	if (!address)
		return put_call(ring, call, -EFAULT);
	if (bytes <= 256)
		return put_packet(ring, call, address, bytes, 256);
	if (bytes <= 1024)
		return put_packet(ring, call, address, bytes, 1024);
	return put_packet(ring, call, address, bytes, HT_FLUSH_MAX_BYTES);
}

/* Without its packet, because nobody knows where the VM's memory is: the recorder may still find it there. */
static int put_early(const struct call *call)
{
	__u32 vmm = call->vmm, first = 1, *count = bpf_map_lookup_elem(&strangers, &vmm);

	if (!count && bpf_map_update_elem(&strangers, &vmm, &first, BPF_NOEXIST))
		return 0;
	/* several vCPUs at once may put a few more */
	if (count && *count >= HYPERCALL_EARLY_CALLS)
		return 0;
	if (count)
		++*count;
	return put_call(&early, call, -EFAULT);
}

SEC("raw_tp/kvm_hypercall")
int on_hypercall(struct bpf_raw_tracepoint_args *context)
{
	__u64 number = context->args[0], id;
	struct call call;
	__u32 tgid;
	void *ring;

	if (number - HT_HYPERCALL_FIRST > HT_HYPERCALL_LAST - HT_HYPERCALL_FIRST)
		return 0;
	id = bpf_get_current_pid_tgid();
	tgid = id >> 32;
	ring = bpf_map_lookup_elem(&rings, &tgid);
	call = (struct call){.args = {context->args[1], context->args[2], context->args[3], context->args[4]},
		.number = number,
		.tid = id,
		.vmm = tgid};
	if (!ring)
		return put_early(&call);
	if (number == HT_HYPERCALL_FLUSH)
		return flush(ring, &call, tgid);
	return put_call(ring, &call, 0);
}

char LICENSE[] SEC("license") = "GPL";
