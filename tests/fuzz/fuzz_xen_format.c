/* SPDX-License-Identifier: MIT */
/* Rules of xen format: any text, then records of any numbers by the rules that are good. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/model/xen_format.h"

#define LINE_MAX_BYTES (XEN_FORMAT_LINE_LIMIT / 5 * (XEN_FORMAT_WIDTH_MAX + 400) + 2 * XEN_FORMAT_LINE_LIMIT)

const char fuzz_name[] = "xen_format";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"0x0 CPU%(cpu)d  %(tsc)d (+%(reltsc)8d)  unknown (0x%(event)016x)  [ 0x%(1)08x 0x%(2)08x ]\n",
		"# c\n\n0x1f003 %(1)-12.5d|%(2)+#012X|%(3)# o|%(4)s|%(5).3s|%(6)c|%(7)r\n0x20100d %(1)e %(tsc)G\n",
		"0x1f004 100%% %(tsc)256.256f %(reltsc)-x%(4)#g\n5 a\n5 b\n0o17 %(1)hlLd",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

static uint32_t take(const uint8_t **data, size_t *size)
{
	uint32_t word = 0;
	const size_t bytes = *size < 4 ? *size : 4;

	memcpy(&word, *data, bytes);
	*data += bytes;
	*size -= bytes;
	return word;
}

static void format_all(struct xen_format *format, const uint8_t *data, size_t size)
{
	static const uint32_t events[] = {0x1f003, 0x1f004, 0x20100d, 5, 15, 0x12345};
	struct strbuf out = STRBUF_EMPTY;

	for (unsigned i = 0; i < 12; i++) {
		struct xen_format_record record = {
			.event = events[i % 6], .has_tsc = i & 1, .cpu = take(&data, &size)};

		record.tsc = record.has_tsc ? (uint64_t)take(&data, &size) << 32 | take(&data, &size) : 0;
		for (unsigned word = 0; word < XEN_FORMAT_EXTRAS; word++)
			record.extra[word] = take(&data, &size);
		out.length = 0;
		xen_format_put(format, &record, &out);
		if (out.length > LINE_MAX_BYTES)
			abort(); /* a short rule makes no endless line */
	}
	strbuf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xen_format *format;
	struct error error = {0};
	const int result = xen_format_create(&format, (const char *)data, size, size & 1 ? 2600 : 0, &error);

	if (result && (!error.text[0] || error.code != result || format))
		abort(); /* every failure says why */
	for (const char *at = error.text; *at; at++)
		if ((unsigned char)*at < ' ')
			abort(); /* and is safe to show */
	if (!result)
		format_all(format, data, size);
	xen_format_destroy(format);
	return 0;
}
