/* SPDX-License-Identifier: MIT */
#include "lib/base/suggest.h"

#include <string.h>

#define MAX_LENGTH 32

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's edit distance, by rows; words longer than MAX_LENGTH are as far away as they are long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t row[MAX_LENGTH + 1];

	if (a_length > MAX_LENGTH || b_length > MAX_LENGTH)
		return a_length + b_length;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = min(replaced, min(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_length];
}

struct suggestion suggestion_for(const char *word, size_t length)
{
	return (struct suggestion){.word = word, .length = length, .distance = length / 3 + 2};
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate)
{
	size_t found = distance(suggestion->word, suggestion->length, candidate, strlen(candidate));

	if (found < suggestion->distance && found < suggestion->length) {
		suggestion->distance = found;
		suggestion->best = candidate;
	}
}
