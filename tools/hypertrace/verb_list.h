/* SPDX-License-Identifier: MIT */
/* The program's verbs, or those behind one of them: found, shown, and the nearest where one is mistyped. */
#pragma once
#include "tools/hypertrace/options.h"

struct verb_list {
	const struct command *const *verbs;
	size_t count;
	const char *behind; /* "xen": the verbs are called "xen dump", …; NULL: behind none */
};

/* "dump" of "xen dump" */
const char *verb_word(const struct command *command);

/* By its last word; NULL: no such verb. */
const struct command *verb_list_find(const struct verb_list *list, const char *word);

/* A line each, and where help is. `what` follows "hypertrace VERB [OPTION]... ". */
void verb_list_show(const struct verb_list *list, const char *what, FILE *out);

/* Sets the error with a hint, and returns it. */
int verb_list_unknown(const struct verb_list *list, const char *word, struct error *error);
