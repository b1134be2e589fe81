/* SPDX-License-Identifier: MIT */
/* "Did you mean …?": the known word nearest to a mistyped one. */
#pragma once
#include <stddef.h>

struct suggestion {
	const char *word; /* as typed */
	size_t length;
	size_t distance;  /* of `best`; starts at the largest that is still worth suggesting, plus one */
	const char *best; /* NULL: nothing is near */
};

struct suggestion suggestion_for(const char *word, size_t length);
void suggestion_consider(struct suggestion *suggestion, const char *candidate);
