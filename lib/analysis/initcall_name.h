/* SPDX-License-Identifier: MIT */
/* What an initcall is called, for people and for finding the same one in another boot. */
#pragma once
#include "lib/analysis/initcalls.h"
#include "lib/model/names.h"

struct initcall_name {
	char text[160]; /* raw: with names from the guest */
};

/*
 * Its function's symbol; "init" of a module whose symbol is gone (the kernel forgets it when the initcall is over);
 * else the address, without the kernel's random offset. `names` may be NULL.
 */
struct initcall_name initcall_function(
	const struct names *names, uint64_t kaslr_offset, const struct initcall *initcall);

/* The same with the module: "ext4_init_fs [ext4]". */
struct initcall_name initcall_full_name(
	const struct names *names, uint64_t kaslr_offset, const struct initcall *initcall);
