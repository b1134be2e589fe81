/* SPDX-License-Identifier: MIT */
/* What a trace's hosts say of its guests' vCPUs, for `hypertrace graph`: a pass before the one over functions. */
#pragma once
#include "tools/hypertrace/graph_feed.h"

/*
 * Fills machine->stolen of the wanted machines that a host of the trace runs. It stays NULL where no host says anything, or
 * too much to be kept. -ENOMEM.
 */
int graph_host_look(struct graph_feed *feed, struct error *error);
void graph_host_forget(struct graph_machine *machine);
