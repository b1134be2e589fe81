/* SPDX-License-Identifier: MIT */
/* What has to be known of a Xen trace before it is converted: found in a pass of its own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/hash_map.h"
#include "lib/model/exit_reasons.h"
#include "lib/reader/xen_reader.h"

#define XEN_SURVEY_DOMAINS_MAX 4096
#define XEN_SURVEY_TSC_MAX     (1ull << 62) /* a later one is damage, and no time that a trace of ours has */
#define XEN_SURVEY_EXTRAS      0xff
#define XEN_SURVEY_FITS        0x100 /* some of that code have the words that such an event has */
#define XEN_SURVEY_ODD         0x200 /* some have not, or its code is not known */
#define XEN_SURVEY_COUNT       16    /* how many there are: from this bit on */

struct xen_survey_domain {
	uint16_t domain;
	uint32_t nr_vcpus; /* 1 + the largest number seen */
};

struct xen_survey {
	uint64_t hz;                   /* of the TSC */
	bool hz_estimated, hz_guessed; /* by the trace; for lack of a better one. Neither: given */
	uint64_t first_tsc, last_tsc;  /* of the order; 0 and 0: no events */
	uint64_t events;
	uint32_t nr_pcpus; /* 1 + the largest number that a trace of ours can have */
	bool has_runstates;
	enum exit_isa isa;                 /* of HVM guests */
	struct xen_survey_domain *domains; /* by number, without the idle one */
	size_t nr_domains;
	uint64_t domains_left_out;
	struct hash_map by_domain; /* domain -> index + 1 */
	struct hash_map codes;     /* of the events; value: the largest n_extra, XEN_SURVEY_…, count */
};

/* Reads the whole trace. `hz`: the TSC's, or 0. Errors of xen_reader_next(); -ENOMEM. */
int xen_survey_run(struct xen_survey *survey, struct xen_reader *reader, uint64_t hz, struct error *error);
void xen_survey_deinit(struct xen_survey *survey);

/* NULL: it is not there. */
const struct xen_survey_domain *xen_survey_domain(const struct xen_survey *survey, uint32_t domain);
