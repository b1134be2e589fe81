/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_convert.h"

#include <errno.h>
#include <string.h>

#include "host/xen/xen_guest.h"
#include "host/xen/xen_output.h"
#include "host/xen/xen_schema.h"
#include "host/xen/xen_survey.h"
#include "host/xen/xen_vcpus.h"

struct xen_conversion {
	const struct xen_convert_options *options;
	struct xen_survey survey;
	struct xen_output output;
	struct xen_vcpus vcpus;
	struct xen_layouts layouts;
	uint64_t
		unplaced; /* events of a pCPU or a time beyond what a trace has, or of more codes than it has ids for */
	int error; /* of a listener */
};

/* --- what xen_vcpus says --- */

static void take_vcpu(void *context, const struct xen_vcpu *vcpu)
{
	struct xen_conversion *conversion = context;

	if (xen_output_vcpu(&conversion->output, vcpu) == -ENOMEM)
		conversion->error = -ENOMEM;
}

static void take_host(
	void *context, uint32_t pcpu, uint64_t tsc, uint32_t pid, const struct collector_event *event)
{
	struct xen_conversion *conversion = context;
	uint8_t payload[XEN_PAYLOAD_MAX];
	uint32_t bytes, id = host_events_encode(event, payload, &bytes);

	if (id)
		xen_output_host(&conversion->output, pcpu, tsc, pid, id, payload, bytes);
}

static void take_switch(
	void *context, uint32_t pcpu, uint64_t tsc, uint32_t prev, uint32_t prev_state, uint32_t next)
{
	struct xen_conversion *conversion = context;
	uint8_t payload[XEN_PAYLOAD_MAX];

	xen_output_host(&conversion->output, pcpu, tsc, prev, XEN_ID_SCHED_SWITCH, payload,
		xen_put_switch(payload, next, prev_state));
}

static void take_waking(
	void *context, uint32_t pcpu, uint64_t tsc, uint32_t by, uint32_t vcpu, uint32_t target)
{
	struct xen_conversion *conversion = context;
	uint8_t payload[XEN_PAYLOAD_MAX];

	xen_output_host(&conversion->output, pcpu, tsc, by, XEN_ID_SCHED_WAKING, payload,
		xen_put_waking(payload, vcpu, target));
}

/* --- events --- */

/* To the domain's machine what is its guest's doing, to xen's what is not, or has no other place. `vcpu` ran. */
static void put_event(
	struct xen_conversion *conversion, const struct xen_event *event, const struct xen_vcpu *vcpu)
{
	struct xen_output *output = &conversion->output;
	const bool of_guest = vcpu->tid && xen_is_guests(event->code);
	uint8_t payload[XEN_PAYLOAD_MAX];
	uint32_t id = 0, bytes = of_guest ? xen_put_fault(event, payload, &id) : 0;

	if (id && xen_output_guest(output, vcpu, event->order_tsc, id, payload, bytes))
		return;
	id = xen_layouts_encode(&conversion->layouts, event, payload, &bytes);
	conversion->unplaced += !id;
	if (!id || (of_guest && xen_output_guest(output, vcpu, event->order_tsc, id, payload, bytes)))
		return;
	xen_output_host(output, event->pcpu, event->order_tsc,
		vcpu->tid ? vcpu->tid : xen_output_pid(output, event->pcpu), id, payload, bytes);
}

static void take_event(struct xen_conversion *conversion, const struct xen_event *event)
{
	const struct xen_vcpu *running = xen_vcpus_current(&conversion->vcpus, event->pcpu);
	const struct xen_vcpu before = running ? *running : (struct xen_vcpu){0};

	if (event->code == XEN_WRAP_BUFFER)
		return;
	if (event->pcpu >= conversion->survey.nr_pcpus || event->order_tsc > XEN_SURVEY_TSC_MAX) {
		conversion->unplaced++;
	} else if (event->code == XEN_LOST_RECORDS) {
		xen_vcpus_lost(&conversion->vcpus, event->pcpu);
		xen_output_lost(&conversion->output, event->pcpu, event->extra[0]);
	} else {
		xen_vcpus_add(&conversion->vcpus, event);
		put_event(conversion, event, &before);
	}
}

