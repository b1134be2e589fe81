/* SPDX-License-Identifier: MIT */
#include "host/collect/function_budget.h"

#include <stdlib.h>
#include <string.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"

#define INTERVAL_NS   200000000ull
#define SETTLE_NS     400000000ull /* for the guest to hear of a step, and for its rings to be read out */
#define SAMPLE_EVENTS 100000u      /* of an interval are looked at; then its packets are only counted */
#define FUNCTIONS_MAX 65536u       /* that are told apart */
#define AIM           0.8          /* of the budget: so that it is not overstepped again at once */
#define COST_PERCENT  10.0         /* percentile of the gaps */
#define GAPS_MIN      256u         /* before that the cost is COST_NS */
#define COST_NS       100.0        /* bench functions: 100 to 250 instructions an event */
#define WORTH         0.001        /* of the events, for a function to be left out beside others */
#define LEAF_PART     0.9          /* of a function's calls, without calls inside */

void function_budget_init(struct function_budget *budget, const struct function_budget_options *options)
{
	*budget = (struct function_budget){.options = *options};
}

void function_budget_deinit(struct function_budget *budget)
{
	hash_map_deinit(&budget->functions);
	hash_map_deinit(&budget->dropped);
}

/* --- a look into a packet --- */

struct walk {
	const struct ring_walk_table *table;
	const uint8_t *at, *end;
	uint64_t tsc;
	uint32_t id;
	const uint8_t *payload; /* `fixed_bytes` of it are there */
};

/* The next record; false: there is none, or none that is understood. What comes was checked, but not by us. */
static bool next_record(struct walk *walk)
{
	size_t left = (size_t)(walk->end - walk->at), bytes = HT_SHORT_HEADER_BYTES;
	const struct event_type *type;
	uint16_t length = 0;
	uint32_t head;

	if (left < bytes)
		return false;
	memcpy(&head, walk->at, sizeof(head));
	walk->id = head & HT_ID_MASK;
	if (walk->id == HT_ID_LONG) {
		bytes = HT_LONG_HEADER_BYTES;
		if (left < bytes)
			return false;
		walk->id = head >> HT_ID_BITS;
		memcpy(&walk->tsc, walk->at + HT_SHORT_HEADER_BYTES, sizeof(walk->tsc));
	} else {
		walk->tsc += ((head >> HT_ID_BITS) - walk->tsc) & (HT_SHORT_TIME_SPAN - 1);
	}
	type = walk->id < EVENT_TYPES_MAX ? walk->table->schema->types[walk->id] : NULL;
	if (!type || left < bytes + type->fixed_bytes)
		return false;
	walk->payload = walk->at + bytes;
	if (type->variable)
		memcpy(&length, walk->payload + type->fixed_bytes - sizeof(length), sizeof(length));
	bytes += type->fixed_bytes + length;
	if (left < bytes)
		return false;
	walk->at += bytes;
	return true;
}

static void count(struct function_budget *budget, uint32_t address, uint64_t what)
{
	uint64_t *place = hash_map_get(&budget->functions, address);

	if (!place && budget->functions.count < FUNCTIONS_MAX)
		place = hash_map_put(&budget->functions, address);
	if (place)
		*place += what;
}

/* The low half of its address. */
static uint32_t function_of(const struct function_budget *budget, const struct walk *walk)
{
	uint32_t value = 0;

	if (walk->id == EVENT_ID_func_entry) {
		memcpy(&value, walk->payload, sizeof(value));
		return value;
	}
	memcpy(&value, walk->payload, EVENT_CODE_WORD_BITS / 8);
	return budget->options.text_address + value * HT_CODE_WORD_BYTES;
}

static void look_into(struct function_budget *budget, const struct ring_packet *packet)
{
	struct walk walk = {.table = budget->options.table,
		.at = packet->buffer + RING_HEADROOM_BYTES,
		.tsc = packet->begin_tsc};
	bool follows = false, is_open = false; /* the record before was one of a function; its entry */
	uint64_t before = 0;
	uint32_t address = 0;

	walk.end = walk.at + packet->bytes;
	while (next_record(&walk)) {
		const bool is_entry = walk.id == EVENT_ID_func_entry || walk.id == EVENT_ID_func_entry_text;
		const bool is_exit = walk.id == EVENT_ID_func_exit;

		budget->sampled++;
		if (!is_entry && !is_exit) {
			follows = is_open = false;
			continue;
		}
		budget->sampled_functions++;
		budget->exits += is_exit;
		if (follows)
			histogram_add(&budget->gaps, walk.tsc - before);
		if (is_exit && is_open)
			count(budget, address, 1);
		if (is_entry) {
			address = function_of(budget, &walk);
			count(budget, address, UINT64_C(1) << 32);
		}
		follows = true;
		is_open = is_entry;
		before = walk.tsc;
	}
}

