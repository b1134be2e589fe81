/* SPDX-License-Identifier: MIT */
/*
 * Where the region lies. The guest's RAM is put together from three pieces:
 *
 *   0        128 MiB           128 MiB + region
 *   | low    | region (shared) | high                    … past the hole below 4 GiB when large
 *
 * At a fixed low address the region needs no care for the hole; its file offset is its guest-physical address
 * minus a constant; the kernel (which decompresses below 80 MiB, or where KASLR finds room that memmap=
 * leaves), the initramfs and the firmware's tables (both at the end of low RAM) lie outside it, so that
 * nothing but the module and the host ever writes to it. QEMU needs NUMA nodes to put RAM together; numa=off
 * hides them from the guest.
 */
#pragma once
#include "host/vm/vm.h"

#define VM_MEMORY_MIN_BYTES (UINT64_C(192) << 20)

/* The part of vm_config that says sizes, checked. initramfs_bytes must fit in beside its unpacked copy. */
int vm_memory_check(const struct vm_config *config, struct error *error);
int vm_memory_check_initramfs(const struct vm_config *config, uint64_t initramfs_bytes, struct error *error);
