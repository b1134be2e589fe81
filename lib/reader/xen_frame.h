/* SPDX-License-Identifier: MIT */
/* The frame of a record: what its first word says, and whether that can be. */
#pragma once
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "lib/model/xen_event.h"

#define XEN_RECORD_BYTES_MAX (4u + 8u + 4u * XEN_EXTRAS_MAX)

#define XEN_CPU_CHANGE_WORD  (2u << 28 | XEN_CPU_CHANGE) /* two extra words, no TSC */
#define XEN_CPU_CHANGE_BYTES 12u
#define XEN_PCPU_LIMIT       16384u /* what Xen can be built for, and as many again */

static inline uint32_t xen_load32(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return le32toh(word);
}

static inline uint64_t xen_load64(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

static inline uint32_t xen_word_code(uint32_t word)
{
	return word & 0x0fffffffu;
}

static inline unsigned xen_word_extras(uint32_t word)
{
	return word >> 28 & 7;
}

static inline bool xen_word_has_tsc(uint32_t word)
{
	return word >> 31;
}

static inline uint32_t xen_word_bytes(uint32_t word)
{
	return 4 + 8 * (word >> 31) + 4 * (word >> 28 & 7);
}

/* Can it begin a record, other than a CPU change: exactly one class, some subclass? */
static inline bool xen_word_is_plausible(uint32_t word)
{
	uint32_t class = word >> 16 & 0xfff;

	return class && !(class & (class - 1)) && (word & 0xf000) && xen_word_code(word) != XEN_CPU_CHANGE;
}

/* Is the whole record at `at` a CPU change that can be one? Of XEN_CPU_CHANGE_BYTES. */
static inline bool xen_is_cpu_change(const uint8_t *at)
{
	return xen_load32(at) == XEN_CPU_CHANGE_WORD && xen_load32(at + 4) < XEN_PCPU_LIMIT;
}
