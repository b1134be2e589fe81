/* SPDX-License-Identifier: MIT */
/* Packets of a guest that says of its functions what it likes: what is left out is theirs, once each, and no more than can be. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/function_budget.h"

#define KHZ     1000000u
#define TEXT    0x1000000u
#define LOOK_NS 1100000000u /* longer than anything is thought over */
#define EVENTS  100000000u  /* a packet says: too many for any budget */

const char fuzz_name[] = "function_budget";

/* Records with short headers: id | TSC << 5, then the fields. */
static const uint8_t seed[] = {
	0x3c, 0x01, 0, 0, 1, 2, 3,         /* func_entry_text */
	0x39, 0x02, 0, 0, 4, 5, 6, 0xff,   /* func_entry */
	0x3a, 0x03, 0, 0,                  /* func_exit */
	0x3a, 0x04, 0, 0,                  /* func_exit */
	0x21, 0x05, 0, 0, 7, 0, 0, 0, 120, /* sched_switch */
	0x3a, 0x06, 0, 0,                  /* func_exit */
	0x3c, 0x07, 0, 0, 1, 2, 3,         /* func_entry_text */
	0x3a, 0x08, 0, 0,                  /* func_exit */
};

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	*data = seed;
	return index ? 0 : sizeof(seed);
}

static void check_step(const struct function_budget_step *step, struct hash_map *out)
{
	if (step->count > HT_CONTROL_DROPPED || !(step->share >= 0))
		abort();
	for (uint32_t i = 0; i < step->count; i++) {
		uint64_t *place = hash_map_put(out, step->addresses[i]);

		if (place && (*place)++)
			abort();
	}
	if (out->count > HT_CONTROL_DROPPED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_schema *schema;
	static struct ring_walk_table table;
	static struct function_budget budget;
	static struct function_budget_step step;
	struct hash_map out = {0};
	uint8_t *buffer = malloc(RING_HEADROOM_BYTES + size + 8); /* which may be read behind a packet */
	uint64_t now_ns = 1;

	if (!schema) {
		schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
		ring_walk_table_init(&table, schema);
	}
	if (!buffer ||
		function_budget_init(&budget,
			&(struct function_budget_options){
				.share = 0.05, .tsc_khz = KHZ, .text_address = TEXT, .table = &table})) {
		free(buffer);
		return 0;
	}
	memcpy(buffer + RING_HEADROOM_BYTES, data, size);
	memset(buffer + RING_HEADROOM_BYTES + size, 0, 8);
	for (unsigned round = 0; round < 12; round++) {
		const struct ring_packet packet = {.buffer = buffer,
			.bytes = (uint32_t)size,
			.events = EVENTS,
			.begin_tsc = now_ns,
			.end_tsc = now_ns + LOOK_NS / 2};

		for (uint32_t cpu = 0; cpu < 3; cpu++)
			function_budget_packet(&budget, size ? cpu * data[0] : cpu, &packet);
		now_ns += LOOK_NS;
		if (function_budget_look(&budget, now_ns, &step))
			check_step(&step, &out);
	}
	function_budget_deinit(&budget);
	hash_map_deinit(&out);
	free(buffer);
	return 0;
}
