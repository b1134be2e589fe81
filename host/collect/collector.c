/* SPDX-License-Identifier: MIT */
#include "host/collect/collector.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/bpf/collector.skel.h"
#include "host/collect/collector_kernel.h"
#include "host/collect/libbpf_log.h"

#define RINGS_BYTES_MAX (256u << 20) /* of all pCPUs */
#define RING_BYTES_MIN  (64u << 10)

struct collector {
	struct collector_bpf *bpf;
	struct collector_ring *rings;
	void *rings_memory; /* mapped; MAP_FAILED: not */
	size_t rings_bytes;
	uint32_t nr_cpus;
	struct collector_kernel kernel;
};

static uint32_t choose_ring_bytes(uint32_t wanted, uint32_t nr_cpus)
{
	uint32_t bytes = wanted ? wanted : COLLECTOR_RING_BYTES;

	while (!wanted && bytes > RING_BYTES_MIN && (uint64_t)bytes * nr_cpus > RINGS_BYTES_MAX)
		bytes /= 2;
	return bytes;
}

/* Before loading: sizes, constants, and which programs. */
static int prepare(struct collector *collector, const struct collector_options *options, struct error *error)
{
	const uint32_t ring_bytes = choose_ring_bytes(options->ring_bytes, collector->nr_cpus);
	struct collector_bpf *bpf = collector->bpf;
	int code;

	bpf->rodata->level = options->level;
	bpf->rodata->filtered = options->filtered;
	bpf->rodata->ring_mask = ring_bytes / sizeof(struct collector_record) - 1;
	collector->rings_bytes = (size_t)ring_bytes * collector->nr_cpus;
	code = bpf_map__set_value_size(bpf->maps.rings, ring_bytes);
	if (!code)
		code = bpf_map__set_max_entries(bpf->maps.rings, collector->nr_cpus);
	if (code)
		return error_set(error, code, "sizes of the collector's maps: %s", strerror(-code));
	return collector_kernel_choose(&collector->kernel, bpf, options->level, error);
}

static int map_memory(struct collector *collector, struct error *error)
{
	uint8_t *rings;

	collector->rings_memory = mmap(NULL, collector->rings_bytes, PROT_READ, MAP_SHARED,
		bpf_map__fd(collector->bpf->maps.rings), 0);
	if (collector->rings_memory == MAP_FAILED)
		return error_set(error, -errno, "map the collector's rings: %s", strerror(errno));
	collector->rings = calloc(collector->nr_cpus, sizeof(*collector->rings));
	if (!collector->rings)
		return error_set(error, -ENOMEM, "out of memory");
	rings = collector->rings_memory;
	for (uint32_t cpu = 0; cpu < collector->nr_cpus; cpu++) {
		const size_t ring_bytes = collector->rings_bytes / collector->nr_cpus;

		collector_ring_init(&collector->rings[cpu],
			(const struct collector_record *)(rings + cpu * ring_bytes),
			(uint32_t)(ring_bytes / sizeof(struct collector_record)),
			&collector->bpf->bss->cpus[cpu].head, &collector->bpf->bss->tails[cpu].tail);
	}
	return 0;
}

static int fill_free_threads(struct collector *collector, struct error *error)
{
	const int fd = bpf_map__fd(collector->bpf->maps.free_threads);

	for (uint32_t index = 0; index < COLLECTOR_THREADS_MAX; index++)
		if (bpf_map_update_elem(fd, NULL, &index, BPF_ANY))
			return error_set(
				error, -errno, "the collector's table of threads: %s", strerror(errno));
	return 0;
}

static int load(struct collector *collector, const struct collector_options *options, struct error *error)
{
	int code = prepare(collector, options, error);

	if (!code) {
		code = collector_bpf__load(collector->bpf);
		if (code)
			return libbpf_log_error(code, "load the collector's eBPF programs", error);
	}
	if (!code)
		code = map_memory(collector, error);
	if (!code)
		code = fill_free_threads(collector, error);
	if (!code)
		code = collector_kernel_attach(&collector->kernel, collector->bpf, error);
	return code;
}

int collector_create(struct collector **out, const struct collector_options *options, struct error *error)
{
	struct collector *collector;
	const int nr_cpus = libbpf_num_possible_cpus();
	int code = collector_kernel_check(error);

	*out = NULL;
	if (code)
		return code;
	if (nr_cpus < 1 || nr_cpus > COLLECTOR_CPUS_MAX) {
		error_set(error, -E2BIG, "the collector knows 1 to %d CPUs; this host may have %d",
			COLLECTOR_CPUS_MAX, nr_cpus);
		return error_hint(error, "the kernel's nr_cpus= limits them");
	}
	collector = calloc(1, sizeof(*collector));
	if (!collector)
		return error_set(error, -ENOMEM, "out of memory");
	collector->nr_cpus = (uint32_t)nr_cpus;
	collector->rings_memory = MAP_FAILED;
	libbpf_log_begin();
	collector->bpf = collector_bpf__open();
	code = collector->bpf ? load(collector, options, error)
			      : libbpf_log_error(-errno, "open the collector's eBPF programs", error);
	libbpf_log_end();
	if (code) {
		collector_destroy(collector);
		return code;
	}
	*out = collector;
	return 0;
}

void collector_destroy(struct collector *collector)
{
	if (!collector)
		return;
	if (collector->rings_memory != MAP_FAILED)
		munmap(collector->rings_memory, collector->rings_bytes);
	collector_bpf__destroy(collector->bpf);
	free(collector->rings);
	free(collector);
}

const char *collector_missing(const struct collector *collector)
{
	return collector->kernel.missing;
}

int collector_add_vmm(struct collector *collector, pid_t vmm, struct error *error)
{
	const uint32_t tgid = (uint32_t)vmm;
	const uint8_t one = 1;

	if (bpf_map_update_elem(bpf_map__fd(collector->bpf->maps.vmms), &tgid, &one, BPF_ANY))
		return error_set(error, -errno, "the collector's table of VMMs: %s", strerror(errno));
	return 0;
}

uint32_t collector_nr_cpus(const struct collector *collector)
{
	return collector->nr_cpus;
}

struct collector_ring *collector_ring(struct collector *collector, uint32_t cpu)
{
	return &collector->rings[cpu];
}

uint64_t collector_lost(const struct collector *collector, uint32_t cpu)
{
	return __atomic_load_n(&collector->bpf->bss->cpus[cpu].lost, __ATOMIC_RELAXED);
}

uint64_t collector_lost_threads(const struct collector *collector)
{
	return __atomic_load_n(&collector->bpf->bss->lost_threads, __ATOMIC_RELAXED);
}

uint64_t collector_lost_cells(const struct collector *collector)
{
	return __atomic_load_n(&collector->bpf->bss->lost_cells, __ATOMIC_RELAXED);
}

struct collector_cell *collector_cells(struct collector *collector, uint32_t *count)
{
	const uint32_t used = __atomic_load_n(&collector->bpf->bss->nr_cells, __ATOMIC_RELAXED);

	*count = used < COLLECTOR_CELLS_MAX ? used : COLLECTOR_CELLS_MAX - 1;
	return collector->bpf->bss->cells + 1;
}
