/* SPDX-License-Identifier: MIT */
#include "lib/base/histogram.h"

#include <math.h>

uint64_t histogram_bucket_low(unsigned bucket)
{
	unsigned exponent = bucket >> HISTOGRAM_STEP_BITS;
	uint64_t step = bucket & ((1u << HISTOGRAM_STEP_BITS) - 1);

	if (!exponent)
		return step;
	return (step | 1u << HISTOGRAM_STEP_BITS) << (exponent - 1);
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t rank = (uint64_t)ceil((double)histogram->count * percent / 100), seen = 0;

	if (!histogram->count)
		return 0;
	if (rank <= 1)
		return histogram->min;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t low, high, middle;

		seen += histogram->buckets[i];
		if (seen < rank)
			continue;
		low = histogram_bucket_low(i);
		high = i + 1 < HISTOGRAM_BUCKETS ? histogram_bucket_low(i + 1) - 1 : UINT64_MAX;
		middle = low + (high - low) / 2;
		if (middle < histogram->min)
			return histogram->min;
		return middle > histogram->max ? histogram->max : middle;
	}
	return histogram->max;
}
