/* SPDX-License-Identifier: MIT */
/* The host's probes: each runs or opens what it judges. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/collect/collector.h"
#include "host/collect/vcpu_clock.h"
#include "host/vm/kernel_package.h"
#include "host/vm/process.h"
#include "host/vm/qemu_command.h"
#include "lib/base/cleanup.h"
#include "tools/hypertrace/doctor.h"

#define QEMU         "qemu-system-x86_64"
#define REGION_BYTES (32u << 20)

static void remedy(struct finding *finding, const char *text)
{
	snprintf(finding->remedy, sizeof(finding->remedy), "%s", text);
}

/* Runs a program that prints its version; false: it cannot be run. `line` is its first line. */
static bool version_of(const char *const *argv, char *line, size_t size)
{
	cleanup_free char *output = NULL;
	bool runs = process_run(argv, NULL, &output, NULL) == 0;

	snprintf(line, size, "%.*s", output ? (int)strcspn(output, "\n") : 0, output ? output : "");
	return runs;
}

static void probe_program(struct findings *findings, const char *id, const char *program, const char *package,
	enum finding_status if_missing, const char *purpose)
{
	const char *argv[] = {program, "--version", NULL};
	char line[256];

	if (version_of(argv, line, sizeof(line))) {
		findings_add(findings, id, FINDING_OK, "%s: %s", program, line);
		return;
	}
	char text[128];
	snprintf(text, sizeof(text), "apt-get install %s", package);
	remedy(findings_add(findings, id, if_missing, "%s does not run: %s", program, purpose), text);
}

static void probe_kvm(struct findings *findings)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (qemu_has_kvm())
		findings_add(findings, "host.kvm", FINDING_OK,
			"KVM: the CPU has virtualization and /dev/kvm opens");
	else if (fd >= 0)
		remedy(findings_add(findings, "host.kvm", FINDING_WARN,
			       "/dev/kvm opens, but the CPU shows neither vmx nor svm: kernels would crawl, so guests are emulated"),
			"guests run slower, their traces are as exact; on real hardware switch virtualization on in the firmware");
	else
		remedy(findings_add(findings, "host.kvm", FINDING_WARN,
			       "no KVM (/dev/kvm: %s): guests are emulated", strerror(err)),
			err == EACCES
				? "add yourself to the group kvm"
				: "modprobe kvm-intel or kvm-amd; switch virtualization on in the firmware");
}

static void probe_ivshmem(struct findings *findings)
{
	const char *argv[] = {QEMU, "-device", "ivshmem-plain,help", NULL};
	cleanup_free char *output = NULL;
	bool has = process_run(argv, NULL, &output, NULL) == 0 && output && strstr(output, "memdev");

	if (has)
		findings_add(findings, "host.ivshmem", FINDING_OK,
			"QEMU has ivshmem-plain: regions can be plugged into running guests");
	else
		remedy(findings_add(findings, "host.ivshmem", FINDING_WARN,
			       "QEMU has no ivshmem-plain: hypertrace attach will not work"),
			"use a QEMU built with ivshmem, or reserve RAM for the region (hypertrace-record(1))");
}

static void probe_busybox(struct findings *findings)
{
	const char *argv[] = {"/bin/busybox", "true", NULL};

	if (process_run(argv, NULL, NULL, NULL) == 0)
		findings_add(findings, "host.busybox", FINDING_OK, "busybox is there for throw-away guests");
	else
		remedy(findings_add(findings, "host.busybox", FINDING_WARN,
			       "no /bin/busybox: hypertrace run needs it"),
			"apt-get install busybox-static");
}

static void probe_kernel(struct findings *findings, const char *id, const char *series)
{
	struct kernel_wish wish = {.name = series, .need_headers = true};
	struct kernel_package package;
	struct error error;

	if (kernel_package_find(&package, &wish, &error)) {
		struct finding *finding = findings_add(
			findings, id, FINDING_WARN, "kernel %s for hypertrace run: %s", series, error.text);

		remedy(finding, error.hint);
		return;
	}
	findings_add(findings, id, FINDING_OK, "kernel %s for hypertrace run: %s", series, package.release);
	kernel_package_deinit(&package);
}

