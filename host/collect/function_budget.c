/* SPDX-License-Identifier: MIT */
#include "host/collect/function_budget.h"

#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"

#define INTERVAL_NS   200000000ull
#define DOUBT_NS      1000000000ull /* so long is looked at less than twice the budget: it may be a moment's */
#define SETTLE_NS     100000000ull  /* for the rings to be read out, once the guest has answered */
#define SAMPLE_EVENTS 200000u       /* of an interval are looked at; then its packets are only counted */
#define AIM           0.8           /* of the budget: so that it is not overstepped again at once */
#define GAPS_MIN      256u          /* before that the cost is COST_NS */
#define COST_NS       100.0         /* bench functions: 100 to 250 instructions an event */

/* Percentiles of the gaps: the more a guest may do in one, the lower */
#define LEAF_PERCENT  75.0 /* from an entry to its exit: as long as the function itself takes */
#define NEXT_PERCENT  50.0 /* from an exit to an entry: what its caller does */
#define ENTRY_PERCENT 25.0 /* between entries: all that */

/* The share that is believed at once: near 1 next to nothing would stay. Rather a second step. */
#define MOST_SHARE 0.75
/* Of the events, of functions that are left out: more are of before, where the host is behind, or stay for good. */
#define STAY_PART 0.1
/* Until functions are switched off: a burst is over sooner. */
#define HELPLESS_LOOKS 10u

int function_budget_init(struct function_budget *budget, const struct function_budget_options *options)
{
	int code;

	*budget = (struct function_budget){.options = *options};
	code = call_sample_init(&budget->sample);
	if (code)
		function_budget_deinit(budget);
	return code;
}

void function_budget_deinit(struct function_budget *budget)
{
	call_sample_deinit(&budget->sample);
	hash_map_deinit(&budget->dropped);
}

/* --- a look into a packet --- */

/* Once functions are left out, those between cannot be told from what the others do. */
static void add_gap(struct function_budget *budget, bool from_exit, bool to_exit, uint64_t gap)
{
	if (budget->nr_dropped)
		return;
	if (!to_exit)
		histogram_add(from_exit ? &budget->next_gaps : &budget->entry_gaps, gap);
	else if (!from_exit)
		histogram_add(&budget->leaf_gaps, gap);
}

/* The low half of its address. */
static uint32_t function_of(const struct function_budget *budget, const struct ring_record *record)
{
	uint32_t value = 0;

	if (record->id == EVENT_ID_func_entry) {
		memcpy(&value, record->payload, sizeof(value));
		return value;
	}
	memcpy(&value, record->payload, EVENT_CODE_WORD_BITS / 8);
	return budget->options.text_address + value * HT_CODE_WORD_BYTES;
}

static void look_into(struct function_budget *budget, const struct ring_packet *packet)
{
	const uint8_t *begin = packet->buffer + RING_HEADROOM_BYTES;
	struct ring_walk walk = {.at = begin, .end = begin + packet->bytes, .tsc = packet->begin_tsc};
	struct ring_record record;
	uint32_t last = 0; /* id of the record before, if it is of a function */
	uint64_t last_tsc = 0;

	call_sample_break(&budget->sample);
	while (ring_walk_next(budget->options.table, &walk, &record)) {
		const bool is_entry =
			record.id == EVENT_ID_func_entry || record.id == EVENT_ID_func_entry_text;

		budget->sampled++;
		if (is_entry) {
			call_sample_enter(&budget->sample, function_of(budget, &record));
		} else if (record.id == EVENT_ID_func_exit) {
			call_sample_leave(&budget->sample);
		} else {
			if (record.id == EVENT_ID_sched_switch)
				call_sample_break(&budget->sample);
			last = 0;
			continue;
		}
		budget->sampled_functions++;
		if (last)
			add_gap(budget, last == EVENT_ID_func_exit, !is_entry, walk.tsc - last_tsc);
		last = record.id;
		last_tsc = walk.tsc;
	}
}

static unsigned count_cpus(const struct function_budget *budget)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HT_MAX_CPUS; i++)
		count += budget->cpus[i].exists;
	return count;
}

