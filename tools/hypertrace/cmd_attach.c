/* SPDX-License-Identifier: MIT */
/* hypertrace attach, hypertrace detach: give a running guest a region, and take it away again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "abi/region.h"
#include "host/collect/ivshmem.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/guest_name.h"

struct attach_options {
	const char *guest, *qmp, *directory, *name;
	uint64_t bytes, nested_bytes, nested_parts;
};

static const struct option_spec attach_specs[] = {
	{'g', "guest", "NAME", OPTION_STRING, offsetof(struct attach_options, guest), GUEST_NAME_HELP},
	{0, "qmp", "SOCKET", OPTION_STRING, offsetof(struct attach_options, qmp),
		"QMP socket of the guest's QEMU"},
	{0, "region-size", "BYTES", OPTION_BYTES, offsetof(struct attach_options, bytes),
		"memory that guest and host share, a power of two; default 32M"},
	{0, "nested-size", "BYTES", OPTION_BYTES, offsetof(struct attach_options, nested_bytes),
		"of it, for a guest inside the guest, which then has /dev/hypertrace-nested0; default 0"},
	{0, "nested-guests", "N", OPTION_UNSIGNED, offsetof(struct attach_options, nested_parts),
		"for so many guests inside the guest; default 1"},
	{0, "mem-path", "DIR", OPTION_STRING, offsetof(struct attach_options, directory),
		"where the region's file is made; default /dev/shm"},
	{0, "name", "NAME", OPTION_STRING, offsetof(struct attach_options, name),
		"name of the file; default hypertrace-PID of this process"},
	{0},
};

static int fail(struct error *error, const char *what)
{
	error_add(error, "%s", what);
	return show_error(error, false, 1);
}

static int run_attach(const struct command *command, int argc, char **argv)
{
	struct attach_options options = {.directory = "/dev/shm", .bytes = 32u << 20, .nested_parts = 1};
	cleanup_named_guest struct named_guest guest = NAMED_GUEST_NONE;
	char path[4096], name[64];
	struct error error = {0};
	const char *socket;
	struct qmp qmp;
	int err = options_parse(command, &argc, &argv, &options, &error);

	if (err)
		return err > 0 ? 0 : show_error(&error, false, 2);
	if (named_guest_check(options.guest, options.qmp, &error))
		return show_error(&error, false, 2);
	if (options.bytes < HT_MIN_REGION_BYTES || options.bytes & (options.bytes - 1)) {
		error_set(&error, -EINVAL,
			"--region-size: a region has a power of two of bytes, at least %uK",
			HT_MIN_REGION_BYTES >> 10);
		error_hint(&error, "for example 8M or 32M");
		return show_error(&error, false, 2);
	}
	snprintf(name, sizeof(name), "hypertrace-%d", getpid());
	if (snprintf(path, sizeof(path), "%s/%s", options.directory, options.name ? options.name : name) >=
		(int)sizeof(path)) {
		error_set(&error, -ENAMETOOLONG, "--mem-path: too long");
		return show_error(&error, false, 2);
	}
	if (named_guest_socket(&guest, options.guest, options.qmp, &socket, &error) ||
		qmp_init(&qmp, socket, &error))
		return fail(&error, "cannot attach");
	err = ivshmem_attach(&qmp, path, options.bytes, options.nested_bytes,
		options.nested_parts > UINT32_MAX ? UINT32_MAX : (uint32_t)options.nested_parts, &error);
	qmp_deinit(&qmp);
	if (err)
		return fail(&error, "cannot attach");
	printf("%s\n", path);
	fprintf(stderr, "plugged in; once hypertrace.ko is loaded in the guest: hypertrace record %s %s\n",
		options.guest ? "-g" : "--qmp", options.guest ? options.guest : socket);
	return 0;
}

static int run_detach(const struct command *command, int argc, char **argv)
{
	cleanup_named_guest struct named_guest guest = NAMED_GUEST_NONE;
	struct attach_options options = {0};
	struct error error = {0};
	const char *socket;
	struct qmp qmp;
	int err = options_parse(command, &argc, &argv, &options, &error);

	if (err)
		return err > 0 ? 0 : show_error(&error, false, 2);
	if (named_guest_check(options.guest, options.qmp, &error))
		return show_error(&error, false, 2);
	if (named_guest_socket(&guest, options.guest, options.qmp, &socket, &error) ||
		qmp_init(&qmp, socket, &error))
		return fail(&error, "cannot detach");
	err = ivshmem_detach(&qmp, &error);
	qmp_deinit(&qmp);
	return err ? fail(&error, "cannot detach") : 0;
}

const struct command cmd_attach = {
	.name = "attach",
	.summary = "Plug a shared-memory region into a running guest",
	.synopsis = "{-g NAME | --qmp SOCKET} [--region-size BYTES]",
	.description =
		"Plugs an ivshmem-plain device into a running QEMU by its QMP socket, and prints the path of "
		"its memory. The guest's hypertrace.ko, loaded before or after, takes it at once; hypertrace "
		"record then traces the guest. The guest needs no reboot and no special command line.",
	.examples =
		"  # 64 MiB for the guest whose QEMU was started with -qmp unix:/run/vm1.qmp,server=on,wait=off\n"
		"  hypertrace attach --qmp /run/vm1.qmp --region-size 64M",
	.options = attach_specs,
	.no_operands = true,
	.run = run_attach,
};

static const struct option_spec detach_specs[] = {
	{'g', "guest", "NAME", OPTION_STRING, offsetof(struct attach_options, guest), GUEST_NAME_HELP},
	{0, "qmp", "SOCKET", OPTION_STRING, offsetof(struct attach_options, qmp),
		"QMP socket of the guest's QEMU"},
	{0},
};

const struct command cmd_detach = {
	.name = "detach",
	.summary = "Take the region away from a running guest",
	.synopsis = "{-g NAME | --qmp SOCKET}",
	.description =
		"Unplugs what hypertrace attach plugged in, waits until the guest has let go of it, and "
		"removes the file. A guest that ends without it leaves the file that hypertrace attach named: "
		"a recorder can still read it.",
	.examples = "  # the guest goes on without a region\n"
		    "  hypertrace detach --qmp /run/vm1.qmp",
	.options = detach_specs,
	.no_operands = true,
	.run = run_detach,
};
