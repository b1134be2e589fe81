/* SPDX-License-Identifier: MIT */
/* What hypertrace doctor found out: a list of findings, each by a probe that tried the real thing. */
#pragma once
#include <stddef.h>

enum finding_status {
	FINDING_OK,
	FINDING_WARN, /* something is missing that only some uses need */
	FINDING_FAIL, /* the main job does not work */
};

struct finding {
	const char *id; /* stable, for scripts: "host.kvm" */
	enum finding_status status;
	char text[512];
	char remedy[512]; /* "" where there is nothing to do */
};

#define FINDINGS_MAX 32
struct findings {
	size_t count;
	struct finding items[FINDINGS_MAX];
};

/* Adds a finding with the text of `format`; returns it so that a remedy can be put in. */
struct finding *findings_add(struct findings *findings, const char *id, enum finding_status status,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

void doctor_probe_host(struct findings *findings);
void doctor_probe_guest(struct findings *findings, const char *qmp_socket, const char *region_path);
