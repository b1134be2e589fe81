/* SPDX-License-Identifier: MIT */
/* The verb list: the guests of this host, by what they are, and which channels reach them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/guest_list.h"

struct list_options {
	bool kernels, json;
};

#define AT(member) offsetof(struct list_options, member)
static const struct option_spec list_specs[] = {
	{'k', "kernel", NULL, OPTION_FLAG, AT(kernels),
		"also the release of each guest's kernel, out of its memory: takes up to a second for one not seen before"},
	{0, "json", NULL, OPTION_FLAG, AT(json), "print one JSON document"},
	{0},
};
#undef AT

static int list_run(const struct command *self, int argc, char **argv)
{
	cleanup_guest_list struct guest_list list = {0};
	struct list_options options = {0};
	struct error error = {0};
	int code = options_parse(self, &argc, &argv, &options, &error);

	if (code == 1)
		return 0;
	if (code < 0)
		return show_error(&error, options.json, 2);
	if (guest_list_read(&list, options.kernels, &error))
		return show_error(&error, options.json, 1);
	if (options.json) {
		code = guest_list_json(&list, stdout);
	} else if (list.vmms.count) {
		code = guest_list_text(&list, stdout, isatty(STDOUT_FILENO));
		fflush(stdout);
		guest_list_remedies(&list, stderr);
	} else {
		fputs("no guest runs on this host\n", stderr);
	}
	if (code)
		error_set(&error, code, "%s", strerror(-code));
	return code ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_list = {
	.name = "list",
	.summary = "Show the guests that run on this host",
	.synopsis = "[OPTION]...",
	.description =
		"Finds virtual machine monitors by what they are: processes that hold KVM's descriptors of a virtual "
		"machine (QEMU, firecracker, cloud-hypervisor, crosvm or any other), and QEMUs that emulate. NAME is what "
		"the guest was given (QEMU's -name, so also libvirt's domain name), else the program and its process id; "
		"-g of other verbs takes it, the uuid or the process id.\n\n"
		"LAYER counts from the hardware up; NESTS says whether the guest's CPU lets it have guests of its own. "
		"THREADS are those that run its vCPUs, in their order. CHANNELS: shm where a region is plugged in, (shm) "
		"where hypertrace attach could; ftrace where its memory can be read; hypercall with KVM.\n\n"
		"It needs no rights; but of other users' guests it sees more with CAP_SYS_PTRACE. '-': not known.",
	.examples = "  # which guests are there, and what do they run\n"
		    "  hypertrace list --kernel\n"
		    "  # process ids of all guests that have a region, for scripts\n"
		    "  hypertrace list --json | jq '.guests[] | select(.region) | .pid'",
	.options = list_specs,
	.no_operands = true,
	.run = list_run,
};
