/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_tally.h"

#include <stdlib.h>

int xen_tally_init(struct xen_tally *tally)
{
	return capped_table_init(&tally->rows, sizeof(struct xen_tally_row), XEN_TALLY_ROWS_MAX);
}

void xen_tally_deinit(struct xen_tally *tally)
{
	for (size_t i = 0; i < tally->rows.count; i++)
		xen_times_deinit(&((struct xen_tally_row *)capped_table_row(&tally->rows, i))->times);
	if (tally->rows.others)
		xen_times_deinit(&((struct xen_tally_row *)tally->rows.others)->times);
	capped_table_deinit(&tally->rows);
}

static uint64_t key_of(uint32_t vcpu, enum xen_tally_kind kind, uint64_t number)
{
	return (uint64_t)(vcpu & 0x1fff) << 51 | (uint64_t)kind << 46 | (number & ((1ull << 46) - 1));
}

struct xen_tally_row *xen_tally_at(
	struct xen_tally *tally, uint32_t vcpu, enum xen_tally_kind kind, uint64_t number)
{
	return capped_table_at(&tally->rows, key_of(vcpu, kind, number));
}

static int by_time(const void *a, const void *b)
{
	const struct xen_tally_row *left = *(const void *const *)a, *right = *(const void *const *)b;

	if (left->times.sum_tsc != right->times.sum_tsc)
		return left->times.sum_tsc > right->times.sum_tsc ? -1 : 1;
	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return left->key < right->key ? -1 : left->key > right->key;
}

const struct xen_tally_row **xen_tally_rows(
	const struct xen_tally *tally, uint32_t vcpu, enum xen_tally_kind kind, size_t *count)
{
	uint64_t prefix = key_of(vcpu, kind, 0) >> 46;
	const struct xen_tally_row **rows;

	*count = 0;
	for (size_t i = 0; i < tally->rows.count; i++)
		*count += ((const struct xen_tally_row *)capped_table_row(&tally->rows, i))->key >> 46 ==
			prefix;
	if (!*count)
		return NULL;
	rows = calloc(*count, sizeof(*rows));
	*count = 0;
	for (size_t i = 0; rows && i < tally->rows.count; i++) {
		const struct xen_tally_row *row = capped_table_row(&tally->rows, i);

		if (row->key >> 46 == prefix)
			rows[(*count)++] = row;
	}
	if (rows)
		qsort(rows, *count, sizeof(*rows), by_time);
	return rows;
}
