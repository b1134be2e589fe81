/* SPDX-License-Identifier: MIT */
#include "host/collect/host_clocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/vcpu_clock.h"
#include "lib/base/clock_now.h"
#include "lib/base/hash_map.h"

#define SUSPEND_NS 1000000ll /* a suspend is longer, and no reading of two clocks takes so long twice */

struct host_clocks {
	struct host_vms *vms;
	struct recorder_common *common;
	struct hash_map known; /* pid << 16 | vcpu: the struct vcpu_clock as of its last epoch, heap */
	struct hash_map told;  /* pid: that its vCPUs differ */
	struct hash_map exact; /* pid: the largest bound of our points, in ns */
	struct vcpu_clock *read;
	int64_t asleep_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	bool blind;        /* debugfs cannot be read: said */
};

static int64_t asleep_ns(void)
{
	return (int64_t)(clock_now_ns(CLOCK_BOOTTIME) - clock_now_ns(CLOCK_MONOTONIC));
}

struct host_clocks *host_clocks_create(struct host_vms *vms, struct recorder_common *common)
{
	struct host_clocks *clocks = calloc(1, sizeof(*clocks));

	if (!clocks)
		return NULL;
	clocks->vms = vms;
	clocks->common = common;
	clocks->asleep_ns = asleep_ns();
	clocks->read = calloc(VCPU_CLOCK_VCPUS_MAX, sizeof(*clocks->read));
	if (clocks->read)
		return clocks;
	free(clocks);
	return NULL;
}

void host_clocks_destroy(struct host_clocks *clocks)
{
	uint64_t key, value;

	if (!clocks)
		return;
	for (size_t at = 0; hash_map_next(&clocks->known, &at, &key, &value);)
		free((void *)(uintptr_t)value);
	hash_map_deinit(&clocks->known);
	hash_map_deinit(&clocks->told);
	hash_map_deinit(&clocks->exact);
	free(clocks->read);
	free(clocks);
}

static struct vcpu_clock *known_clock(struct host_clocks *clocks, uint32_t pid, uint32_t vcpu, bool *is_new)
{
	uint64_t *place = hash_map_put(&clocks->known, (uint64_t)pid << 16 | (vcpu & 0xffff));

	if (!place)
		return NULL;
	*is_new = !*place;
	if (!*place)
		*place = (uintptr_t)calloc(1, sizeof(struct vcpu_clock));
	return (struct vcpu_clock *)(uintptr_t)*place;
}

/* What a vCPU's TSC is from then on, if that is news. */
static void learn(
	struct host_clocks *clocks, struct trace_vm_info *vm, const struct vcpu_clock *clock, int64_t from_ns)
{
	bool is_new = false;
	struct vcpu_clock *known = known_clock(clocks, vm->pid, clock->vcpu, &is_new);

	if (!known || (!is_new && vcpu_clock_is_same(known, clock)))
		return;
	if (!is_new && vm->machine[0])
		recorder_notice(clocks->common, "%s: the TSC of vCPU %u jumps by %" PRId64, vm->name,
			clock->vcpu, (int64_t)((uint64_t)clock->offset - (uint64_t)known->offset));
	*known = *clock;
	trace_vm_info_add_epoch(vm,
		&(struct trace_tsc_epoch){.vcpu = clock->vcpu,
			.from_host_ns = from_ns,
			.offset = clock->offset,
			.ratio = clock->ratio,
			.ratio_bits = clock->ratio_bits});
}

void host_clocks_write(struct host_clocks *clocks, const struct collector_record *record)
{
	struct trace_vm_info *vm = host_vms_vm(clocks->vms, (pid_t)record->words[2]);
	struct vcpu_clock clock = {.vcpu = record->vcpu, .offset = (int64_t)record->words[1]};
	const uint64_t *known =
		vm ? hash_map_get(&clocks->known, (uint64_t)vm->pid << 16 | record->vcpu) : NULL;

	/* scaling is told by debugfs only; a first epoch without is made good by the next look */
	if (!known || !*known)
		return;
	clock.ratio = ((const struct vcpu_clock *)(uintptr_t)*known)->ratio;
	clock.ratio_bits = ((const struct vcpu_clock *)(uintptr_t)*known)->ratio_bits;
	learn(clocks, vm, &clock, (int64_t)record->time_ns);
}

