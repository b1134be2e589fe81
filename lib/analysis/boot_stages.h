/* SPDX-License-Identifier: MIT */
/* Where one stage of a boot ends and the next begins; part of boot.c. */
#pragma once
#include "lib/analysis/boot.h"

/* Fills boot->stages from its marks. */
void boot_stages_make(struct boot *boot, const struct boot_mark *end);
