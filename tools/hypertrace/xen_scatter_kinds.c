/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_scatter_kinds.h"

#include <inttypes.h>
#include <string.h>

#include "lib/model/xen_events.h"
#include "lib/model/xen_names.h"
#include "tools/hypertrace/xen_summary_view.h"

const struct xen_scatter_look xen_scatter_looks[XEN_SCATTER_KINDS] = {
	[XEN_SCATTER_PCPU] = {"pcpu", "Where vCPUs ran", .value = "pcpu", .axis = XEN_AXIS_STRIPS},
	[XEN_SCATTER_RUNSTATE] = {"runstate", "Runstates", "from", "from_name", "to", "to_name",
		.axis = XEN_AXIS_STRIPS},
	[XEN_SCATTER_RUNSTATE_TIME] = {"runstate-time", "Time in a runstate, by its end", "state",
		"state_name", .ticks = true, .axis = XEN_AXIS_TICKS},
	[XEN_SCATTER_WAKE_TO_HALT] = {"wake-to-halt", "From an interrupt to the next halt", "vector",
		.value = "woke", .ticks = true, .axis = XEN_AXIS_TICKS},
	[XEN_SCATTER_CR3] = {"cr3-switch", "Page tables switched to", .value = "page", .hexadecimal = true,
		.axis = XEN_AXIS_VALUE},
	[XEN_SCATTER_EXIT] = {"vmexit", "Exits: what they took", "reason", "reason_name", "rip",
		.ticks = true, .hexadecimal = true, .axis = XEN_AXIS_TICKS},
	[XEN_SCATTER_INTERRUPT] = {"interrupt", "Exits for external interrupts: what they took", "vector",
		NULL, "rip", .ticks = true, .hexadecimal = true, .axis = XEN_AXIS_TICKS},
	[XEN_SCATTER_IO] = {"io", "Accesses to ports: what they took", "port", .value = "written",
		.ticks = true, .axis = XEN_AXIS_TICKS},
	[XEN_SCATTER_RDTSC] = {"rdtsc", "What guests were told for rdtsc", .value = "tsc",
		.axis = XEN_AXIS_VALUE},
	[XEN_SCATTER_IRQ] = {"irq", "IRQs of the host", "irq", .ticks = true, .axis = XEN_AXIS_NUMBER},
	[XEN_SCATTER_UNPIN] = {"unpin", "Page tables that shadow paging let go", .value = "page",
		.hexadecimal = true, .axis = XEN_AXIS_VALUE},
	[XEN_SCATTER_PROMOTE] = {"promote", "Pages that became page tables of shadow paging", "event",
		"event_name", "page", .hexadecimal = true, .axis = XEN_AXIS_VALUE},
	[XEN_SCATTER_HYPERCALL] = {"hypercall", "Hypercalls of PV guests", "number", "name",
		.value = "in_multicall", .axis = XEN_AXIS_NUMBER},
};

enum xen_scatter_kind xen_scatter_kind_of(const char *name)
{
	int kind = 0;

	while (kind < XEN_SCATTER_KINDS && strcmp(xen_scatter_looks[kind].name, name) != 0)
		kind++;
	return (enum xen_scatter_kind)kind;
}

struct human xen_point_vcpu(const struct xen_vcpu_place *vcpu)
{
	struct human human = {"-"};

	if (vcpu && vcpu->dom == XEN_DOMAIN_IDLE)
		snprintf(human.text, sizeof(human.text), "idle%u", vcpu->vcpu);
	else if (vcpu)
		snprintf(human.text, sizeof(human.text), "d%uv%u", vcpu->dom, vcpu->vcpu);
	return human;
}

void xen_scatter_header(enum xen_scatter_kind kind, FILE *out)
{
	const struct xen_scatter_look *look = &xen_scatter_looks[kind];

	fputs("time_s\tvcpu\tpcpu", out);
	if (look->number)
		fprintf(out, "\t%s", look->number);
	if (look->number_name)
		fprintf(out, "\t%s", look->number_name);
	if (look->value && kind != XEN_SCATTER_PCPU)
		fprintf(out, "\t%s", look->value);
	if (look->value_name)
		fprintf(out, "\t%s", look->value_name);
	if (look->ticks)
		fputs("\tduration_ns", out);
	fputc('\n', out);
}

static const char *number_name(enum xen_scatter_kind kind, uint32_t number, bool svm)
{
	const struct xen_event_type *type;

	switch (kind) {
	case XEN_SCATTER_RUNSTATE:
	case XEN_SCATTER_RUNSTATE_TIME:
		return xen_view_states[number];
	case XEN_SCATTER_EXIT:
		return xen_name(svm ? XEN_NAMES_SVM_REASONS : XEN_NAMES_VMX_REASONS, number);
	case XEN_SCATTER_PROMOTE:
		type = xen_event_type(0x40f000 | number);
		return type ? type->name : NULL;
	case XEN_SCATTER_HYPERCALL:
		return xen_name(XEN_NAMES_HYPERCALLS, number);
	default:
		return NULL;
	}
}

static uint64_t ns(uint64_t ticks, double hz)
{
	return (uint64_t)((double)ticks * 1e9 / hz + 0.5);
}

void xen_scatter_row(enum xen_scatter_kind kind, const struct xen_point *point, double hz, uint64_t base_tsc,
	bool svm, FILE *out)
{
	const struct xen_scatter_look *look = &xen_scatter_looks[kind];
	uint64_t at_ns = point->tsc > base_tsc ? ns(point->tsc - base_tsc, hz) : 0;
	const char *name;

	fprintf(out, "%" PRIu64 ".%09" PRIu64 "\t%s", at_ns / 1000000000, at_ns % 1000000000,
		xen_point_vcpu(point->vcpu).text);
	if (point->pcpu == XEN_NO_PCPU)
		fputs("\t-", out);
	else
		fprintf(out, "\t%u", point->pcpu);
	if (look->number)
		fprintf(out, "\t%u", point->number);
	if (look->number_name) {
		name = number_name(kind, point->number, svm);
		fprintf(out, "\t%s", name ? name : "-");
	}
	if (look->value && kind != XEN_SCATTER_PCPU)
		fprintf(out, look->hexadecimal ? "\t0x%" PRIx64 : "\t%" PRIu64, point->value);
	if (look->value_name)
		fprintf(out, "\t%s", xen_view_states[point->value]);
	if (look->ticks)
		fprintf(out, "\t%" PRIu64, ns(point->ticks, hz));
	fputc('\n', out);
}
