/* SPDX-License-Identifier: MIT */
#include "lib/model/xen_context.h"

#include <stdlib.h>

#define SCHED_SWITCH 0x2800au /* from domain, from vcpu, to domain, to vcpu, each a word */

/* As many as a reader lets pass; a bound, for the number comes from a file. */
#define PCPUS_MAX 65536u

void xen_context_init(struct xen_context *context)
{
	*context = (struct xen_context){0};
}

void xen_context_deinit(struct xen_context *context)
{
	free(context->pcpus);
	xen_context_init(context);
}

bool xen_runstate_of(const struct xen_event *event, struct xen_runstate_change *change)
{
	unsigned kind = event->code & 0xf;

	if (event->code >> 12 != 0x21 || kind < 1 || kind > 2 || event->n_extra < 1)
		return false;
	*change = (struct xen_runstate_change){
		.domain = (uint16_t)(event->extra[0] >> 16),
		.vcpu = (uint16_t)event->extra[0],
		.continued = kind == 2,
	};
	if (kind == 1) {
		change->from = event->code >> 8 & 0xf;
		change->to = event->code >> 4 & 0xf;
	}
	return true;
}

static int grow(struct xen_context *context, uint32_t pcpu)
{
	struct xen_running *pcpus;

	if (pcpu >= PCPUS_MAX)
		return -ENOMEM;
	pcpus = realloc(context->pcpus, (pcpu + 1) * sizeof(*pcpus));
	if (!pcpus)
		return -ENOMEM;
	for (uint32_t i = context->count; i <= pcpu; i++)
		pcpus[i] = (struct xen_running){0};
	context->pcpus = pcpus;
	context->count = pcpu + 1;
	return 0;
}

static void set(struct xen_running *running, uint32_t domain, uint32_t vcpu)
{
	running->domain = (uint16_t)domain;
	running->vcpu = (uint16_t)vcpu;
	running->state = domain <= UINT16_MAX && vcpu <= UINT16_MAX ? XEN_RUNNING_VCPU : XEN_RUNNING_NONE;
}

static void change_runstate(struct xen_running *running, const struct xen_runstate_change *change)
{
	bool is_current = running->state != XEN_RUNNING_VCPU ||
		(running->domain == change->domain && running->vcpu == change->vcpu);

	running->by_runstate = true;
	if (change->to == XEN_RUNSTATE_RUNNING)
		set(running, change->domain, change->vcpu);
	else if (change->from == XEN_RUNSTATE_RUNNING && is_current)
		running->state = XEN_RUNNING_NONE;
}

int xen_context_feed_slow(struct xen_context *context, const struct xen_event *event)
{
	struct xen_runstate_change change;
	struct xen_running *running;
	int result = event->pcpu < context->count ? 0 : grow(context, event->pcpu);

	if (result)
		return result;
	running = &context->pcpus[event->pcpu];
	if (xen_runstate_of(event, &change))
		change_runstate(running, &change);
	else if (event->code == SCHED_SWITCH && event->n_extra >= 4 && !running->by_runstate)
		set(running, event->extra[2], event->extra[3]);
	else if (event->code == XEN_LOST_RECORDS && event->n_extra >= 2)
		set(running, event->extra[1] & 0xffff, event->extra[1] >> 16);
	return 0;
}
