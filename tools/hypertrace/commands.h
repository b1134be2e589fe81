/* SPDX-License-Identifier: MIT */
/* Every verb is one `const struct command cmd_<verb>` in cmd_<verb>.c, and one line here and in main.c. */
#pragma once
#include "tools/hypertrace/options.h"
#include "tools/hypertrace/verb_list.h"

extern const struct command cmd_attach, cmd_bench, cmd_boot, cmd_detach, cmd_dmesg, cmd_doctor, cmd_dump,
	cmd_help, cmd_info, cmd_list, cmd_module, cmd_panic, cmd_ps, cmd_record, cmd_report, cmd_run,
	cmd_shutdown, cmd_top;
extern const struct command cmd_graph;
extern const struct command cmd_clocks, cmd_exits, cmd_latency, cmd_vcpu; /* joint_feed.h */

/* cmd_xen.c */
extern const struct command cmd_xen, cmd_xen_convert, cmd_xen_dump, cmd_xen_format, cmd_xen_scatter, cmd_xen_summary;
extern const struct verb_list xen_verbs; /* the verbs behind "xen", named "xen dump", … */

extern const struct verb_list all_verbs;
void show_commands(FILE *out);
