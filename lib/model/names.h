/* SPDX-License-Identifier: MIT */
/*
 * The names of one machine's tasks, irqs, symbols and generic tracepoints: TRACE/<machine>/names/, which the
 * recorder writes and every reader loads.
 *
 *   tasks          lines "PID TGID COMM"; later lines replace earlier ones; TGID 0: not known, keeps an earlier one
 *   irqs           lines "IRQ NAME"
 *   symbols        as /proc/kallsyms: "ADDRESS TYPE NAME", run-time addresses
 *   formats/ID     the tracefs format file of the generic tracepoint with that number, whole
 *
 * A guest wrote them: lines that are no such thing are skipped and counted, never believed.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/hash_map.h"

#define NAMES_COMM_BYTES 17 /* 16 and a NUL */
#define NAMES_FILE_LIMIT (256u << 20)

struct names_task {
	uint32_t tgid;
	char comm[NAMES_COMM_BYTES]; /* raw, from the guest: escape it for a terminal */
};

struct names_symbol {
	uint64_t address;
	uint32_t name; /* offset into symbol_text */
};

struct names {
	struct hash_map tasks;        /* pid -> struct names_task * */
	struct hash_map irqs;         /* irq -> char * */
	struct hash_map formats;      /* number -> char * */
	struct names_symbol *symbols; /* by rising address */
	size_t nr_symbols;
	char *symbol_text;
	uint64_t bad_lines;
};

enum names_parts {
	NAMES_TASKS = 1 << 0,
	NAMES_IRQS = 1 << 1,
	NAMES_SYMBOLS = 1 << 2,
	NAMES_FORMATS = 1 << 3,
	NAMES_ALL = 15,
};

/*
 * Loads the parts of TRACE/<machine>/names; what is not there is no error. `names` starts as { 0 } or holds
 * other parts. Negative errno: cannot be read, too large, no memory.
 */
int names_load(struct names *names, int machine_dir_fd, unsigned parts, struct error *error);
void names_deinit(struct names *names);

/* The same from text in memory. -ENOMEM. */
int names_parse_tasks(struct names *names, const char *text, size_t bytes);
int names_parse_irqs(struct names *names, const char *text, size_t bytes);
int names_parse_symbols(struct names *names, const char *text, size_t bytes);

/* NULL: not known. */
const struct names_task *names_task(const struct names *names, uint32_t pid);
const char *names_irq(const struct names *names, uint32_t irq);
const char *names_format(const struct names *names, uint32_t number);

/* The symbol at or before an address, and how far into it; NULL: before the first, or more than 1 MiB behind one. */
const char *names_symbol(const struct names *names, uint64_t address, uint64_t *offset);

/* While reading: a fork or exec said so. `comm` is 16 bytes, NUL-padded, raw; `tgid` 0: not known. -ENOMEM. */
int names_set_task(struct names *names, uint32_t pid, uint32_t tgid, const char comm[16]);
