/* SPDX-License-Identifier: MIT */
/* What can be done with a guest that is found on this host, tried and not guessed: which channels reach it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/vmm/vmm.h"
#include "lib/base/error.h"

struct guest_survey {
	uint64_t memory_bytes; /* of the guest; 0: not known */
	int memory_error; /* 0: its memory can be read (channel ftrace); else why not, a negative errno */
	/* File of its region (channel shm), as its VMM calls it; "": it has none that we can see. To open it: `region_file`,
	 * the mapping itself where we may, which cannot be exchanged meanwhile. */
	char region[4096], region_file[4096];
	bool sees_maps;      /* we may look at its mappings, where a region is that was plugged in */
	const char *socket;  /* QMP socket that would answer us; NULL: none. Points into the VMM */
	bool socket_is_busy; /* there is one, and somebody holds it */
	char release[65];    /* of its kernel; "": not asked for, or not found */
};

/* `proc`: "/proc"; a region in there, unlike memory, is of the real one only. Nothing in the guest is touched. */
void guest_survey_do(struct guest_survey *survey, const struct vmm *vmm, const char *proc);

/* Looks for its kernel; `cache_dir` as for guest_kernel_init(). Takes from some ms to a second. Errors of that. */
int guest_survey_kernel(
	struct guest_survey *survey, const struct vmm *vmm, const char *cache_dir, struct error *error);
