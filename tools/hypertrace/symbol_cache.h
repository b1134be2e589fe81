/* SPDX-License-Identifier: MIT */
#pragma once

/* Directory where it is kept where the tables of known kernels are, for guest_kernel_init(); NULL: none can be made. */
const char *symbol_cache(void);
