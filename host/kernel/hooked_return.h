/* SPDX-License-Identifier: MIT */
/* Return addresses that a tracer has replaced by its own, to see functions end: the real ones. */
#pragma once
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

/*
 * *ip was read at `slot` in the stack of the task at `task`. If it is that of the function graph tracer or of a return
 * probe then it becomes the one that was there before; else, or if that cannot be found, it stays.
 */
void hooked_return(const struct guest_kernel *kernel, uint64_t task, uint64_t slot, uint64_t *ip);
