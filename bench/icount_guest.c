/* SPDX-License-Identifier: MIT */
#include "bench/icount_guest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bench/guest_run.h"
#include "bench/programs.h"
#include "host/vm/module_build.h"
#include "lib/base/cleanup.h"

#define MEMORY_BYTES (512 * ICOUNT_MIB) /* with the region */
#define TIMEOUT_S    900

int icount_guest_init(struct icount_guest *guest, const struct bench *bench, const char *name,
	bool with_module, struct error *error)
{
	const struct kernel_wish wish = {
		.name = name, .need_headers = with_module, .progress = bench->progress};
	int result;

	*guest = (struct icount_guest){.name = name};
	result = bench_program("workload", &guest->workload, error);
	if (!result)
		result = kernel_package_find(&guest->kernel, &wish, error);
	if (!result && with_module)
		result = module_build(&guest->module, &guest->kernel, NULL, bench->progress, error);
	return result;
}

void icount_guest_deinit(struct icount_guest *guest)
{
	kernel_package_deinit(&guest->kernel);
	free(guest->module);
	free(guest->workload);
	*guest = (struct icount_guest){0};
}

static bool is_recorded(const struct icount_boot *boot, enum recorder_channel channel)
{
	return boot->recorder.output && boot->recorder.channel == channel;
}

static int prepare(void *context, const char *region_path, struct error *error)
{
	struct icount_boot *boot = context;

	if (!region_path)
		return 0;
	if (is_recorded(boot, RECORDER_SHM))
		return attachment_start(&boot->attachment, &boot->recorder, region_path, error);
	return region_file_wish(region_path, boot->region_bytes, &boot->wish, error);
}

static int follow(void *context, pid_t vmm, struct error *error)
{
	struct icount_boot *boot = context;

	if (!is_recorded(boot, RECORDER_FTRACE))
		return 0;
	return attachment_start_stock(&boot->attachment, &boot->recorder, vmm, &boot->stock, error);
}

static int stop(struct icount_boot *boot, struct error *error)
{
	int result = attachment_stop(&boot->attachment, &boot->counts, error);

	boot->lost = boot->counts.lost;
	return result;
}

/* The guest has ended, but its memory is still there. */
static int leave(void *context, struct error *error)
{
	return stop(context, error);
}

static int look(void *context, const char *region_path, struct error *error)
{
	struct icount_boot *boot = context;

	if (!region_path)
		return 0;
	return is_recorded(boot, RECORDER_SHM) ? stop(boot, error)
					       : region_file_lost(region_path, &boot->lost, error);
}

int icount_boot_run(const struct icount_guest *guest, struct icount_boot *boot, const char *const *command,
	char **output, struct error *error)
{
	const struct guest_hooks hooks = {.before = prepare,
		.started = follow,
		.held = is_recorded(boot, RECORDER_FTRACE) ? leave : NULL,
		.after = look,
		.context = boot};
	cleanup_free char *module = NULL, *words = NULL;
	const char *files[ICOUNT_FILES + 1];
	struct vm_config config = {.vmlinuz = guest->kernel.vmlinuz,
		.smp = 1,
		.memory_bytes = MEMORY_BYTES - boot->region_bytes,
		.accel = VM_ACCEL_TCG,
		.icount = true,
		.region_bytes = boot->region_bytes,
		.files = files,
		.command = command,
		.timeout_s = TIMEOUT_S};
	int result;

	*output = NULL;
	if (asprintf(&words, "nokaslr %s", boot->append ? boot->append : "") < 0 ||
		asprintf(&module, "%s:/bench/hypertrace.ko", guest->module ? guest->module : "") < 0)
		return error_set(error, -ENOMEM, "out of memory");
	config.append = words;
	if (guest->module)
		files[config.file_count++] = module;
	for (size_t i = 0; i < ICOUNT_FILES && boot->files[i]; i++)
		files[config.file_count++] = boot->files[i];
	result = guest_run(&config, &hooks, output, error);
	attachment_deinit(&boot->attachment);
	return result < 0 ? error_add(error, "guest %s", guest->name) : 0;
}

size_t icount_boot_nr_series(const struct icount_boot *boot)
{
	size_t count = 0;

	while (count < ICOUNT_SERIES && boot->series[count].tracer)
		count++;
	return count;
}

int icount_boot_measure(const struct icount_guest *guest, struct icount_boot *boot, struct error *error)
{
	const size_t count = icount_boot_nr_series(boot);
	cleanup_free char *output = NULL;
	char parameters[96];
	const char *command[5 + ICOUNT_SERIES] = {guest->workload, boot->work, boot->repetitions, parameters};
	int result;

	snprintf(parameters, sizeof(parameters), "region=0x%" PRIx64 " size=%" PRIu64,
		(uint64_t)VM_REGION_ADDRESS, boot->region_bytes);
	for (size_t i = 0; i < count; i++)
		command[4 + i] = boot->series[i].tracer;
	result = icount_boot_run(guest, boot, command, &output, error);
	if (result)
		return result;
	series_read(boot->series, count, output);
	for (size_t i = 0; i < count; i++)
		if (!boot->series[i].repetitions)
			return error_set(error, -EIO, "guest %s measured nothing under %s", guest->name,
				boot->series[i].tracer);
	return 0;
}

double icount_boot_cost(const struct icount_boot *boot, size_t series)
{
	const uint64_t work = series ? boot->series[0].least : 0;

	return ((double)boot->series[series].least - (double)work) / boot->series[series].events;
}
