/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_domain.h"

#include <stdlib.h>

const char *const xen_domain_state_names[XEN_DOMAIN_STATES] = {
	[XEN_DOMAIN_BLOCKED] = "blocked",
	[XEN_DOMAIN_PARTIAL_RUN] = "partial_run",
	[XEN_DOMAIN_FULL_RUN] = "full_run",
	[XEN_DOMAIN_PARTIAL_CONTENTION] = "partial_contention",
	[XEN_DOMAIN_CONCURRENCY_HAZARD] = "concurrency_hazard",
	[XEN_DOMAIN_FULL_CONTENTION] = "full_contention",
	[XEN_DOMAIN_LOST] = "lost",
};

const char *const xen_memory_op_names[XEN_MEMORY_OPS] = {
	[XEN_MEMORY_GRANT_MAP] = "grant_map",
	[XEN_MEMORY_GRANT_UNMAP] = "grant_unmap",
	[XEN_MEMORY_GRANT_TRANSFER] = "grant_transfer",
	[XEN_MEMORY_SET_P2M] = "set_p2m",
	[XEN_MEMORY_DECREASE_RESERVATION] = "decrease_reservation",
	[XEN_MEMORY_POD_POPULATE] = "pod_populate",
	[XEN_MEMORY_POD_RECLAIM] = "pod_reclaim",
	[XEN_MEMORY_POD_SPLINTER] = "pod_splinter",
};

void xen_domains_deinit(struct xen_domains *domains)
{
	for (uint32_t i = 0; i < domains->count; i++) {
		for (int j = 0; j < XEN_DOMAIN_STATES; j++)
			xen_times_deinit(&domains->domains[i]->states[j]);
		free(domains->domains[i]->memory);
		free(domains->domains[i]);
	}
	free(domains->domains);
	hash_map_deinit(&domains->numbers);
	*domains = (struct xen_domains){0};
}

struct xen_domain *xen_domains_at(struct xen_domains *domains, uint16_t id)
{
	uint64_t *slot = hash_map_get(&domains->numbers, id);
	uint32_t number = domains->count;

	if (slot && *slot)
		return domains->domains[*slot - 1];
	slot = number < XEN_DOMAINS_MAX ? hash_map_put(&domains->numbers, id) : NULL;
	if (!slot)
		return NULL;
	if (!(number & (number - 1))) {
		size_t room = number ? 2 * (size_t)number : 1;
		struct xen_domain **more = reallocarray(domains->domains, room, sizeof(struct xen_domain *));

		if (!more)
			return NULL;
		domains->domains = more;
	}
	domains->domains[number] = calloc(1, sizeof(struct xen_domain));
	if (!domains->domains[number])
		return NULL;
	domains->domains[number]->id = id;
	domains->domains[number]->state = XEN_DOMAIN_LOST;
	*slot = ++domains->count;
	return domains->domains[number];
}

static int by_id(const void *a, const void *b)
{
	const struct xen_domain *left = *(const void *const *)a, *right = *(const void *const *)b;

	return left->id < right->id ? -1 : left->id > right->id;
}

const struct xen_domain **xen_domains_sorted(const struct xen_domains *domains)
{
	const struct xen_domain **sorted = domains->count ? calloc(domains->count, sizeof(*sorted)) : NULL;

	for (uint32_t i = 0; sorted && i < domains->count; i++)
		sorted[i] = domains->domains[i];
	if (sorted)
		qsort(sorted, domains->count, sizeof(*sorted), by_id);
	return sorted;
}

static enum xen_domain_state state_of(const struct xen_domain *domain)
{
	bool asleep = domain->vcpus[XEN_BLOCKED] || domain->vcpus[XEN_OFFLINE];

	if (domain->vcpus[XEN_RUNNING]) {
		if (domain->vcpus[XEN_RUNNABLE])
			return XEN_DOMAIN_CONCURRENCY_HAZARD;
		return asleep ? XEN_DOMAIN_PARTIAL_RUN : XEN_DOMAIN_FULL_RUN;
	}
	if (domain->vcpus[XEN_RUNNABLE])
		return asleep ? XEN_DOMAIN_PARTIAL_CONTENTION : XEN_DOMAIN_FULL_CONTENTION;
	return asleep ? XEN_DOMAIN_BLOCKED : XEN_DOMAIN_LOST;
}

void xen_domain_change(struct xen_domain *domain, struct xen_times_budget *budget, enum xen_state from,
	enum xen_state to, uint64_t tsc)
{
	if (from != XEN_UNKNOWN && domain->vcpus[from])
		domain->vcpus[from]--;
	if (to != XEN_UNKNOWN)
		domain->vcpus[to]++;
	if (domain->since_tsc && domain->since_tsc < tsc)
		xen_times_add(&domain->states[domain->state], budget, tsc - domain->since_tsc);
	domain->state = state_of(domain);
	if (tsc > domain->since_tsc)
		domain->since_tsc = tsc;
}

int xen_memory_op(uint32_t code)
{
	uint32_t op = code & 0xfff;

	return op < XEN_MEMORY_OPS && xen_memory_op_names[op] ? (int)op : -1;
}

static uint32_t order_index(uint32_t order)
{
	return order == 0 ? 0 : order == 9 ? 1 : order == 18 ? 2 : XEN_ORDERS - 1;
}

bool xen_memory_target(const struct xen_event *event, int op, uint16_t *id, uint32_t *order)
{
	const uint32_t *extra = event->extra;
	uint32_t words = 1, domain = extra[0], power = 0;

	switch (op) {
	case XEN_MEMORY_SET_P2M: /* u64 gfn, mfn, u32 type, u16 domain, order */
		words = 6;
		domain = extra[5] & 0xffff;
		power = extra[5] >> 16;
		break;
	case XEN_MEMORY_DECREASE_RESERVATION: /* u64 gfn, domain and order */
	case XEN_MEMORY_POD_SPLINTER:
		words = 4;
		break;
	case XEN_MEMORY_POD_POPULATE: /* u64 gfn, mfn, domain and order */
	case XEN_MEMORY_POD_RECLAIM:
		words = 6;
		break;
	}
	if (op >= XEN_MEMORY_DECREASE_RESERVATION) { /* 4.17: two halves of a word; since 4.18: two words */
		domain = extra[words - 2];
		power = domain >> 16 ? domain >> 16 : extra[words - 1];
	}
	*id = (uint16_t)domain;
	*order = order_index(power);
	return event->n_extra >= words;
}

struct xen_memory_counts *xen_domain_memory(struct xen_domain *domain)
{
	if (!domain->memory)
		domain->memory = calloc(1, sizeof(*domain->memory));
	return domain->memory;
}
