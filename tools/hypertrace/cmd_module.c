/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "host/vm/module_build.h"
#include "host/vm/process.h"
#include "lib/base/cleanup.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/progress.h"

struct module_options {
	const char *kernel;
	const char *headers;
	const char *output;
};

static const struct option_spec module_specs[] = {
	{'k', "kernel", "KERNEL", OPTION_STRING, offsetof(struct module_options, kernel),
		"series (6.1, 6.12), release or path of a vmlinuz; default 6.12"},
	{0, "headers", "DIR", OPTION_STRING, offsetof(struct module_options, headers),
		"headers of a kernel given by its path"},
	{'o', "output", "DIR", OPTION_STRING, offsetof(struct module_options, output),
		"put a copy into DIR and print its path, not that in the cache"},
	{0},
};

static int copy_to(const char *directory, char **path, struct error *error)
{
	const char *argv[] = {"cp", "--", *path, directory, NULL};
	cleanup_free char *output = NULL;
	char *copy = NULL;
	int status = process_run(argv, NULL, &output, error);

	if (status < 0)
		return status;
	if (status)
		return error_set(error, -EIO, "%s", process_last_line(output));
	if (asprintf(&copy, "%s%s", directory, strrchr(*path, '/')) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	free(*path);
	*path = copy;
	return 0;
}

static int make_module(const struct module_options *options, struct error *error)
{
	const struct kernel_wish wish = {.name = options->kernel,
		.headers = options->headers,
		.need_headers = true,
		.progress = show_progress};
	struct kernel_package kernel;
	cleanup_free char *path = NULL;
	int result = kernel_package_find(&kernel, &wish, error);

	if (result < 0)
		return result;
	result = module_build(&path, &kernel, NULL, show_progress, error);
	if (!result && options->output)
		result = copy_to(options->output, &path, error);
	if (!result)
		puts(path);
	kernel_package_deinit(&kernel);
	return result;
}

static int module_run(const struct command *self, int argc, char **argv)
{
	struct module_options options = {.kernel = "6.12"};
	struct error error = {0};
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result)
		return result == 1 ? 0 : show_error(&error, false, 2);
	return make_module(&options, &error) < 0 ? show_error(&error, false, 1) : 0;
}

const struct command cmd_module = {
	.name = "module",
	.summary = "Build the guest's kernel module and print its path",
	.synopsis = "[-k KERNEL] [--headers DIR] [-o DIR]",
	.description =
		"Guests that hypertrace does not boot itself need hypertrace.ko, built for their kernel. "
		"Kernels are looked for in the cache, among the installed ones, and in Debian's archive.",
	.examples = "  # a module for Debian 12's own kernel\n"
		    "  hypertrace module -k 6.1 -o .\n"
		    "  # for a kernel of one's own\n"
		    "  hypertrace module -k ./vmlinuz --headers ~/linux",
	.options = module_specs,
	.no_operands = true,
	.run = module_run,
};
