/* SPDX-License-Identifier: MIT */
/* The machine that figures were measured on. */
#pragma once
#include "lib/base/strbuf.h"

struct machine {
	char cpu[128];
	long cores;
	char os[128];
	char kernel[128];  /* uname -r */
	const char *accel; /* what guests ran on: "kvm", "tcg" */
};

void machine_init(struct machine *machine);
void machine_append_json(const struct machine *machine, struct strbuf *out);
