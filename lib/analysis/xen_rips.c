/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_rips.h"

#include <errno.h>

struct xen_rip_address {
	uint64_t key; /* the address */
	uint32_t number;
	bool numbered;
};

int xen_rips_init(struct xen_rips *rips)
{
	int result;

	*rips = (struct xen_rips){0};
	result = capped_table_init(&rips->addresses, sizeof(struct xen_rip_address), XEN_RIPS_MAX);
	if (capped_table_init(&rips->rows, sizeof(struct xen_rip_row), XEN_RIP_ROWS_MAX))
		result = -ENOMEM;
	return result;
}

void xen_rips_deinit(struct xen_rips *rips)
{
	capped_table_deinit(&rips->addresses);
	capped_table_deinit(&rips->rows);
}

void xen_rips_add(struct xen_rips *rips, uint16_t domain, enum xen_rip_kind kind, uint32_t number,
	uint64_t rip, uint64_t ticks)
{
	struct xen_rip_address *address = capped_table_at(&rips->addresses, rip);
	struct xen_rip_row *row;

	if (address == rips->addresses.others) {
		rips->left_out++;
		return;
	}
	if (!address->numbered) {
		address->number = (uint32_t)rips->addresses.count - 1;
		address->numbered = true;
	}
	if (number > XEN_RIP_NUMBER_LAST)
		number = XEN_RIP_NUMBER_LAST;
	row = capped_table_at(&rips->rows,
		(uint64_t)domain << 48 | (uint64_t)kind << 45 | (uint64_t)number << 32 | address->number);
	if (row == rips->rows.others) {
		rips->left_out++;
		return;
	}
	row->count++;
	row->sum_tsc += ticks;
	if (ticks > row->max_tsc)
		row->max_tsc = ticks;
}

uint64_t xen_rip_address(const struct xen_rips *rips, const struct xen_rip_row *row)
{
	return ((const struct xen_rip_address *)capped_table_row(&rips->addresses, (uint32_t)row->key))->key;
}