/* The guest's machine, where it is recorded with stamps of the TSC; after a reboot the one it goes on as. */
static struct trace_machine_info *guest_machine(struct host_clocks *clocks, const struct trace_vm_info *vm)
{
	struct trace_info *info = &clocks->common->info;

	for (size_t i = info->nr_machines; i; i--)
		if (trace_vm_info_is_of(vm, info->machines[i - 1].name))
			return strcmp(info->machines[i - 1].clock, "tsc") ? NULL : &info->machines[i - 1];
	return NULL;
}

static bool are_same(const struct vcpu_clock *clocks, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (!vcpu_clock_is_same(&clocks[0], &clocks[i]))
			return false;
	return true;
}

/* What the guest answered by itself is a thousand times less exact: beside ours it would only make them look as bad. */
static void keep_ours(
	const struct host_clocks *clocks, const struct trace_vm_info *vm, struct trace_machine_info *machine)
{
	const uint64_t *bound = hash_map_get(&clocks->exact, vm->pid);

	if (bound && *bound)
		trace_machine_info_keep_exact(machine, *bound);
}

static void add_point(struct host_clocks *clocks, const struct trace_vm_info *vm,
	struct trace_machine_info *machine, const struct vcpu_clock_host *host)
{
	uint64_t *bound = hash_map_put(&clocks->exact, vm->pid);

	if (bound && *bound < host->bound_ns)
		*bound = host->bound_ns;
	trace_machine_info_add_point(machine,
		(struct clock_point){.tsc = vcpu_clock_guest(&clocks->read[0], host->tsc),
			.host_ns = host->host_ns,
			.bound_ns = host->bound_ns});
}

static void poll_vm(struct host_clocks *clocks, struct trace_vm_info *vm)
{
	struct trace_machine_info *machine = guest_machine(clocks, vm);
	struct vcpu_clock_host host;
	ssize_t count = vcpu_clock_read(
		VCPU_CLOCK_DEBUGFS, "/proc", (pid_t)vm->pid, clocks->read, VCPU_CLOCK_VCPUS_MAX);

	if (count < 0 && !clocks->blind) {
		clocks->blind = true;
		recorder_notice(clocks->common,
			"host: %s: %s: guests' clocks are known by exchange only (mount debugfs, be root)",
			VCPU_CLOCK_DEBUGFS, strerror((int)-count));
	}
	if (count > 0 && vcpu_clock_read_host(&host)) {
		for (ssize_t i = 0; i < count; i++)
			learn(clocks, vm, &clocks->read[i], host.host_ns);
		if (machine && are_same(clocks->read, (size_t)count))
			add_point(clocks, vm, machine, &host);
		else if (machine && !hash_map_get(&clocks->told, vm->pid) &&
			hash_map_put(&clocks->told, vm->pid))
			recorder_notice(clocks->common,
				"%s: its vCPUs' TSCs differ: the host's knowledge of them is not used",
				vm->name);
	}
	if (machine)
		keep_ours(clocks, vm, machine);
}

void host_clocks_poll(struct host_clocks *clocks)
{
	struct trace_machine_info *host = machine_output_info(clocks->vms->output);
	const int64_t asleep = asleep_ns(), more = asleep - clocks->asleep_ns;

	if (more > SUSPEND_NS) {
		clocks->asleep_ns = asleep;
		recorder_notice(clocks->common,
			"host: it was suspended for %.3f s, which its clock leaves out", (double)more / 1e9);
	}
	for (size_t i = 0; i < host->nr_vms; i++)
		poll_vm(clocks, &host->vms[i]);
}
