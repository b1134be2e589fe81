/* SPDX-License-Identifier: MIT */
/*
 * Counts of values by size, log-linear as in HdrHistogram: 16 equal steps between powers of two, so a
 * percentile is within 1/32 (3.2 %) of the true value over the whole 64-bit range; below 16 it is exact.
 * Starts as { 0 }.
 */
#pragma once
#include <stdint.h>

#define HISTOGRAM_STEP_BITS 4
#define HISTOGRAM_BUCKETS   ((64 - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
	uint64_t count, sum, min, max; /* sum wraps beyond 2^64; min is 0 while count is 0 */
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline unsigned histogram_bucket(uint64_t value)
{
	unsigned exponent;

	if (value < 1u << HISTOGRAM_STEP_BITS)
		return (unsigned)value;
	exponent = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
	return (exponent << HISTOGRAM_STEP_BITS) + (unsigned)(value >> exponent);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->sum += value;
	histogram->buckets[histogram_bucket(value)]++;
}

/* Smallest value of a bucket; the next bucket's begins right behind its largest. */
uint64_t histogram_bucket_low(unsigned bucket);

/*
 * The value that `percent` (0..100) of all values do not exceed: the middle of its bucket, within min..max.
 * 0: empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