static void probe_shared_memory(struct findings *findings)
{
	char path[] = "/dev/shm/hypertrace-doctor.XXXXXX";
	cleanup_close int fd = mkostemp(path, O_CLOEXEC);
	int err;

	if (fd < 0) {
		remedy(findings_add(findings, "host.shm", FINDING_FAIL,
			       "/dev/shm: %s: regions cannot be made there", strerror(errno)),
			"mount a tmpfs on /dev/shm, or give hypertrace attach --mem-path");
		return;
	}
	unlink(path);
	err = posix_fallocate(fd, 0, REGION_BYTES);
	if (err)
		remedy(findings_add(findings, "host.shm", FINDING_FAIL,
			       "/dev/shm has no room for a region of 32 MiB: %s", strerror(err)),
			"free some of it, or give hypertrace attach --mem-path");
	else
		findings_add(findings, "host.shm", FINDING_OK, "/dev/shm has room for a region of 32 MiB");
}

/*
 * A process that is not ours by birth: a grandchild that its parent left behind, as VMMs are. Its memory opens only to
 * those who may read a guest's.
 */
static int open_stranger(void)
{
	int ends[2], fd = -1;
	char path[64];
	pid_t pid = 0, child;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	child = fork();
	if (child == 0) {
		pid = fork();
		if (pid == 0)
			pid = getpid();
		else
			_exit(0);
		(void)!write(ends[1], &pid, sizeof(pid));
		close(ends[1]);
		pause();
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	if (child > 0 && read(ends[0], &pid, sizeof(pid)) == sizeof(pid)) {
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
		kill(pid, SIGKILL);
	}
	close(ends[0]);
	close(ends[1]);
	return fd;
}

static void probe_memory(struct findings *findings)
{
	int fd = open_stranger();

	if (fd >= 0) {
		close(fd);
		findings_add(findings, "host.memory", FINDING_OK,
			"other processes' memory can be read: stock guests of %s",
			geteuid() ? "your own" : "all users");
		return;
	}
	remedy(findings_add(findings, "host.memory", FINDING_WARN,
		       "other processes' memory cannot be read (%s): no dmesg, ps, panic or channel ftrace by --pid",
		       strerror(-fd)),
		"run as root, give hypertrace CAP_SYS_PTRACE, or set kernel.yama.ptrace_scope to 0");
}

/* Loaded, attached, and taken away again. */
static void probe_collector(struct findings *findings)
{
	const struct collector_options options = {.level = COLLECTOR_AGGREGATED};
	struct collector *collector;
	struct error error = {0};

	if (collector_create(&collector, &options, &error)) {
		remedy(findings_add(
			       findings, "host.collector", FINDING_WARN, "%s: no record --host", error.text),
			error.hint);
		return;
	}
	if (collector_missing(collector)[0])
		findings_add(findings, "host.collector", FINDING_WARN,
			"the collector's eBPF programs run, without tracepoints that this kernel lacks: %s",
			collector_missing(collector));
	else
		findings_add(findings, "host.collector", FINDING_OK,
			"the collector's eBPF programs run: record --host sees the exits of this host's guests");
	collector_destroy(collector);
	if (access(VCPU_CLOCK_DEBUGFS, R_OK | X_OK))
		remedy(findings_add(findings, "host.debugfs", FINDING_WARN,
			       "%s cannot be read (%s): guests' clocks are known by exchange only",
			       VCPU_CLOCK_DEBUGFS, strerror(errno)),
			"as root: mount -t debugfs debugfs /sys/kernel/debug");
}

void doctor_probe_host(struct findings *findings)
{
	struct utsname name;

	if (!uname(&name))
		findings_add(findings, "host.kernel", FINDING_OK, "this host: Linux %s, %s", name.release,
			name.machine);
	probe_kvm(findings);
	probe_program(findings, "host.qemu", QEMU, "qemu-system-x86", FINDING_FAIL, "guests need it");
	probe_ivshmem(findings);
	probe_shared_memory(findings);
	probe_memory(findings);
	probe_collector(findings);
	probe_busybox(findings);
	probe_program(findings, "host.make", "make", "make", FINDING_WARN, "building hypertrace.ko needs it");
	probe_program(findings, "host.compiler", "gcc-12", "gcc-12", FINDING_WARN,
		"building hypertrace.ko needs it");
	probe_kernel(findings, "kernel.6.1", "6.1");
	probe_kernel(findings, "kernel.6.12", "6.12");
	probe_program(findings, "host.babeltrace2", "babeltrace2", "babeltrace2", FINDING_WARN,
		"only for reading traces with other tools");
}
