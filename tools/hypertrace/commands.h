/* SPDX-License-Identifier: MIT */
/* Every verb is one `const struct command cmd_<verb>` in cmd_<verb>.c, and one line here and in main.c. */
#pragma once
#include "tools/hypertrace/options.h"

/* Weak: a verb whose libraries the build lacks is left out, and its place in the table is NULL. */
#define COMMAND(verb) extern const struct command cmd_##verb __attribute__((weak))

COMMAND(attach);
COMMAND(bench);
COMMAND(detach);
COMMAND(doctor);
COMMAND(dump);
COMMAND(help);
COMMAND(info);
COMMAND(module);
COMMAND(record);
COMMAND(report);
COMMAND(run);

#undef COMMAND

extern const struct command *const commands[];
extern const size_t commands_count;

const struct command *find_command(const char *name); /* NULL: no such verb */
void show_commands(FILE *out);
