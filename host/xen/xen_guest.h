/* SPDX-License-Identifier: MIT */
/* A trace that was recorded inside a domain, beside what Xen says of it: the same streams, on Xen's time. */
#pragma once
#include "host/xen/xen_convert.h"
#include "host/xen/xen_output.h"

/*
 * Before anything is written: errors of trace_open(); -EINVAL: more machines than one, no such domain, a time before Xen's
 * TSC was 0; -ENOTSUP: stamped with another clock than the TSC.
 */
int xen_guest_check(
	const struct xen_survey *survey, const struct xen_convert_guest *guest, struct error *error);

/*
 * Copies the one machine of the guest's trace as machine domN. Its TSC becomes Xen's by the offset; the output's Unix time becomes
 * that of the guest. Errors of xen_guest_check(), and what reading and writing may say.
 */
int xen_guest_add(struct xen_output *output, const struct xen_convert_guest *guest, struct error *error);
