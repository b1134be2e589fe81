// SPDX-License-Identifier: GPL-2.0-only
/* Functions of the kernel proper that match patterns, as bits: their addresses are multiples of 16. */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/glob.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "functions.h"

#define TEXT_BYTES (64UL << 20)
#define ALIGNMENT  16
#define BITS       (TEXT_BYTES / ALIGNMENT)

struct ht_function_set {
	unsigned long begin;
	u32 count;
	/* while it is filled */
	const struct ht_functions *functions;
	char **patterns; /* with their '!' */
	u32 nr_patterns;
	bool *used;
	unsigned long bits[];
};

static bool is_dropped(const struct ht_functions *functions, unsigned long address)
{
	u32 i;

	/* as the probes say it: at the function's first byte, or behind its ENDBR */
	for (i = 0; i < functions->nr_dropped; i++)
		if ((u32)address == functions->dropped[i] || (u32)address + 4 == functions->dropped[i])
			return true;
	return false;
}

static bool take(unsigned long address, const char *name, void *data)
{
	struct ht_function_set *set = data;
	bool in = false, out = false;
	u32 i;

	for (i = 0; i < set->nr_patterns; i++) {
		const char *pattern = set->patterns[i];

		if (!glob_match(pattern + (pattern[0] == '!'), name))
			continue;
		set->used[i] = true;
		*(pattern[0] == '!' ? &out : &in) = true;
	}
	if (!in || out || address % ALIGNMENT || address - set->begin >= TEXT_BYTES || is_dropped(set->functions, address))
		return true;
	set->count += !__test_and_set_bit((address - set->begin) / ALIGNMENT, set->bits);
	return true;
}

static int fill(struct ht_function_set *set, char *text)
{
	const struct ht_functions *functions = set->functions;
	char *pattern;
	int err;
	u32 i;

	set->patterns = kcalloc(HT_CONTROL_FUNCTION_BYTES / 2, sizeof(*set->patterns), GFP_KERNEL);
	set->used = kcalloc(HT_CONTROL_FUNCTION_BYTES / 2, sizeof(*set->used), GFP_KERNEL);
	if (!set->patterns || !set->used)
		return -ENOMEM;
	while ((pattern = strsep(&text, "\n")))
		if (pattern[0])
			set->patterns[set->nr_patterns++] = pattern;
	err = ht_symbols_each(take, set);
	for (i = 0; !err && i < set->nr_patterns; i++)
		if (!set->used[i] && set->patterns[i][0] != '!' && !functions->message[0])
			snprintf(functions->message, functions->size, "functions: no function matches %s",
				 set->patterns[i]);
	return err ?: set->count ? 0 : -ENOENT;
}

/* An ERR_PTR: -ENOENT: none matches; -ENOMEM. A pattern that names none is said in the message. */
struct ht_function_set *ht_function_set_new(const struct ht_functions *functions)
{
	struct ht_function_set *set = kvzalloc(struct_size(set, bits, BITS_TO_LONGS(BITS)), GFP_KERNEL);
	char *text = kstrdup(functions->patterns, GFP_KERNEL);
	int err = set && text ? 0 : -ENOMEM;

	if (!err) {
		set->functions = functions;
		set->begin = ht_text_address & ~(ALIGNMENT - 1UL);
		err = fill(set, text);
		kfree(set->patterns);
		kfree(set->used);
	}
	kfree(text);
	if (!err)
		return set;
	kvfree(set);
	return ERR_PTR(err);
}

void ht_function_set_free(struct ht_function_set *set)
{
	kvfree(set);
}

u32 ht_function_set_count(const struct ht_function_set *set)
{
	return set->count;
}

/* The next one after *address, which begins with 0. */
bool ht_function_set_next(const struct ht_function_set *set, unsigned long *address)
{
	unsigned long from = *address ? (*address - set->begin) / ALIGNMENT + 1 : 0;
	unsigned long bit = find_next_bit(set->bits, BITS, from);

	*address = set->begin + bit * ALIGNMENT;
	return bit < BITS;
}

/* Of an address within the first 16 bytes of a function. */
bool notrace ht_function_set_has(const struct ht_function_set *set, unsigned long ip)
{
	const unsigned long offset = ip - set->begin;

	return offset < TEXT_BYTES && test_bit(offset / ALIGNMENT, set->bits);
}
