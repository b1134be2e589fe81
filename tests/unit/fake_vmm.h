/* SPDX-License-Identifier: MIT */
#pragma once
#define FAKE_VMM_STEP  16u /* one of so many pages is touched */
#define FAKE_VMM_PAGES 65536u