void function_budget_packet(struct function_budget *budget, uint32_t number, const struct ring_packet *packet)
{
	struct function_budget_cpu *cpu;
	uint64_t before = budget->sampled;

	if (number >= HT_MAX_CPUS)
		return;
	cpu = &budget->cpus[number];
	budget->newest_tsc = packet->end_tsc > budget->newest_tsc ? packet->end_tsc : budget->newest_tsc;
	/* it may have been begun before the last step */
	if (!cpu->is_new) {
		cpu->exists = cpu->is_new = true;
		cpu->from_tsc = cpu->to_tsc = packet->end_tsc;
		return;
	}
	cpu->to_tsc = packet->end_tsc > cpu->to_tsc ? packet->end_tsc : cpu->to_tsc;
	cpu->events += packet->events;
	cpu->packets++;
	/* the first of the vCPUs whose ring is read is not to have it all */
	if (cpu->sampled >= SAMPLE_EVENTS / count_cpus(budget))
		return;
	look_into(budget, packet);
	cpu->sampled += (uint32_t)(budget->sampled - before);
}

/* --- a step --- */

static void begin_interval(struct function_budget *budget, uint64_t now_ns)
{
	call_sample_clear(&budget->sample);
	budget->sampled = budget->sampled_functions = 0;
	budget->since_ns = now_ns;
	for (unsigned i = 0; i < HT_MAX_CPUS; i++) {
		struct function_budget_cpu *cpu = &budget->cpus[i];

		cpu->events = cpu->packets = cpu->sampled = 0;
		cpu->from_tsc = cpu->to_tsc;
	}
}

/* Of the wishes before nothing is true any more. */
static void begin_anew(struct function_budget *budget, uint64_t now_ns)
{
	begin_interval(budget, now_ns);
	for (unsigned i = 0; i < HT_MAX_CPUS; i++) {
		budget->cpus[i].is_new = false;
		budget->cpus[i].rate = 0;
		budget->cpus[i].seen_ns = 0;
	}
}

/* TSC units of one event. */
static double event_cost(const struct function_budget *budget)
{
	if (budget->leaf_gaps.count >= GAPS_MIN && budget->next_gaps.count >= GAPS_MIN)
		return (double)(histogram_percentile(&budget->leaf_gaps, LEAF_PERCENT) +
			       histogram_percentile(&budget->next_gaps, NEXT_PERCENT)) /
			2;
	if (budget->entry_gaps.count >= GAPS_MIN)
		return (double)histogram_percentile(&budget->entry_gaps, ENTRY_PERCENT);
	return COST_NS * budget->options.tsc_khz / 1e6;
}

/*
 * Events per TSC unit. A packet is seen when it is full, so that the time of whole packets counts, not that of the interval; but a
 * vCPU that has said no more than a packet since is no busier than that.
 */
static double update_rate(struct function_budget_cpu *cpu, double khz, uint64_t since_ns, uint64_t now_ns)
{
	const double interval = (double)(now_ns - since_ns) * khz / 1e6;

	if (cpu->packets && cpu->to_tsc > cpu->from_tsc) {
		const double most =
			((double)cpu->events + (double)cpu->events / (double)cpu->packets) / interval;

		cpu->rate = (double)cpu->events / (double)(cpu->to_tsc - cpu->from_tsc);
		cpu->rate = cpu->rate < most ? cpu->rate : most;
		cpu->packet_events = (double)cpu->events / (double)cpu->packets;
		cpu->seen_ns = now_ns;
	} else if (cpu->seen_ns && now_ns > cpu->seen_ns) {
		const double most = cpu->packet_events / ((double)(now_ns - cpu->seen_ns) * khz / 1e6);

		cpu->rate = cpu->rate < most ? cpu->rate : most;
	}
	return cpu->rate;
}

