/* SPDX-License-Identifier: MIT */
/* Any file as a Xen trace: every byte of it is delivered, skipped or a window's head, each once; every event can be decoded. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/model/xen_context.h"
#include "lib/model/xen_events.h"
#include "lib/reader/xen_reader.h"
#include "tests/unit/xen_maker.h"

#define CPU_CHANGE_BYTES 12

const char fuzz_name[] = "xen_reader";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const uint32_t extra[7] = {0, 1 << 16, 2, 3, 4, 5, 6};
	static struct xen_maker makers[3];
	struct xen_maker *maker = &makers[index < 3 ? index : 0];

	if (index >= 3)
		return 0;
	for (uint32_t round = 0; round < 4; round++)
		for (uint32_t pcpu = 0; pcpu < index + 1; pcpu++) {
			xen_maker_window(maker, pcpu * 300);
			for (uint32_t i = 0; i < 12; i++) {
				const struct xen_event_type *type =
					xen_event_type_at((unsigned)index * 60 + round * 15 + i);
				uint64_t tsc = 1000 + round * 1000000 + i * 100 + pcpu;

				xen_maker_event(
					maker, i % 5 == 4 ? 0 : tsc, type->code, type->extras_max, extra);
			}
		}
	close(xen_maker_file(maker)); /* ends the last window */
	*data = maker->data;
	return maker->bytes;
}

static void read_all(struct xen_reader *reader, uint64_t size)
{
	struct xen_context context = {0};
	const struct xen_counts *counts = xen_reader_counts(reader);
	uint64_t bytes = 0, events = 0;
	struct xen_event event;
	struct error error = {0};
	int result;

	while ((result = xen_reader_next(reader, &event, &error)) > 0) {
		const struct xen_event_type *type = xen_event_type(event.code);
		struct xen_value values[XEN_VALUES_MAX];

		if (event.offset >= size || event.n_extra > XEN_EXTRAS_MAX)
			abort();
		if (type && xen_event_decode(type, &event, values) > XEN_VALUES_MAX)
			abort();
		if (xen_context_feed(&context, &event))
			abort();
		bytes += 4 + (event.has_tsc ? 8 : 0) + 4 * event.n_extra;
		events++;
	}
	if (result < 0 || events != counts->events)
		abort();
	if (bytes + counts->windows * CPU_CHANGE_BYTES + xen_counts_skipped(counts) != size)
		abort();
	xen_context_deinit(&context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xen_reader *reader;
	struct error error = {0};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	int result;

	if (fd < 0 || file_write_all(fd, data, size, NULL))
		abort();
	result = xen_reader_open_fd(fd, "fuzz", &reader, &error);
	if (!result) {
		read_all(reader, size);
		if (xen_reader_rewind(reader, &error))
			abort();
		read_all(reader, size);
		xen_reader_close(reader);
	} else if (!error.text[0] || error.code != result) {
		abort(); /* every failure says why */
	}
	close(fd);
	return 0;
}