static int convert_events(struct xen_conversion *conversion, struct xen_reader *reader,
	struct xen_convert_result *result, struct error *error)
{
	struct xen_event event;
	int code = xen_reader_rewind(reader, error);

	if (code)
		return code;
	while (!conversion->error && (code = xen_reader_next(reader, &event, error)) > 0)
		take_event(conversion, &event);
	if (conversion->error)
		code = error_set(error, conversion->error, "out of memory");
	xen_vcpus_finish(&conversion->vcpus);
	result->counts = *xen_reader_counts(reader);
	return code;
}

/* --- all of it --- */

static bool has_guest(const void *context, uint32_t domain)
{
	const struct xen_convert_options *options = context;

	for (size_t i = 0; i < options->nr_guests; i++)
		if (options->guests[i].domain == domain)
			return true;
	return false;
}

static int begin(struct xen_conversion *conversion, struct error *error)
{
	const struct xen_convert_options *options = conversion->options;
	const struct xen_survey *survey = &conversion->survey;
	const struct xen_output_options output = {
		.path = options->output,
		.program_version = options->program_version,
		.has_guest = has_guest,
		.context = options,
		.notice = options->notice,
		.notice_context = options->context,
	};
	const struct xen_vcpus_options vcpus = {
		survey->hz, survey->nr_pcpus, survey->isa, survey->has_runstates};
	const struct xen_vcpus_sink sink = {conversion, take_vcpu, take_host, take_switch, take_waking};
	int code = xen_output_init(&conversion->output, survey, &conversion->layouts, &output, error);

	if (!code && xen_vcpus_init(&conversion->vcpus, &vcpus, &sink))
		code = error_set(error, -ENOMEM, "out of memory");
	return code;
}

static int add_guests(struct xen_conversion *conversion, struct error *error)
{
	const struct xen_convert_options *options = conversion->options;
	int code = 0;

	for (size_t i = 0; i < options->nr_guests && !code; i++)
		code = xen_guest_add(&conversion->output, &options->guests[i], error);
	return code;
}

static void describe(const struct xen_conversion *conversion, struct xen_convert_result *result)
{
	const struct xen_survey *survey = &conversion->survey;

	result->events = survey->events;
	result->hz = survey->hz;
	result->hz_estimated = survey->hz_estimated;
	result->hz_guessed = survey->hz_guessed;
	result->nr_pcpus = survey->nr_pcpus;
	result->nr_domains = (uint32_t)survey->nr_domains;
	result->nr_vcpus = conversion->vcpus.nr_tids;
	result->nr_machines = (uint32_t)conversion->output.common.info.nr_machines;
	result->left_out = conversion->vcpus.left_out + conversion->unplaced;
	result->duration_ns = (uint64_t)(xen_output_ns(survey, survey->last_tsc) -
		xen_output_ns(survey, survey->first_tsc));
}

/* Behind the survey. */
static int convert(struct xen_conversion *conversion, struct xen_reader *reader,
	struct xen_convert_result *result, struct error *error)
{
	int code = begin(conversion, error);

	if (!code)
		code = convert_events(conversion, reader, result, error);
	if (!code)
		code = add_guests(conversion, error);
	if (!code)
		code = xen_output_finish(&conversion->output, error);
	if (!code)
		describe(conversion, result);
	xen_output_deinit(&conversion->output);
	return code;
}

int xen_convert(
	const struct xen_convert_options *options, struct xen_convert_result *result, struct error *error)
{
	struct xen_conversion conversion = {.options = options};
	struct xen_reader *reader;
	int code = xen_reader_open(options->path, &reader, error);

	*result = (struct xen_convert_result){0};
	if (code)
		return code;
	code = xen_survey_run(&conversion.survey, reader, options->hz, error);
	for (size_t i = 0; i < options->nr_guests && !code; i++)
		code = xen_guest_check(&conversion.survey, &options->guests[i], error);
	if (!code && xen_layouts_init(&conversion.layouts, &conversion.survey))
		code = error_set(error, -ENOMEM, "out of memory");
	if (!code)
		code = convert(&conversion, reader, result, error);
	xen_vcpus_deinit(&conversion.vcpus);
	xen_layouts_deinit(&conversion.layouts);
	xen_survey_deinit(&conversion.survey);
	xen_reader_close(reader);
	return code;
}
