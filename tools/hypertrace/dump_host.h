/* SPDX-License-Identifier: MIT */
/* Forms (dump.h) of a host machine's events, for the table in dump_forms.c, which says the fields that each needs. */
#pragma once
#include "tools/hypertrace/dump.h"

dump_form dump_host_exit, dump_host_hypercall, dump_host_histogram, dump_host_out, dump_host_in, dump_host_waking,
	dump_host_migrate;
