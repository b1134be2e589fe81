/* SPDX-License-Identifier: MIT */
#include "host/vm/vm_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MIB          (UINT64_C(1) << 20)
#define HOLE_BYTES   (3072 * MIB) /* QEMU's pc puts no RAM between 3 GiB (or a bit more) and 4 GiB */
#define KERNEL_BYTES (128 * MIB)  /* what a small kernel needs for itself */

int vm_memory_check(const struct vm_config *config, struct error *error)
{
	if (config->memory_bytes < VM_MEMORY_MIN_BYTES) {
		error_set(error, -EINVAL, "%" PRIu64 " MiB of memory are too few for a guest",
			config->memory_bytes / MIB);
		return error_hint(
			error, "give at least %" PRIu64 " MiB with --memory", VM_MEMORY_MIN_BYTES / MIB);
	}
	if (config->memory_bytes % VM_REGION_ALIGN_BYTES)
		return error_set(error, -EINVAL, "the guest's memory must be a multiple of 2 MiB");
	if (config->region_bytes % VM_REGION_ALIGN_BYTES) {
		error_set(error, -EINVAL, "a region of %" PRIu64 " bytes is no multiple of 2 MiB",
			config->region_bytes);
		return error_hint(error, "give --region-size 32M, for example");
	}
	if (config->region_bytes > HOLE_BYTES - VM_REGION_ADDRESS - KERNEL_BYTES) {
		error_set(error, -EINVAL, "a region of %" PRIu64 " MiB does not fit below 3 GiB",
			config->region_bytes / MIB);
		return error_hint(error, "give a --region-size of at most 2G");
	}
	return 0;
}

int vm_memory_check_initramfs(const struct vm_config *config, uint64_t initramfs_bytes, struct error *error)
{
	/* the archive and what is unpacked from it, which may fill half of memory at most */
	uint64_t needed = 2 * initramfs_bytes + KERNEL_BYTES;

	if (initramfs_bytes > HOLE_BYTES / 2 || initramfs_bytes > UINT64_MAX / 4) {
		error_set(error, -EFBIG, "the files for the guest are too large: %" PRIu64 " MiB",
			initramfs_bytes / MIB);
		return error_hint(error, "put less in with --file");
	}
	if (config->memory_bytes >= needed)
		return 0;
	error_set(error, -ENOSPC, "the guest's memory cannot hold its files: %" PRIu64 " MiB",
		initramfs_bytes / MIB);
	return error_hint(error, "give at least --memory %" PRIu64, (needed + 2 * MIB) / (2 * MIB) * 2);
}
