/* SPDX-License-Identifier: MIT */
/* Why an event that a guest produced is not in the trace: the guest's own causes first (abi/region.h), then ours. */
#pragma once
#include <stdint.h>
#include "abi/region.h"

enum lost_cause {
	LOST_FULL = HT_LOST_FULL,
	LOST_NESTED = HT_LOST_NESTED,
	LOST_OVERSIZE = HT_LOST_OVERSIZE,
	LOST_PAIRING = HT_LOST_PAIRING,
	LOST_OVERWRITTEN = HT_LOST_CAUSES, /* before the recorder had read it */
	LOST_TORN,    /* still being written when its packet was closed, and never finished */
	LOST_CORRUPT, /* what stood there were no records */
	LOST_DISK,    /* the trace's file system took no more */
	LOST_CAUSES,
};

/* "full", "nested", "oversize", "pairing", "overwritten", "torn", "corrupt", "disk" */
const char *lost_cause_name(enum lost_cause cause);

/* What the cause means, in a few words for people. */
const char *lost_cause_text(enum lost_cause cause);

/* Sum over all causes. */
uint64_t lost_total(const uint64_t lost[LOST_CAUSES]);
