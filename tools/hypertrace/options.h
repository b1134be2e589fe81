/* SPDX-License-Identifier: MIT */
/*
 * The command line, declared once: the parser, --help, the man pages and the shell completion all come from
 * the tables below.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/base/error.h"

enum option_kind {
	OPTION_FLAG,     /* bool: --json */
	OPTION_STRING,   /* const char *: --output DIR */
	OPTION_LIST,     /* struct string_list: may be given several times */
	OPTION_UNSIGNED, /* uint64_t: --smp 2 */
	OPTION_BYTES,    /* uint64_t: --size 4M (K, M, G) */
	OPTION_SECONDS,  /* double: --duration 2.5 (s, ms, m) */
	OPTION_CHOICE,   /* unsigned: which word of `argument` ("overwrite|discard"), from 1; 0: not given */
};

#define STRING_LIST_MAX 64
struct string_list {
	size_t count;
	const char *items[STRING_LIST_MAX];
};

/* The items with commas between; to be freed. NULL: out of memory. */
char *string_list_join(const struct string_list *list);

struct option_spec {
	char letter;          /* 0: only the long name */
	const char *name;     /* long name without dashes */
	const char *argument; /* as shown in help, "FILE"; the words of a choice; NULL for flags */
	enum option_kind kind;
	size_t offset;    /* of the value in the verb's struct of options */
	const char *help; /* small first letter, no full stop */
};
/* ends with { 0 } */

struct verb_list;

struct command {
	const char *name;     /* the verb */
	const char *summary;  /* one line: capital first letter, no full stop */
	const char *synopsis; /* what follows "hypertrace VERB" */
	const char *
		description; /* paragraphs with an empty line between; one whose lines end in \n keeps them */
	const char *examples; /* lines "  hypertrace …", each with a comment line above; no \n at the end */
	const struct option_spec *options;
	bool no_operands;              /* options only */
	bool no_help;                  /* --help and -h are as unknown as others */
	const struct verb_list *verbs; /* behind this one; NULL: none */
	/* The words that the first operand may be: the index-th, NULL: no more. For completion. */
	const char *(*operand)(size_t index);
	bool same_operands;                                               /* … and each further one */
	int (*run)(const struct command *command, int argc, char **argv); /* returns the exit status */
};

/*
 * Parses argv (argv[0] is the verb) into the struct at `values`; options and operands may be mixed, "--" ends
 * the options. On return *argc and *argv are the operands. Returns 0, a negative errno with `error` set (the
 * caller shows it and exits with 2), or 1 when --help was given and printed (exit with 0).
 */
int options_parse(const struct command *command, int *argc, char ***argv, void *values, struct error *error);

void options_help(const struct command *command, FILE *out);
void options_man(const struct command *command, FILE *out);        /* mdoc(7) page hypertrace-VERB(1) */
void options_completion(const struct verb_list *verbs, FILE *out); /* bash */

/* Prints "hypertrace: text" and "hint: …" on stderr. With json: one object on stdout. Returns status. */
int show_error(const struct error *error, bool json, int status);
