/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ways to see a function's calls share. */
#ifndef HT_FUNCTIONS_H
#define HT_FUNCTIONS_H

#include <linux/ftrace.h>
#include <linux/jump_label.h>
#include <linux/preempt.h>
#include "hypertrace.h"

/* What is to be recorded, and where to say what cannot be. */
struct ht_functions {
	const char *patterns;
	const u32 *dropped;
	u32 nr_dropped, depth;
	u64 min_tsc;   /* of a call that is worth a record; 0: all are */
	bool filtered; /* by task or CPU: ht_filter_match() */
	char *message;
	size_t size;
};

/* One way. `start` returns an error with the message set, or 0. No call is on its way when `stop` returns. */
struct ht_function_way {
	int (*start)(const struct ht_functions *functions);
	void (*stop)(void);
	u64 (*missed)(unsigned int cause); /* calls that were not recorded, ever; NULL: there is no cause for it */
	void (*drop)(const struct ht_functions *functions, u32 from); /* while it runs: those from there on */
};
extern const struct ht_function_way ht_function_entry, ht_function_return, ht_function_graph;

/* functions.c */
int ht_functions_filter(struct ftrace_ops *ops, const struct ht_functions *functions);
void ht_functions_drop(struct ftrace_ops *ops, const struct ht_functions *functions, u32 from);
unsigned long ht_function_address(const char *name);
bool ht_function_ask(void);

/* Off while functions are switched: the kernel patches tens of thousands of them, each by calls of more functions. */
DECLARE_STATIC_KEY_FALSE(ht_functions_on);
/* Of exits: on before the entries' and off after them, for one place of a key is patched after the other. */
DECLARE_STATIC_KEY_FALSE(ht_function_exits_on);

/* Is this call to be recorded? `filtered` is a constant. Preemption is off. */
static __always_inline bool ht_function_passes(bool filtered)
{
	return !filtered || likely(ht_filter_passes(current)) || ht_function_ask();
}

/* Nearly all functions of the kernel proper begin at a multiple of a word; those of modules are too far away. */
static __always_inline void ht_function_record_entry(unsigned long ip)
{
	const u64 words = ror64(ip - ht_text_address, ilog2(HT_CODE_WORD_BYTES));

	if (likely(words < BIT(24)))
		ht_record(HT_ID_func_entry_text, 3, words, 0);
	else
		ht_record(HT_ID_func_entry, 4, ip, 0);
}

static __always_inline void ht_function_record_exit(void)
{
	ht_record(HT_ID_func_exit, 0, 0, 0);
}

static __always_inline void ht_function_record_span(unsigned long ip, u64 duration_tsc)
{
	const u64 tsc = min_t(u64, duration_tsc, BIT_ULL(40) - 1);
	const struct {
		u32 function, low;
		u8 high;
	} __packed payload = { ip, tsc, tsc >> 32 };

	ht_write(HT_ID_func_span, &payload, sizeof(payload), NULL, 0);
}

/* function_set.c: which functions match, where the kernel does not say */
struct ht_function_set;
struct ht_function_set *ht_function_set_new(const struct ht_functions *functions);
void ht_function_set_free(struct ht_function_set *set);
u32 ht_function_set_count(const struct ht_function_set *set);
bool ht_function_set_next(const struct ht_function_set *set, unsigned long *address);
bool ht_function_set_has(const struct ht_function_set *set, unsigned long ip);

#endif
