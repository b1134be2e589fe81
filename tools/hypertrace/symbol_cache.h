/* SPDX-License-Identifier: MIT */
#pragma once

/* Directory where the symbols and types of guests' kernels are kept, for guest_kernel_init(); NULL: none can be made. */
const char *symbol_cache(void);
