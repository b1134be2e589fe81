/* SPDX-License-Identifier: MIT */
/*
 * bench exits: instructions that watching its exits costs a host, for each hypercall of a guest: kvm_exit, kvm_hypercall
 * and kvm_entry. The host is emulated, its TSC counts instructions (-icount); its guest, bench/tiny_vmm.c, runs under its
 * KVM, in one boot without, with the collector at each level, and with ftrace recording the same three events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/guest_run.h"
#include "bench/programs.h"
#include "host/vm/kernel_package.h"
#include "lib/base/cleanup.h"

#define CALLS        "2000"
#define MEMORY_BYTES (640ULL << 20)
#define TIMEOUT_S    600
#define FILES_MAX    10
#define UNIT         "instructions/exit"

static const char *const ways[] = {"none", "histogram", "aggregated", "full", "ftrace"};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

struct way {
	uint64_t shortest, lost;
};

struct files {
	char *items[FILES_MAX];
	size_t count;
};

static void files_deinit(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i]);
}

/* LOCAL, to be there as GUEST. */
static int files_add(struct files *files, const char *local, const char *guest, struct error *error)
{
	if (asprintf(&files->items[files->count], "%s:%s", local, guest) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	files->count++;
	return 0;
}

/* KVM's modules, from beside the kernel; what is built into it is no file. */
static int add_modules(struct files *files, const struct kernel_package *kernel, struct error *error)
{
	static const char *const modules[] = {
		"virt/lib/irqbypass", "arch/x86/kvm/kvm", "drivers/crypto/ccp/ccp", "arch/x86/kvm/kvm-amd"};
	const char *boot = strstr(kernel->vmlinuz, "/boot/");
	const int root = boot ? (int)(boot - kernel->vmlinuz) : 0;
	int code = 0;

	for (size_t i = 0; !code && i < sizeof(modules) / sizeof(modules[0]); i++) {
		cleanup_free char *path = NULL;
		char guest[64];

		if (asprintf(&path, "%.*s/lib/modules/%s/kernel/%s.ko.xz", root, kernel->vmlinuz,
			    kernel->release, modules[i]) < 0) {
			path = NULL;
			return error_set(error, -ENOMEM, "out of memory");
		}
		if (access(path, F_OK))
			path[strlen(path) - 3] = '\0'; /* not compressed */
		if (access(path, F_OK))
			continue;
		snprintf(guest, sizeof(guest), "/nested/%s", strrchr(path, '/') + 1);
		code = files_add(files, path, guest, error);
	}
	return code;
}

static int collect_files(
	struct files *files, const struct kernel_package *kernel, char **script, struct error *error)
{
	cleanup_free char *vmm = NULL;
	int code = bench_program("tiny_vmm", &vmm, error);

	if (!code)
		code = bench_program("exits_host.sh", script, error);
	if (!code)
		code = files_add(files, "/proc/self/exe", "/bin/hypertrace", error);
	if (!code)
		code = files_add(files, vmm, "/bin/tiny_vmm", error);
	return code ? code : add_modules(files, kernel, error);
}

static int read_ways(char *output, struct way found[WAYS], struct error *error)
{
	char name[16];
	struct way way;

	for (char *rest = output, *line; (line = strtok_r(rest, "\n", &rest));) {
		if (sscanf(line, "way %15s shortest %" SCNu64 " calls %*u exits %*u lost %" SCNu64, name,
			    &way.shortest, &way.lost) != 3)
			continue;
		for (size_t i = 0; i < WAYS; i++)
			if (!strcmp(name, ways[i]))
				found[i] = way;
	}
	for (size_t i = 0; i < WAYS; i++)
		if (!found[i].shortest)
			return error_set(error, -EIO, "the emulated host measured nothing with %s", ways[i]);
	return 0;
}

static int run_host(const struct kernel_package *kernel, const struct files *files, const char *script,
	struct way found[WAYS], struct error *error)
{
	static const char *const svm[] = {"-cpu", "max,+svm"};
	const char *const command[] = {script, CALLS, NULL};
	const struct vm_config config = {.vmlinuz = kernel->vmlinuz,
		.smp = 1,
		.memory_bytes = MEMORY_BYTES,
		.accel = VM_ACCEL_TCG,
		.icount = true,
		.files = (const char *const *)files->items,
		.file_count = files->count,
		.command = command,
		.append = "tsc=reliable",
		.qemu_arguments = svm,
		.qemu_argument_count = 2,
		.timeout_s = TIMEOUT_S};
	cleanup_free char *output = NULL;
	int code = guest_run(&config, NULL, &output, error);

	return code ? code : read_ways(output, found, error);
}

static int bench_kernel(struct bench *bench, const char *name, struct error *error)
{
	const struct kernel_wish wish = {.name = name, .progress = bench->progress};
	cleanup_free char *script = NULL;
	struct way found[WAYS] = {0};
	struct kernel_package kernel;
	struct files files = {0};
	int code = kernel_package_find(&kernel, &wish, error);

	if (code)
		return code;
	code = collect_files(&files, &kernel, &script, error);
	if (!code)
		code = run_host(&kernel, &files, script, found, error);
	files_deinit(&files);
	kernel_package_deinit(&kernel);
	if (code)
		return error_add(error, "host %s", name), code;
	figures_add(
		&bench->figures, (double)found[0].shortest, UNIT, 0, "kernel", name, "watched", "none", NULL);
	for (size_t i = 1; i < WAYS; i++)
		figures_add(&bench->figures, (double)(int64_t)(found[i].shortest - found[0].shortest), UNIT,
			found[i].lost, "kernel", name, "watched", ways[i], NULL);
	return 0;
}

int bench_exits(struct bench *bench, struct error *error)
{
	int code = 0;

	figures_begin(&bench->figures, "exits", "watched", "aggregated");
	for (size_t i = 0; !code && i < bench->nr_kernels; i++)
		code = bench_kernel(bench, bench->kernels[i], error);
	figures_end(&bench->figures);
	return code;
}
