/* SPDX-License-Identifier: MIT */
/* The numbers of Xen's hypercalls. Source: Xen's public header xen.h. */
#pragma once
#include <stdint.h>

/* "mmu_update", …; NULL: none that is known. */
const char *xen_hypercall_name(uint64_t number);
