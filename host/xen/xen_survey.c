/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/xen/xen_codes.h"
#include "lib/model/trace_info.h"
#include "lib/model/xen_clock.h"
#include "lib/model/xen_events.h"

#define SVM_FIRST    0x60u /* VMX has no such exits, SVM's common ones are from there on */
#define REASON_ERROR 0x80000000u

void xen_survey_deinit(struct xen_survey *survey)
{
	free(survey->domains);
	hash_map_deinit(&survey->by_domain);
	hash_map_deinit(&survey->codes);
	*survey = (struct xen_survey){0};
}

static int add_vcpu(struct xen_survey *survey, uint32_t domain, uint32_t vcpu)
{
	uint64_t *place;
	struct xen_survey_domain *domains;

	domain &= 0xffff;
	vcpu &= 0xffff;
	if (domain == XEN_DOMAIN_IDLE)
		return 0;
	place = hash_map_put(&survey->by_domain, domain);
	if (!place)
		return -ENOMEM;
	if (!*place && survey->nr_domains == XEN_SURVEY_DOMAINS_MAX) {
		survey->domains_left_out++;
		return 0;
	}
	if (!*place) {
		domains = reallocarray(survey->domains, survey->nr_domains + 1, sizeof(*domains));
		if (!domains)
			return -ENOMEM;
		survey->domains = domains;
		domains[survey->nr_domains++] = (struct xen_survey_domain){.domain = (uint16_t)domain};
		*place = survey->nr_domains;
	}
	if (vcpu >= survey->domains[*place - 1].nr_vcpus)
		survey->domains[*place - 1].nr_vcpus = vcpu + 1;
	return 0;
}

static int look_at(struct xen_survey *survey, const struct xen_event *event)
{
	const uint32_t plain = event->code & ~(XEN_CODE_HVM_NESTED | XEN_CODE_64);

	if ((event->code & ~0xff0u) == (XEN_CODE_RUNSTATE | 1)) {
		survey->has_runstates = true;
		return add_vcpu(survey, event->extra[0] >> 16, event->extra[0]);
	}
	if (event->code == XEN_CODE_SWITCH) {
		if (add_vcpu(survey, event->extra[0], event->extra[1]))
			return -ENOMEM;
		return add_vcpu(survey, event->extra[2], event->extra[3]);
	}
	if (plain == XEN_CODE_HVM_EXIT) {
		if (event->extra[0] >= SVM_FIRST && event->extra[0] < REASON_ERROR)
			survey->isa = EXIT_ISA_SVM;
		else if (survey->isa == EXIT_ISA_UNKNOWN)
			survey->isa = EXIT_ISA_VMX;
	}
	return 0;
}

static int count(struct xen_survey *survey, const struct xen_event *event)
{
	uint64_t *seen = hash_map_put(&survey->codes, event->code);

	if (!seen)
		return -ENOMEM;
	if ((*seen & XEN_SURVEY_EXTRAS) < event->n_extra)
		*seen = (*seen & ~(uint64_t)XEN_SURVEY_EXTRAS) | event->n_extra;
	*seen += 1ull << XEN_SURVEY_COUNT;
	*seen |= xen_event_fits(event->code, event->n_extra) ? XEN_SURVEY_FITS : XEN_SURVEY_ODD;
	if (event->order_tsc && event->order_tsc <= XEN_SURVEY_TSC_MAX) {
		if (!survey->first_tsc || event->order_tsc < survey->first_tsc)
			survey->first_tsc = event->order_tsc;
		if (event->order_tsc > survey->last_tsc)
			survey->last_tsc = event->order_tsc;
	}
	if (event->pcpu >= survey->nr_pcpus && event->pcpu < TRACE_CPUS_MAX)
		survey->nr_pcpus = event->pcpu + 1;
	survey->events++;
	return look_at(survey, event);
}

static int by_number(const void *a, const void *b)
{
	const struct xen_survey_domain *one = a, *other = b;

	return one->domain < other->domain ? -1 : one->domain > other->domain;
}

static int read_all(struct xen_survey *survey, struct xen_clock_estimate *estimate, struct xen_reader *reader,
	struct error *error)
{
	struct xen_event event;
	int result;

	while ((result = xen_reader_next(reader, &event, error)) > 0) {
		if (count(survey, &event))
			return error_set(error, -ENOMEM, "out of memory");
		if (xen_clock_estimate_wants(estimate))
			xen_clock_estimate_feed(estimate, &event);
	}
	return result;
}

static void find_hz(struct xen_survey *survey, struct xen_clock_estimate *estimate)
{
	const double hz = survey->hz ? 0 : xen_clock_estimate_hz(estimate);

	if (survey->hz)
		return;
	survey->hz_estimated = hz >= XEN_CLOCK_HZ_MIN && hz <= XEN_CLOCK_HZ_MAX;
	survey->hz_guessed = !survey->hz_estimated;
	survey->hz = (uint64_t)((survey->hz_estimated ? hz : XEN_CLOCK_DEFAULT_HZ) + 0.5);
}

static void sort_domains(struct xen_survey *survey)
{
	if (survey->nr_domains)
		qsort(survey->domains, survey->nr_domains, sizeof(*survey->domains), by_number);
	for (size_t i = 0; i < survey->nr_domains; i++)
		*hash_map_get(&survey->by_domain, survey->domains[i].domain) = i + 1;
}

int xen_survey_run(struct xen_survey *survey, struct xen_reader *reader, uint64_t hz, struct error *error)
{
	struct xen_clock_estimate estimate;
	int result;

	*survey = (struct xen_survey){.hz = hz};
	result = xen_clock_estimate_init(&estimate, error);
	if (!result)
		result = read_all(survey, &estimate, reader, error);
	if (!result)
		find_hz(survey, &estimate);
	xen_clock_estimate_deinit(&estimate);
	sort_domains(survey);
	return result;
}

const struct xen_survey_domain *xen_survey_domain(const struct xen_survey *survey, uint32_t domain)
{
	const uint64_t *place = hash_map_get(&survey->by_domain, domain);

	return place && *place ? &survey->domains[*place - 1] : NULL;
}
