/* SPDX-License-Identifier: MIT */
/*
 * The header of a record, as abi/ring.h writes it and the trace's metadata describes it; lib has its own
 * names for it because traces outlive the ABI of one version.
 */
#pragma once
#include <stdint.h>

#define RECORD_SHORT_BYTES 4
#define RECORD_LONG_BYTES  12
#define RECORD_ID_MASK     31u
#define RECORD_ID_LONG     31u
#define RECORD_TIME_SHIFT  5
#define RECORD_TIME_MASK   ((1ull << 27) - 1)
