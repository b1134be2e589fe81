/* SPDX-License-Identifier: MIT */
/* A region given to a guest that runs already: an ivshmem-plain device, plugged and unplugged by QMP. */
#pragma once
#include <stdint.h>
#include "host/vmm/qmp.h"
#include "lib/base/error.h"

#define IVSHMEM_ID "hypertrace0" /* of the device; its memory backend is "hypertrace0-memory" */

/*
 * Creates `path` (it must not exist) with `bytes` (a power of two, because a PCI BAR is) and mode 0600, and plugs it
 * in. nested_bytes: the guest is asked to pass on nested_parts regions of so many bytes, region_ask_nested(); 0: none.
 * Whatever fails, nothing is left behind. -EEXIST, -ENOSPC, -EREMOTEIO (QEMU refuses; the hint says why, mostly).
 */
int ivshmem_attach(struct qmp *qmp, const char *path, uint64_t bytes, uint64_t nested_bytes,
	uint32_t nested_parts, struct error *error);

/* Unplugs the device, waits until the guest let go of it, and removes the file. -ETIMEDOUT: the guest holds on. */
int ivshmem_detach(struct qmp *qmp, struct error *error);

/*
 * The file of the guest's region: the memory backend that ivshmem_attach() made, or another one whose id begins with
 * "hypertrace" (reserved RAM). -ENOENT: there is none.
 */
int ivshmem_find(struct qmp *qmp, char *path, size_t size, struct error *error);
