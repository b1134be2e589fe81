/* SPDX-License-Identifier: MIT */
#include "host/collect/collector_kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cpuid.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/bpf/collector.skel.h"
#include "host/collect/libbpf_log.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* One program and the tracepoint it wants. */
struct wanted {
	const char *tracepoint;
	size_t program, link; /* offsets in struct collector_bpf */
	enum collector_level from;
	bool required;
};

#define WANTED(tracepoint, name, from, required)                                   \
	{                                                                          \
		tracepoint, offsetof(struct collector_bpf, progs.name),            \
			offsetof(struct collector_bpf, links.name), from, required \
	}
static const struct wanted wanted[] = {
	WANTED("sched_switch", on_switch, COLLECTOR_HISTOGRAM, true),
	WANTED("sched_process_exit", on_thread_end, COLLECTOR_HISTOGRAM, true),
	WANTED("sched_waking", on_waking, COLLECTOR_HISTOGRAM, false),
	WANTED("sched_migrate_task", on_migrate, COLLECTOR_HISTOGRAM, false),
	WANTED("kvm_write_tsc_offset", on_tsc_offset, COLLECTOR_HISTOGRAM, false),
	WANTED("kvm_hypercall", on_hypercall, COLLECTOR_AGGREGATED, false),
	WANTED("kvm_userspace_exit", on_userspace_exit, COLLECTOR_AGGREGATED, false),
	WANTED("kvm_vcpu_wakeup", on_wakeup, COLLECTOR_AGGREGATED, false),
	WANTED("kvm_nested_vmexit", on_nested_exit, COLLECTOR_AGGREGATED, false),
	WANTED("kvm_page_fault", on_page_fault, COLLECTOR_FULL, false),
	WANTED("kvm_inj_virq", on_inject, COLLECTOR_FULL, false),
	/* one of these each: is_chosen(); exits last, so that every exit's entry is seen */
	WANTED("kvm_entry", on_entry, COLLECTOR_AGGREGATED, true),
	WANTED("kvm_entry", on_entry_histogram, COLLECTOR_HISTOGRAM, true),
	WANTED("kvm_exit", on_exit_svm, COLLECTOR_AGGREGATED, true),
	WANTED("kvm_exit", on_exit_svm_cast, COLLECTOR_AGGREGATED, true),
	WANTED("kvm_exit", on_exit_svm_histogram, COLLECTOR_HISTOGRAM, true),
	WANTED("kvm_exit", on_exit_svm_cast_histogram, COLLECTOR_HISTOGRAM, true),
	WANTED("kvm_exit", on_exit_any, COLLECTOR_HISTOGRAM, true),
};
#undef WANTED
#define NR_WANTED (sizeof(wanted) / sizeof(wanted[0]))

static struct bpf_program *program_of(const struct collector_bpf *bpf, const struct wanted *one)
{
	return *(struct bpf_program *const *)((const char *)bpf + one->program);
}

int collector_kernel_check(struct error *error)
{
	if (access(KERNEL_BTF, F_OK)) {
		error_set(error, -ENOTSUP, "the collector: this kernel has no BTF (" KERNEL_BTF ")");
		return error_hint(error, "a kernel with CONFIG_DEBUG_INFO_BTF, as Debian's are");
	}
	if (access("/sys/module/kvm", F_OK)) {
		error_set(error, -ENOENT, "the collector: KVM is not loaded");
		return error_hint(error, "modprobe kvm_amd, or kvm_intel");
	}
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL) != 1) {
		error_set(error, -EPERM, "the collector: no right to load eBPF programs");
		return error_hint(error, "it needs CAP_BPF, CAP_PERFMON and tracefs: run as root");
	}
	return 0;
}

/* The types of KVM's parts: modules with BTF of their own, or built in. */
struct kernel_types {
	struct btf *kernel, *kvm, *amd;
};

static void types_load(struct kernel_types *types)
{
	types->kernel = btf__load_vmlinux_btf();
	types->kvm = types->kernel ? btf__load_module_btf("kvm", types->kernel) : NULL;
	types->amd = types->kernel ? btf__load_module_btf("kvm_amd", types->kernel) : NULL;
}

static void types_free(struct kernel_types *types)
{
	btf__free(types->amd);
	btf__free(types->kvm);
	btf__free(types->kernel);
}

/* A module's BTF finds the kernel's types, too. */
static bool has_type(
	const struct kernel_types *types, const struct btf *module, const char *name, uint32_t kind)
{
	const struct btf *btf = module ? module : types->kernel;

	return btf && btf__find_by_name_kind(btf, name, kind) > 0;
}

