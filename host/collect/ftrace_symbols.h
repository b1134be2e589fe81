/* SPDX-License-Identifier: MIT */
/* The names of a guest's code, kernel and modules, written beside its events once there are addresses in them. */
#pragma once
#include <stdbool.h>
#include "host/collect/names_writer.h"
#include "host/kernel/guest_kernel.h"
#include "lib/base/hash_map.h"
#include "lib/model/event_schema.h"

struct ftrace_symbols {
	bool has_kernel;         /* the kernel's own are written */
	uint32_t of_modules;     /* symbols written of them; a guest that makes up more is not listened to */
	struct hash_map modules; /* address of struct module -> of its code: those that are written */
};

/* Writes what is new: the kernel's at the first call, each module's when it is first seen. True: something was. */
bool ftrace_symbols_write(struct ftrace_symbols *symbols, const struct guest_kernel *kernel,
	const struct event_schema *schema, struct names_writer *names);
void ftrace_symbols_deinit(struct ftrace_symbols *symbols);