void function_budget_packet(struct function_budget *budget, uint32_t cpu, const struct ring_packet *packet)
{
	if (cpu < HT_MAX_RINGS)
		budget->cpus[cpu / 64] |= UINT64_C(1) << cpu % 64;
	budget->events += packet->events;
	if (budget->sampled < SAMPLE_EVENTS)
		look_into(budget, packet);
}

/* --- a step --- */

static void begin_interval(struct function_budget *budget, uint64_t now_ns)
{
	hash_map_clear(&budget->functions);
	budget->events = budget->sampled = budget->sampled_functions = budget->exits = 0;
	budget->since_ns = now_ns;
}

/* TSC units of one event. */
static double event_cost(const struct function_budget *budget)
{
	if (budget->gaps.count < GAPS_MIN)
		return COST_NS * budget->options.tsc_khz / 1e6;
	return (double)histogram_percentile(&budget->gaps, COST_PERCENT);
}

static unsigned count_cpus(const struct function_budget *budget)
{
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(budget->cpus) / sizeof(budget->cpus[0]); i++)
		count += (unsigned)__builtin_popcountll(budget->cpus[i]);
	return count;
}

static double estimate(const struct function_budget *budget, uint64_t elapsed_ns)
{
	const double functions = budget->sampled
		? (double)budget->events * (double)budget->sampled_functions / (double)budget->sampled
		: 0;
	const double tsc = (double)elapsed_ns * budget->options.tsc_khz / 1e6 * count_cpus(budget);

	return tsc > 0 ? functions * event_cost(budget) / tsc : 0;
}

struct candidate {
	uint64_t calls;
	uint32_t address;
};

static int compare(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;

	if (one->calls != other->calls)
		return one->calls > other->calls ? -1 : 1;
	return one->address < other->address ? -1 : one->address > other->address;
}

/* Where there are no exits, nobody knows who is a leaf. */
static struct candidate *find_candidates(const struct function_budget *budget, size_t *found)
{
	struct candidate *candidates = calloc(budget->functions.count + 1, sizeof(*candidates));
	uint64_t address, value;
	size_t position = 0;

	*found = 0;
	while (candidates && hash_map_next(&budget->functions, &position, &address, &value)) {
		const uint64_t calls = value >> 32, leaves = (uint32_t)value;

		if (hash_map_get(&budget->dropped, address))
			continue;
		if (!budget->exits || (double)leaves >= LEAF_PART * (double)calls)
			candidates[(*found)++] = (struct candidate){calls, (uint32_t)address};
	}
	if (candidates)
		qsort(candidates, *found, sizeof(*candidates), compare);
	return candidates;
}

/* The share that is left of `share` where so much of the events is: the guest does more in the time that it gains. */
static double expected(double share, double left)
{
	return share * left / (1 - share + share * left);
}

/* Until what is left is expected to be below the aim. */
static void choose(struct function_budget *budget, struct function_budget_step *step)
{
	const double per_call = budget->exits ? 2 : 1, all = (double)budget->sampled_functions;
	size_t found;
	struct candidate *candidates = find_candidates(budget, &found);
	double left = all;

	for (size_t i = 0; i < found; i++) {
		uint64_t *place;

		if (step->count == FUNCTION_BUDGET_STEP_MAX || budget->nr_dropped == HT_CONTROL_DROPPED ||
			expected(step->share < 1 ? step->share : 1, left / all) <=
				AIM * budget->options.share)
			break;
		/* rather look again: without these, others are leaves */
		if (step->count && per_call * (double)candidates[i].calls < WORTH * all)
			break;
		place = hash_map_put(&budget->dropped, candidates[i].address);
		if (!place)
			break;
		*place = 1;
		budget->nr_dropped++;
		step->addresses[step->count++] = candidates[i].address;
		left -= per_call * (double)candidates[i].calls;
	}
	free(candidates);
}

void function_budget_settle(struct function_budget *budget, uint64_t now_ns)
{
	budget->settle_ns = now_ns + SETTLE_NS;
	begin_interval(budget, now_ns);
}

bool function_budget_look(struct function_budget *budget, uint64_t now_ns, struct function_budget_step *step)
{
	if (now_ns < budget->settle_ns || !budget->since_ns) {
		begin_interval(budget, now_ns);
		return false;
	}
	if (now_ns - budget->since_ns < INTERVAL_NS)
		return false;
	*step = (struct function_budget_step){.share = estimate(budget, now_ns - budget->since_ns)};
	budget->share = step->share;
	if (step->share > budget->options.share) {
		choose(budget, step);
		step->is_exhausted = !step->count;
		if (step->count)
			budget->settle_ns = now_ns + SETTLE_NS;
	}
	begin_interval(budget, now_ns);
	return true;
}
