/* SPDX-License-Identifier: MIT */
#pragma once
#include "host/kernel/guest_kernel.h"

/* "halt", "power off" or "restart" once the kernel is going down in order (its system_state says so); else NULL. */
const char *system_state_end(const struct guest_kernel *kernel);
