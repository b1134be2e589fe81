/* SPDX-License-Identifier: MIT */
/* The interface for other programs: a thin layer, so that what is inside may change. */
#include "include/hypertrace_xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/xen_context.h"
#include "lib/model/xen_events.h"
#include "lib/reader/xen_reader_clock.h"

_Static_assert(
	HYPERTRACE_XEN_EXTRAS == XEN_EXTRAS_MAX && HYPERTRACE_XEN_FIELDS == XEN_VALUES_MAX, "one size");
_Static_assert(HYPERTRACE_XEN_NOT_SEEN == (int)XEN_RUNNING_NOT_SEEN &&
		HYPERTRACE_XEN_NONE == (int)XEN_RUNNING_NONE && HYPERTRACE_XEN_VCPU == (int)XEN_RUNNING_VCPU,
	"one numbering");
_Static_assert(HYPERTRACE_XEN_UNSIGNED == (int)XEN_VALUE_UNSIGNED &&
		HYPERTRACE_XEN_HEX == (int)XEN_VALUE_HEX && HYPERTRACE_XEN_NS == (int)XEN_VALUE_NS &&
		HYPERTRACE_XEN_ABSENT == (int)XEN_VALUE_NONE,
	"one numbering");

struct hypertrace_xen {
	struct xen_reader *reader;
	struct xen_context context;
	struct xen_clock clock;
	uint32_t samples;
};

/* The two differ in nothing but their names, and the sizes of the texts may come to differ. */
static int give_error(const struct error *from, int code, struct hypertrace_xen_error *to)
{
	if (code < 0 && to) {
		*to = (struct hypertrace_xen_error){.code = code};
		snprintf(to->text, sizeof(to->text), "%s", from->text);
		snprintf(to->hint, sizeof(to->hint), "%s", from->hint);
	}
	return code;
}

static int no_memory(struct hypertrace_xen_error *error)
{
	struct error inner = {0};

	return give_error(&inner, error_set(&inner, -ENOMEM, "out of memory"), error);
}

static int open_trace(
	const char *path, int fd, struct hypertrace_xen **result, struct hypertrace_xen_error *error)
{
	struct hypertrace_xen *trace = calloc(1, sizeof(*trace));
	struct error inner = {0};
	int code;

	*result = NULL;
	if (!trace)
		return no_memory(error);
	code = fd < 0 ? xen_reader_open(path, &trace->reader, &inner)
		      : xen_reader_open_fd(fd, path, &trace->reader, &inner);
	if (!code)
		code = xen_reader_find_clock(trace->reader, 0, &trace->clock, &trace->samples, &inner);
	if (code) {
		hypertrace_xen_close(trace);
		return give_error(&inner, code, error);
	}
	*result = trace;
	return 0;
}

int hypertrace_xen_open(const char *path, struct hypertrace_xen **trace, struct hypertrace_xen_error *error)
{
	return open_trace(path, -1, trace, error);
}

int hypertrace_xen_open_fd(
	int fd, const char *name, struct hypertrace_xen **trace, struct hypertrace_xen_error *error)
{
	struct error inner = {0};

	if (fd >= 0)
		return open_trace(name, fd, trace, error);
	*trace = NULL;
	return give_error(&inner, error_set(&inner, -EBADF, "%s: %s", name, strerror(EBADF)), error);
}

double hypertrace_xen_hz(const struct hypertrace_xen *trace, uint32_t *samples)
{
	if (samples)
		*samples = trace->samples;
	return trace->clock.hz;
}

int hypertrace_xen_set_hz(struct hypertrace_xen *trace, double hz)
{
	if (!(hz >= XEN_CLOCK_HZ_MIN && hz <= XEN_CLOCK_HZ_MAX))
		return -EINVAL;
	xen_clock_set(&trace->clock, hz, trace->clock.base_tsc);
	trace->samples = 0;
	return 0;
}

int hypertrace_xen_next(
	struct hypertrace_xen *trace, struct hypertrace_xen_event *event, struct hypertrace_xen_error *error)
{
	const struct xen_event_type *type;
	struct xen_running running;
	struct error inner = {0};
	struct xen_event from;
	int result = xen_reader_next(trace->reader, &from, &inner);

	if (result <= 0)
		return give_error(&inner, result, error);
	running = xen_context_at(&trace->context, from.pcpu);
	if (xen_context_feed(&trace->context, &from))
		return no_memory(error);
	type = xen_event_type(from.code);
	*event = (struct hypertrace_xen_event){
		.tsc = from.tsc,
		.ns = from.tsc ? xen_clock_ns(&trace->clock, from.tsc) : INT64_MIN,
		.offset = from.offset,
		.name = type ? type->name : NULL,
		.pcpu = from.pcpu,
		.code = from.code,
		.domain = running.domain,
		.vcpu = running.vcpu,
		.running = running.state,
		.has_tsc = from.has_tsc,
		.n_extra = from.n_extra,
	};
	memcpy(event->extra, from.extra, sizeof(event->extra));
	return 1;
}

unsigned hypertrace_xen_fields(
	const struct hypertrace_xen_event *event, struct hypertrace_xen_field fields[HYPERTRACE_XEN_FIELDS])
{
	const struct xen_event_type *type = xen_event_type(event->code);
	struct xen_event from = {.code = event->code, .n_extra = event->n_extra};
	struct xen_value values[XEN_VALUES_MAX];
	unsigned count;

	if (!type || event->n_extra > XEN_EXTRAS_MAX)
		return 0;
	memcpy(from.extra, event->extra, sizeof(from.extra));
	count = xen_event_decode(type, &from, values);
	for (unsigned i = 0; i < count; i++)
		fields[i] = (struct hypertrace_xen_field){
			.name = values[i].name,
			.text = values[i].text,
			.value = values[i].value,
			.kind = values[i].kind,
			.shift = values[i].kind == XEN_VALUE_PERCENT ? values[i].shift : 0,
		};
	return count;
}

const char *hypertrace_xen_class(uint32_t code)
{
	return xen_class_name(code);
}

void hypertrace_xen_counts(const struct hypertrace_xen *trace, struct hypertrace_xen_counts *counts)
{
	const struct xen_counts *from = xen_reader_counts(trace->reader);

	*counts = (struct hypertrace_xen_counts){
		.events = from->events,
		.lost = from->lost,
		.lost_records = from->lost_records,
		.wrapped = from->wrapped,
		.skipped_bytes = xen_counts_skipped(from),
		.damages = from->damages,
		.first_damage = from->damages ? from->damage[0].offset : 0,
		.windows = from->windows,
		.wrong_windows = from->wrong_windows,
		.cut_bytes = from->cut_bytes,
		.odd_tsc = from->odd_tsc,
		.pcpus = from->pcpus,
	};
}

int hypertrace_xen_rewind(struct hypertrace_xen *trace, struct hypertrace_xen_error *error)
{
	struct error inner = {0};

	xen_context_deinit(&trace->context);
	return give_error(&inner, xen_reader_rewind(trace->reader, &inner), error);
}

void hypertrace_xen_close(struct hypertrace_xen *trace)
{
	if (!trace)
		return;
	xen_reader_close(trace->reader);
	xen_context_deinit(&trace->context);
	free(trace);
}
