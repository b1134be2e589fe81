/* SPDX-License-Identifier: MIT */
#include "host/collect/lost.h"

static const struct {
	const char *name, *text;
} causes[LOST_CAUSES] = {
	[LOST_FULL] = { "full", "the ring was full (mode discard)" },
	[LOST_NESTED] = { "nested", "in an NMI while the packet changed" },
	[LOST_OVERSIZE] = { "oversize", "larger than a packet" },
	[LOST_PAIRING] = { "pairing", "no room to remember the start of a pair" },
	[LOST_OVERWRITTEN] = { "overwritten", "overwritten before they were read" },
	[LOST_TORN] = { "torn", "never finished by the guest" },
	[LOST_CORRUPT] = { "corrupt", "no valid records where they should be" },
	[LOST_DISK] = { "disk", "did not fit on the disk" },
};

const char *lost_cause_name(enum lost_cause cause)
{
	return (unsigned)cause < LOST_CAUSES ? causes[cause].name : "unknown";
}

const char *lost_cause_text(enum lost_cause cause)
{
	return (unsigned)cause < LOST_CAUSES ? causes[cause].text : "unknown";
}

uint64_t lost_total(const uint64_t lost[LOST_CAUSES])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LOST_CAUSES; i++)
		sum += lost[i];
	return sum;
}
