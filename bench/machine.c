/* SPDX-License-Identifier: MIT */
#include "bench/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/vm/qemu_command.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

/* The value of the first line of a file that begins with `name`: what stands behind any of `skip`, up to a quote. */
static void read_value(char *value, size_t size, const char *path, const char *name, const char *skip)
{
	cleanup_free char *text = NULL;
	char *state = NULL, *line;

	snprintf(value, size, "unknown");
	if (file_read_small(AT_FDCWD, path, 1 << 20, &text, NULL, NULL) < 0)
		return;
	line = strtok_r(text, "\n", &state);
	while (line && strncmp(line, name, strlen(name)) != 0)
		line = strtok_r(NULL, "\n", &state);
	if (!line)
		return;
	line += strlen(name);
	line += strspn(line, skip);
	line[strcspn(line, "\"")] = '\0';
	snprintf(value, size, "%s", line);
}

void machine_init(struct machine *machine)
{
	struct utsname name;

	read_value(machine->cpu, sizeof(machine->cpu), "/proc/cpuinfo", "model name", "\t :");
	read_value(machine->os, sizeof(machine->os), "/etc/os-release", "PRETTY_NAME", "=\"");
	machine->cores = sysconf(_SC_NPROCESSORS_ONLN);
	snprintf(
		machine->kernel, sizeof(machine->kernel), "%s", uname(&name) == 0 ? name.release : "unknown");
	machine->accel = qemu_has_kvm() ? "kvm" : "tcg";
}

void machine_append_json(const struct machine *machine, struct strbuf *out)
{
	strbuf_puts(out, "{\"cpu\": ");
	text_append_json(out, machine->cpu);
	strbuf_printf(out, ", \"cores\": %ld, \"os\": ", machine->cores);
	text_append_json(out, machine->os);
	strbuf_puts(out, ", \"kernel\": ");
	text_append_json(out, machine->kernel);
	strbuf_printf(out, ", \"accel\": \"%s\"}", machine->accel);
}
