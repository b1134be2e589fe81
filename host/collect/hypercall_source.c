/* SPDX-License-Identifier: MIT */
#include "host/collect/hypercall_source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bpf/hypercall.skel.h"
#include "host/collect/libbpf_log.h"

#define EARLY_MAX 1024

struct hypercall_source {
	struct hypercall_bpf *program;
	struct ring_buffer *early_ring;
	struct hypercall_record early[EARLY_MAX]; /* in their order; vmm 0: handed out */
	size_t nr_early;
	size_t named; /* of early: they belong to VMs that were named, or watched */
};

/* The calls of VMs that nobody watches. What finds no room was made by guests that make many. */
static int take_early(void *context, void *data, size_t bytes)
{
	struct hypercall_source *source = context;

	if (bytes >= sizeof(source->early[0]) && source->nr_early < EARLY_MAX)
		memcpy(&source->early[source->nr_early++], data, sizeof(source->early[0]));
	return 0;
}

static int load(struct hypercall_source *source, struct error *error)
{
	int code;

	source->program = hypercall_bpf__open_and_load();
	if (!source->program)
		return libbpf_log_error(-errno, "channel hypercall: load the eBPF program", error);
	source->early_ring =
		ring_buffer__new(bpf_map__fd(source->program->maps.early), take_early, source, NULL);
	if (!source->early_ring)
		return error_set(error, -errno, "channel hypercall: a ring: %s", strerror(errno));
	code = hypercall_bpf__attach(source->program);
	if (!code)
		return 0;
	error_set(error, -ENODEV, "channel hypercall: no KVM on this host that would show hypercalls: %s",
		strerror(-code));
	error_hint(error, "the host of the guest's VMM is meant: modprobe kvm_intel, or kvm_amd");
	return -ENODEV;
}

int hypercall_source_create(struct hypercall_source **out, struct error *error)
{
	struct hypercall_source *source = calloc(1, sizeof(*source));
	int code;

	*out = NULL;
	if (!source)
		return error_set(error, -ENOMEM, "out of memory");
	libbpf_log_begin();
	code = load(source, error);
	libbpf_log_end();
	if (code)
		hypercall_source_destroy(source);
	else
		*out = source;
	return code;
}

void hypercall_source_destroy(struct hypercall_source *source)
{
	if (!source)
		return;
	ring_buffer__free(source->early_ring);
	hypercall_bpf__destroy(source->program);
	free(source);
}

pid_t hypercall_source_stranger(struct hypercall_source *source)
{
	ring_buffer__consume(source->early_ring);
	while (source->named < source->nr_early) {
		const uint32_t vmm = source->early[source->named++].vmm;
		bool before = !vmm;

		for (size_t i = 0; i + 1 < source->named && !before; i++)
			before = source->early[i].vmm == vmm;
		if (!before)
			return (pid_t)vmm;
	}
	return 0;
}

/* Takes out what that VM said before it was watched; `watch` NULL: for nobody. */
static void take_out_early(struct hypercall_source *source, pid_t pid, struct hypercall_watch *watch)
{
	size_t kept = 0, named = 0;

	ring_buffer__consume(source->early_ring);
	for (size_t i = 0; i < source->nr_early; i++) {
		if (source->early[i].vmm == (uint32_t)pid) {
			if (watch)
				watch->take(watch->context, &source->early[i], sizeof(source->early[i]));
			continue;
		}
		named += i < source->named;
		source->early[kept++] = source->early[i];
	}
	source->nr_early = kept;
	source->named = named;
}

void hypercall_source_ignore(struct hypercall_source *source, pid_t pid)
{
	const uint32_t key = (uint32_t)pid, enough = HYPERCALL_EARLY_CALLS;

	bpf_map_update_elem(bpf_map__fd(source->program->maps.strangers), &key, &enough, BPF_ANY);
	take_out_early(source, pid, NULL);
}

struct hypercall_lost hypercall_source_lost(const struct hypercall_source *source, pid_t tid)
{
	const uint32_t key = (uint32_t)tid;
	struct hypercall_lost lost;