static bool has_tracepoint(const struct kernel_types *types, const char *name)
{
	char type[80];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return has_type(types, strncmp(name, "kvm_", 4) ? NULL : types->kvm, type, BTF_KIND_TYPEDEF);
}

static bool cpu_has_svm(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & 1 << 2;
}

static void add_missing(struct collector_kernel *kernel, const char *name)
{
	const size_t used = strlen(kernel->missing);

	if (!strstr(kernel->missing, name))
		snprintf(kernel->missing + used, sizeof(kernel->missing) - used, "%s%s", used ? ", " : "",
			name);
}

/* Of the programs that do the same in different ways: is it the one? */
static bool is_chosen(const struct collector_bpf *bpf, const struct bpf_program *program,
	enum collector_level level, bool svm, bool cast)
{
	const bool histogram = level == COLLECTOR_HISTOGRAM;

	if (program == bpf->progs.on_entry_histogram)
		return histogram;
	if (program == bpf->progs.on_exit_any)
		return !svm;
	if (program == bpf->progs.on_exit_svm)
		return svm && !cast && !histogram;
	if (program == bpf->progs.on_exit_svm_cast)
		return svm && cast && !histogram;
	if (program == bpf->progs.on_exit_svm_histogram)
		return svm && !cast && histogram;
	if (program == bpf->progs.on_exit_svm_cast_histogram)
		return svm && cast && histogram;
	return true;
}

/* The program on_exit_any attaches by tracefs. */
static int check_tracefs(struct error *error)
{
	if (!access("/sys/kernel/tracing/events/kvm/kvm_exit", F_OK) ||
		!access("/sys/kernel/debug/tracing/events/kvm/kvm_exit", F_OK))
		return 0;
	if (access("/sys/kernel/tracing/events", F_OK)) {
		error_set(error, -ENOENT, "the collector: tracefs is not mounted, or not to be read");
		return error_hint(error, "as root: mount -t tracefs tracefs /sys/kernel/tracing");
	}
	error_set(error, -ENOENT, "the collector: tracefs has no kvm_exit");
	return error_hint(error, "a kernel with tracepoints of KVM, as Debian's are");
}

static int choose(struct collector_kernel *kernel, struct collector_bpf *bpf, enum collector_level level,
	const struct kernel_types *types, struct error *error)
{
	/* the cheap way; details of an exit only the tracepoint itself has */
	const bool svm = level != COLLECTOR_FULL && cpu_has_svm() &&
		has_type(types, types->amd, "vcpu_svm", BTF_KIND_STRUCT);
	const bool cast = has_type(types, NULL, "bpf_rdonly_cast", BTF_KIND_FUNC);

	if (!svm && check_tracefs(error))
		return error ? error->code : -ENOENT;
	for (size_t i = 0; i < NR_WANTED; i++) {
		struct bpf_program *program = program_of(bpf, &wanted[i]);
		const bool there = has_tracepoint(types, wanted[i].tracepoint);

		if (!there && wanted[i].required) {
			error_set(error, -ENOENT,
				"the collector: this kernel has no tracepoint %s in its BTF",
				wanted[i].tracepoint);
			return error_hint(error, "KVM's modules need BTF of their own: %s",
				"CONFIG_DEBUG_INFO_BTF_MODULES, as Debian's kernels have");
		}
		if (!there && level >= wanted[i].from)
			add_missing(kernel, wanted[i].tracepoint);
		bpf_program__set_autoload(program,
			there && level >= wanted[i].from && is_chosen(bpf, program, level, svm, cast));
	}
	return 0;
}

int collector_kernel_choose(struct collector_kernel *kernel, struct collector_bpf *bpf,
	enum collector_level level, struct error *error)
{
	struct kernel_types types;
	int code;

	types_load(&types);
	code = choose(kernel, bpf, level, &types, error);
	types_free(&types);
	return code;
}

int collector_kernel_attach(struct collector_kernel *kernel, struct collector_bpf *bpf, struct error *error)
{
	for (size_t i = 0; i < NR_WANTED; i++) {
		struct bpf_program *program = program_of(bpf, &wanted[i]);
		struct bpf_link **link = (struct bpf_link **)((char *)bpf + wanted[i].link);
		char what[64];
		int code;

		if (!bpf_program__autoload(program))
			continue;
		*link = bpf_program__attach(program);
		if (*link)
			continue;
		code = -errno;
		if (code == -ENOENT && !wanted[i].required) {
			add_missing(kernel, wanted[i].tracepoint);
			continue;
		}
		snprintf(what, sizeof(what), "attach to the tracepoint %s", wanted[i].tracepoint);
		return libbpf_log_error(code, what, error);
	}
	return 0;
}
