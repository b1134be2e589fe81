/* SPDX-License-Identifier: MIT */
/* Names, and hypertrace.json: the first byte chooses the parser. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock/clock_map.h"
#include "lib/model/names.h"
#include "lib/model/trace_info.h"

const char fuzz_name[] = "names";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"t1 1 systemd\n2 2 kthreadd\n1234 1200 a name\n",
		"i1 i8042\n24 virtio0-input.0\n",
		"sffffffff81000000 T _stext\nffffffff81000110 t do_one\tmod [mod]\nffffffff81000110 T "
		"alias\n",
		"j{\"format\":1,\"state\":\"complete\",\"host\":{\"name\":\"h\",\"boot_id\":\"b\"},"
		"\"realtime_offset_ns\":5,"
		"\"machines\":[{\"name\":\"vm\",\"layer\":1,\"channel\":\"shm\",\"end\":{\"state\":\"panic\","
		"\"message\":\"x\"},"
		"\"kernel\":{\"text_address\":\"0xffffffff81000000\",\"kaslr_offset\":\"0x0\"},\"clock\":{"
		"\"tsc_khz\":2500000,"
		"\"points\":[[1,2,3],[1000,2000,3]]},\"configuration\":{\"events\":\"sched\",\"mode\":"
		"\"discard\"},"
		"\"cpus\":[{\"cpu\":0,\"events\":5,\"lost\":{\"full\":1}}]}]}",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

static void use_symbols(const struct names *names)
{
	uint64_t offset;

	for (size_t i = 0; i < names->nr_symbols; i++) {
		const char *name = names_symbol(names, names->symbols[i].address + i, &offset);

		if (name && !*name)
			abort();
	}
	names_symbol(names, 0, &offset);
	names_symbol(names, UINT64_MAX, &offset);
}

/* What was understood must come back the same. */
static void use_info(const char *text, size_t bytes)
{
	struct trace_info info = {0}, again = {0};
	struct error error = {0};
	struct clock_map map;
	char *written;

	if (trace_info_parse(&info, text, bytes, &error))
		return;
	if (trace_info_format(&info, &written, &error))
		abort();
	if (trace_info_parse(&again, written, strlen(written), &error) ||
		again.nr_machines != info.nr_machines)
		abort();
	for (size_t i = 0; i < info.nr_machines; i++)
		if (!clock_map_init(&map, info.machines[i].points, info.machines[i].nr_points,
			    info.machines[i].tsc_khz, NULL)) {
			clock_map_to_ns(&map, 12345);
			clock_map_to_tsc(&map, 12345);
			clock_map_error_ns(&map, UINT64_MAX);
			clock_map_deinit(&map);
		}
	free(written);
	trace_info_deinit(&info);
	trace_info_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names names = {0};
	const char *text = (const char *)data + 1;

	if (!size)
		return 0;
	switch (data[0]) {
	case 't':
		names_parse_tasks(&names, text, size - 1);
		names_task(&names, 1);
		break;
	case 'i':
		names_parse_irqs(&names, text, size - 1);
		names_irq(&names, 24);
		break;
	case 's':
		names_parse_symbols(&names, text, size - 1);
		use_symbols(&names);
		break;
	case 'j':
		use_info(text, size - 1);
		break;
	}
	names_deinit(&names);
	return 0;
}