/* Of the guest's TSC by our clock: under emulation its own belief may be twice as much. */
static double measure_khz(struct function_budget *budget, uint64_t now_ns)
{
	const double believed = budget->options.tsc_khz;
	double khz;

	if (!budget->first_ns) {
		budget->first_ns = budget->newest_tsc ? now_ns : 0;
		budget->first_tsc = budget->newest_tsc;
	}
	if (!budget->first_ns || now_ns - budget->first_ns < INTERVAL_NS / 2)
		return believed;
	khz = (double)(budget->newest_tsc - budget->first_tsc) * 1e6 / (double)(now_ns - budget->first_ns);
	return khz > 0 && khz < believed ? khz : believed;
}

static double estimate(struct function_budget *budget, uint64_t now_ns)
{
	const double khz = measure_khz(budget, now_ns);
	const unsigned nr_cpus = count_cpus(budget);
	double rate = 0;

	if (budget->sampled)
		budget->functions_part = (double)budget->sampled_functions / (double)budget->sampled;
	for (unsigned i = 0; i < HT_MAX_CPUS; i++)
		if (budget->cpus[i].exists)
			rate += update_rate(&budget->cpus[i], khz, budget->since_ns, now_ns);
	return nr_cpus ? rate / nr_cpus * budget->functions_part * event_cost(budget) : 0;
}

/* The share that is left of `share` where so much of the events is: the guest does more in the time that it gains. */
static double expected(double share, double left)
{
	return share * left / (1 - share + share * left);
}

static bool leave_out(struct function_budget *budget, struct function_budget_step *step, uint32_t address)
{
	uint64_t *place = hash_map_put(&budget->dropped, address);

	if (!place)
		return false;
	*place = 1;
	budget->nr_dropped++;
	step->addresses[step->count++] = address;
	return true;
}

/* Events of functions that are left out: the rings are far behind, or the guest does not leave them out. */
static double take_out_dropped(struct function_budget *budget)
{
	uint64_t address, value;
	size_t position = 0;
	double events = 0;

	while (hash_map_next(&budget->dropped, &position, &address, &value))
		events += call_sample_take_out(&budget->sample, (uint32_t)address);
	return events;
}

/* Until what is left is expected to be below the aim. */
static void choose(struct function_budget *budget, struct function_budget_step *step)
{
	const double all = (double)budget->sampled_functions;
	const double share = step->share < MOST_SHARE ? step->share : MOST_SHARE;
	double left = all;
	uint32_t address;

	if (take_out_dropped(budget) > STAY_PART * all)
		return;
	step->least_part = 1;
	while (budget->nr_dropped < HT_CONTROL_DROPPED &&
		expected(share, left / all) > AIM * budget->options.share &&
		call_sample_least_worth(&budget->sample, &address)) {
		const double events = call_sample_take_out(&budget->sample, address);

		if (!leave_out(budget, step, address))
			break;
		left -= events;
		step->least_part = events / all < step->least_part ? events / all : step->least_part;
	}
}

void function_budget_settle(struct function_budget *budget, uint64_t now_ns)
{
	budget->settle_ns = now_ns + SETTLE_NS;
	begin_anew(budget, now_ns);
}

static void take_step(struct function_budget *budget, uint64_t now_ns, struct function_budget_step *step)
{
	choose(budget, step);
	if (step->count) {
		budget->nr_helpless = 0;
		return function_budget_settle(budget, now_ns);
	}
	/* an interval without a packet tells nothing new */
	budget->nr_helpless += budget->sampled_functions != 0;
	step->is_off = budget->is_off = budget->nr_helpless == HELPLESS_LOOKS;
}

bool function_budget_look(struct function_budget *budget, uint64_t now_ns, struct function_budget_step *step)
{
	if (now_ns < budget->settle_ns || !budget->since_ns) {
		measure_khz(budget, now_ns); /* begins */
		begin_anew(budget, now_ns);
		return false;
	}
	if (now_ns - budget->since_ns < INTERVAL_NS)
		return false;
	*step = (struct function_budget_step){.share = estimate(budget, now_ns)};
	if (step->share > budget->options.share && step->share < 2 * budget->options.share &&
		now_ns - budget->since_ns < DOUBT_NS)
		return false;
	budget->share = step->share;
	if (step->share > budget->options.share && !budget->is_off)
		take_step(budget, now_ns, step);
	else
		budget->nr_helpless = 0;
	begin_interval(budget, now_ns);
	return true;
}
