/* SPDX-License-Identifier: MIT */
#include "host/vm/qemu_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "host/vm/vm_memory.h"
#include "lib/base/cleanup.h"

#define MIB (UINT64_C(1) << 20)

static void add_text(struct qemu_command *command, char *text)
{
	char **larger = text ? realloc(command->argv, (command->count + 2) * sizeof(*larger)) : NULL;

	if (!larger) {
		free(text);
		command->failed = true;
		return;
	}
	command->argv = larger;
	command->argv[command->count++] = text;
	command->argv[command->count] = NULL;
}

__attribute__((format(printf, 2, 3))) static void add(struct qemu_command *command, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	add_text(command, text);
}

/* QEMU's options end at a comma unless it is doubled. To be freed. */
static char *escape_commas(const char *path)
{
	char *result = malloc(2 * strlen(path) + 1), *to = result;

	for (; result && *path; path++) {
		*to++ = *path;
		if (*path == ',')
			*to++ = ',';
	}
	if (result)
		*to = '\0';
	return result;
}

bool qemu_has_kvm(void)
{
	cleanup_close int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	cleanup_fclose FILE *file = kvm >= 0 ? fopen("/proc/cpuinfo", "re") : NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		if (strncmp(line, "flags", 5) == 0)
			return strstr(line, " svm") || strstr(line, " vmx");
	return false;
}

static int add_accel(struct qemu_command *command, const struct vm_config *config, struct error *error)
{
	bool emulate =
		config->icount || config->accel == VM_ACCEL_TCG || config->accel == VM_ACCEL_TCG_SINGLE;
	bool kvm = !emulate && qemu_has_kvm();

	if (config->accel == VM_ACCEL_KVM && !kvm) {
		error_set(error, -ENODEV, "no KVM: %s",
			config->icount ? "counting instructions needs emulation"
				: access("/dev/kvm", R_OK | W_OK) < 0 ? "/dev/kvm cannot be opened"
								      : "the CPU shows neither svm nor vmx");
		return error_hint(error, "use --accel auto, which falls back to emulation");
	}
	add(command, "-accel");
	if (config->icount) {
		add(command, "tcg,thread=single");
		add(command, "-icount");
		add(command, "shift=0,sleep=off");
		add(command, "-seed"); /* random numbers, too, are the same in every run */
		add(command, "1");
		add(command, "-rtc");
		add(command, "base=2025-01-01,clock=vm");
	} else {
		add(command, "%s",
			kvm                                            ? "kvm"
				: config->accel == VM_ACCEL_TCG_SINGLE ? "tcg,thread=single"
								       : "tcg,thread=multi");
	}
	return 0;
}

static void add_memory(struct qemu_command *command, const struct vm_config *config, const char *region_path)
{
	cleanup_free char *path = region_path ? escape_commas(region_path) : NULL;

	add(command, "-m");
	add(command, "%" PRIu64 "M", (config->memory_bytes + config->region_bytes) / MIB);
	if (!region_path)
		return;
	command->failed |= !path;
	add(command, "-object");
	add(command, "memory-backend-ram,id=low,size=%" PRIu64, VM_REGION_ADDRESS);
	add(command, "-object");
	add(command, "memory-backend-file,id=region,size=%" PRIu64 ",share=on,mem-path=%s",
		config->region_bytes, path ? path : "");
	add(command, "-object");
	add(command, "memory-backend-ram,id=high,size=%" PRIu64, config->memory_bytes - VM_REGION_ADDRESS);
	add(command, "-numa");
	add(command, "node,nodeid=0,cpus=0-%u,memdev=low", config->smp - 1);
	add(command, "-numa");
	add(command, "node,nodeid=1,memdev=region");
	add(command, "-numa");
	add(command, "node,nodeid=2,memdev=high");
}

static void add_ports(struct qemu_command *command, const int ports[VM_PORTS])
{
	for (int i = 0; i < VM_SERIAL_PORTS; i++) {
		add(command, "-chardev");
		if (ports[i] >= 0)
			add(command, "socket,id=port%d,fd=%d", i, ports[i]);
		else
			add(command, "null,id=port%d", i);
		add(command, "-serial");
		add(command, "chardev:port%d", i);
	}
	if (ports[VM_PORT_MONITOR] < 0)
		return;
	add(command, "-chardev");
	add(command, "socket,id=monitor,fd=%d", ports[VM_PORT_MONITOR]);
	add(command, "-mon");
	add(command, "chardev=monitor,mode=control");
	add(command, "-no-shutdown");
}

static void add_kernel(struct qemu_command *command, const struct vm_config *config, const char *initramfs)
{
	char region[96] = "";

	if (config->region_bytes)
		snprintf(region, sizeof(region), " numa=off memmap=%" PRIu64 "K$0x%" PRIx64,
			config->region_bytes >> 10, VM_REGION_ADDRESS);
	add(command, "-kernel");
	add(command, "%s", config->vmlinuz);
	add(command, "-initrd");
	add(command, "%s", initramfs);
	add(command, "-append");
	/* warnings are kept: the tests want to see them; panic=-1: end at once, see -no-reboot */
	add(command, "console=ttyS1 panic=-1 loglevel=%d%s%s%s", config->verbose ? 7 : 5, region,
		config->append ? " " : "", config->append ? config->append : "");
}

static void add_qmp(struct qemu_command *command, const char *path)
{
	cleanup_free char *escaped = path ? escape_commas(path) : NULL;

	if (!path)
		return;
	command->failed |= !escaped;
	add(command, "-qmp");
	add(command, "unix:%s,server=on,wait=off", escaped ? escaped : "");
}

int qemu_command_init(struct qemu_command *command, const struct vm_config *config, const char *initramfs,
	const char *region_path, const int ports[VM_PORTS], struct error *error)
{
	static const char *const fixed[] = {"qemu-system-x86_64", "-nodefaults", "-no-user-config",
		"-no-reboot", "-display", "none", "-M", "pc", "-cpu", "max"};
	int result;

	*command = (struct qemu_command){0};
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add(command, "%s", fixed[i]);
	/* for `hypertrace list`: a name, and threads that say which vCPU they run */
	add(command, "-name");
	add(command, "run-%d,debug-threads=on", (int)getpid());
	result = add_accel(command, config, error);
	add(command, "-smp");
	add(command, "%u", config->smp);
	add_memory(command, config, region_path);
	add_ports(command, ports);
	add_kernel(command, config, initramfs);
	add_qmp(command, config->qmp_path);
	for (size_t i = 0; i < config->qemu_argument_count; i++)
		add(command, "%s", config->qemu_arguments[i]);
	if (!result && command->failed)
		result = error_set(error, -ENOMEM, "out of memory");
	if (result < 0)
		qemu_command_deinit(command);
	return result;
}

void qemu_command_deinit(struct qemu_command *command)
{
	while (command->count)
		free(command->argv[--command->count]);
	free(command->argv);
	*command = (struct qemu_command){0};
}
