/* SPDX-License-Identifier: MIT */
#include "host/collect/call_sample.h"

#include <errno.h>
#include <stdlib.h>

/*
 * What a call that is no leaf counts for: as much is saved, but what was called is left without its caller. So one that
 * is called as often as ten leaves together stays longer than they do.
 */
#define NO_LEAF 0.1

int call_sample_init(struct call_sample *sample)
{
	*sample = (struct call_sample){.innermost = CALL_SAMPLE_NONE};
	sample->calls = calloc(CALL_SAMPLE_CALLS, sizeof(*sample->calls));
	sample->functions = calloc(CALL_SAMPLE_FUNCTIONS, sizeof(*sample->functions));
	return sample->calls && sample->functions ? 0 : -ENOMEM;
}

void call_sample_deinit(struct call_sample *sample)
{
	free(sample->calls);
	free(sample->functions);
	hash_map_deinit(&sample->indices);
	*sample = (struct call_sample){0};
}

void call_sample_clear(struct call_sample *sample)
{
	hash_map_clear(&sample->indices);
	sample->nr_calls = sample->nr_functions = sample->exits = 0;
	sample->innermost = CALL_SAMPLE_NONE;
}

void call_sample_break(struct call_sample *sample)
{
	sample->innermost = CALL_SAMPLE_NONE;
}

static struct sampled_function *find(const struct call_sample *sample, uint32_t address)
{
	const uint64_t *index = hash_map_get(&sample->indices, address);

	return index ? &sample->functions[*index - 1] : NULL;
}

static struct sampled_function *find_or_add(struct call_sample *sample, uint32_t address)
{
	struct sampled_function *function = find(sample, address);
	uint64_t *index;

	if (function || sample->nr_functions == CALL_SAMPLE_FUNCTIONS)
		return function;
	index = hash_map_put(&sample->indices, address);
	if (!index)
		return NULL;
	function = &sample->functions[sample->nr_functions++];
	*index = sample->nr_functions;
	*function = (struct sampled_function){.address = address, .last = CALL_SAMPLE_NONE};
	return function;
}

void call_sample_enter(struct call_sample *sample, uint32_t address)
{
	struct sampled_function *function;

	function = sample->nr_calls < CALL_SAMPLE_CALLS ? find_or_add(sample, address) : NULL;
	if (!function) /* its exit would close another's */
		return call_sample_break(sample);
	sample->calls[sample->nr_calls] = (struct sampled_call){
		.function = (uint32_t)(function - sample->functions),
		.outer = sample->innermost,
		.next = function->last,
	};
	function->last = sample->nr_calls;
	function->calls++;
	if (sample->innermost != CALL_SAMPLE_NONE)
		sample->calls[sample->innermost].inside++;
	sample->innermost = sample->nr_calls++;
}

void call_sample_leave(struct call_sample *sample)
{
	struct sampled_call *call;
	struct sampled_function *function;

	sample->exits++;
	if (sample->innermost == CALL_SAMPLE_NONE)
		return;
	call = &sample->calls[sample->innermost];
	function = &sample->functions[call->function];
	call->has_returned = true;
	function->returned++;
	function->leaves += !call->inside;
	sample->innermost = call->outer;
}

/* The call around that is not taken out. Shortens the way for who asks next. */
static uint32_t find_outer(struct call_sample *sample, uint32_t call)
{
	uint32_t outer = sample->calls[call].outer;

	while (outer != CALL_SAMPLE_NONE && sample->calls[outer].is_out) {
		sample->calls[call].outer = sample->calls[outer].outer;
		call = outer;
		outer = sample->calls[outer].outer;
	}
	return outer;
}

static void take_out(struct call_sample *sample, uint32_t number)
{
	struct sampled_call *call = &sample->calls[number], *around;
	const uint32_t outer = find_outer(sample, number);

	call->is_out = true;
	if (outer == CALL_SAMPLE_NONE)
		return;
	around = &sample->calls[outer];
	around->inside += call->inside - 1;
	if (!around->inside && around->has_returned)
		sample->functions[around->function].leaves++;
}

uint32_t call_sample_take_out(struct call_sample *sample, uint32_t address)
{
	struct sampled_function *function = find(sample, address);
	uint32_t events;

	if (!function || !function->calls)
		return 0;
	events = function->calls + function->returned;
	for (uint32_t call = function->last; call != CALL_SAMPLE_NONE; call = sample->calls[call].next)
		take_out(sample, call);
	function->calls = function->returned = function->leaves = 0;
	return events;
}

static double count_unworthy(const struct call_sample *sample, const struct sampled_function *function)
{
	const double calls = function->calls, leaves = function->leaves;

	if (!sample->exits || !function->calls)
		return calls;
	return leaves * leaves / calls + NO_LEAF * (calls - leaves);
}

bool call_sample_least_worth(const struct call_sample *sample, uint32_t *address)
{
	double most = 0;

	for (uint32_t i = 0; i < sample->nr_functions; i++) {
		const double count = count_unworthy(sample, &sample->functions[i]);

		if (count < most || !count || (count == most && sample->functions[i].address > *address))
			continue;
		most = count;
		*address = sample->functions[i].address;
	}
	return most > 0;
}