	if (bpf_map_lookup_elem(bpf_map__fd(source->program->maps.lost), &key, &lost))
		return (struct hypercall_lost){0};
	return lost;
}

static int take(void *context, void *data, size_t bytes)
{
	struct hypercall_watch *watch = context;

	watch->left--;
	if (bytes < sizeof(struct hypercall_record))
		return watch->left ? 0 : -EAGAIN;
	return watch->take(watch->context, data, bytes) || !watch->left ? -EAGAIN : 0;
}

int hypercall_watch_init(struct hypercall_watch *watch, struct hypercall_source *source, pid_t pid,
	hypercall_fn *fn, void *context, struct error *error)
{
	const uint32_t key = (uint32_t)pid;
	int code;

	*watch = (struct hypercall_watch){
		.source = source, .pid = pid, .ring_fd = -1, .take = fn, .context = context};
	watch->ring_fd =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "hypertrace_vm", 0, 0, HYPERCALL_RING_BYTES, NULL);
	if (watch->ring_fd < 0)
		return error_set(
			error, -errno, "channel hypercall: a ring for process %d: %s", pid, strerror(errno));
	watch->ring = ring_buffer__new(watch->ring_fd, take, watch, NULL);
	code = watch->ring ? bpf_map_update_elem(bpf_map__fd(source->program->maps.rings), &key,
				     &watch->ring_fd, BPF_NOEXIST)
			   : -errno;
	if (code)
		return error_set(error, code, "channel hypercall: process %d: %s", pid,
			code == -EEXIST ? "it is recorded already" : strerror(-code));
	return 0;
}

void hypercall_watch_deinit(struct hypercall_watch *watch)
{
	const uint32_t key = (uint32_t)watch->pid;

	if (watch->source) {
		bpf_map_delete_elem(bpf_map__fd(watch->source->program->maps.rings), &key);
		bpf_map_delete_elem(bpf_map__fd(watch->source->program->maps.vms), &key);
		bpf_map_delete_elem(bpf_map__fd(watch->source->program->maps.strangers), &key);
	}
	ring_buffer__free(watch->ring);
	if (watch->ring_fd >= 0)
		close(watch->ring_fd);
	*watch = (struct hypercall_watch){.ring_fd = -1};
}

static int by_size(const void *a, const void *b)
{
	const struct hypercall_range *left = a, *right = b;

	return left->bytes < right->bytes ? 1 : left->bytes > right->bytes ? -1 : 0;
}

int hypercall_watch_place(struct hypercall_watch *watch, const struct guest_memory *memory)
{
	const struct guest_memory_layout *layout = &memory->layouts[memory->current];
	const uint32_t key = (uint32_t)watch->pid;
	struct hypercall_range *ranges;
	struct hypercall_vm vm = {0};

	ranges = calloc(layout->nr_ranges ? layout->nr_ranges : 1, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < layout->nr_ranges; i++)
		ranges[i] = (struct hypercall_range){
			layout->ranges[i].physical, layout->ranges[i].bytes, layout->ranges[i].offset};
	/* RAM is in the large ones; what is left out is firmware and the like */
	qsort(ranges, layout->nr_ranges, sizeof(*ranges), by_size);
	vm.nr_ranges =
		layout->nr_ranges < HYPERCALL_RANGES_MAX ? (uint32_t)layout->nr_ranges : HYPERCALL_RANGES_MAX;
	memcpy(vm.ranges, ranges, vm.nr_ranges * sizeof(*ranges));
	free(ranges);
	return bpf_map_update_elem(bpf_map__fd(watch->source->program->maps.vms), &key, &vm, BPF_ANY);
}

unsigned hypercall_watch_poll(struct hypercall_watch *watch, unsigned most)
{
	if (!watch->begun) {
		watch->begun = true;
		take_out_early(watch->source, watch->pid, watch);
	}
	watch->left = most;
	ring_buffer__consume(watch->ring);
	return most - watch->left;
}
