/* SPDX-License-Identifier: MIT */
/*
 * Two boots side by side: what takes longer or shorter in the second, what is new in it and what is gone. Stages go by
 * their names, initcalls by function and module, programs by name; the n-th of a name is compared with the n-th.
 */
#pragma once
#include "lib/analysis/boot.h"
#include "lib/analysis/initcall_name.h"

enum boot_change_kind {
	BOOT_CHANGE_STAGE,    /* its length */
	BOOT_CHANGE_INITCALL, /* its time without what ran nested inside */
	BOOT_CHANGE_PROGRAM,  /* from its exec to its exit; not of those that still ran at the end */
	BOOT_CHANGE_KINDS,
};

struct boot_change {
	enum boot_change_kind kind;
	char name[sizeof(struct initcall_name)]; /* raw */
	uint32_t number;                         /* from 1: which of that name */
	bool in_a, in_b;
	uint64_t a_ns, b_ns; /* 0: not there */
};

struct boot_side {
	const struct boot *boot;
	const struct names *names; /* or NULL */
	uint64_t kaslr_offset;
};

struct boot_comparison {
	/* by kind; stages in their order, B's new ones last; the others by the size of the difference */
	struct boot_change *rows[BOOT_CHANGE_KINDS];
	size_t nr_rows[BOOT_CHANGE_KINDS];
	bool from_power_on; /* the totals are; else from the first event */
	uint64_t a_total_ns, b_total_ns;
};

/* -ENOMEM; good for boot_comparison_deinit() all the same. */
int boot_compare(struct boot_comparison *comparison, const struct boot_side *a, const struct boot_side *b);
void boot_comparison_deinit(struct boot_comparison *comparison);

/* B's minus A's. */
static inline int64_t boot_change_ns(const struct boot_change *change)
{
	return (int64_t)(change->b_ns - change->a_ns);
}

/*
 * What explains best that B took longer, or shorter, than A: the initcall that changed most, unless that is less than
 * half of the whole difference, and a program or a stage changed more. NULL: nothing changed by `threshold_ns`.
 */
const struct boot_change *boot_comparison_cause(
	const struct boot_comparison *comparison, uint64_t threshold_ns);
