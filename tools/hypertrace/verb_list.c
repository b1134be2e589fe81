/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/verb_list.h"

#include <errno.h>
#include <string.h>

#include "lib/base/suggest.h"

const char *verb_word(const struct command *command)
{
	const char *blank = strrchr(command->name, ' ');

	return blank ? blank + 1 : command->name;
}

const struct command *verb_list_find(const struct verb_list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(verb_word(list->verbs[i]), word) == 0)
			return list->verbs[i];
	return NULL;
}

/* "xen ", where a verb is behind that one */
static const char *head(const struct verb_list *list)
{
	return list->behind ? list->behind : "";
}

static const char *gap(const struct verb_list *list)
{
	return list->behind ? " " : "";
}

void verb_list_show(const struct verb_list *list, const char *what, FILE *out)
{
	fprintf(out, "hypertrace %s%sVERB [OPTION]... %s\n\n", head(list), gap(list), what);
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "  %-10s %s\n", verb_word(list->verbs[i]), list->verbs[i]->summary);
	fprintf(out, "\nhypertrace %s%sVERB --help shows a verb's options and examples.\n", head(list),
		gap(list));
}

int verb_list_unknown(const struct verb_list *list, const char *word, struct error *error)
{
	struct suggestion suggestion = suggestion_for(word, strlen(word));

	for (size_t i = 0; i < list->count; i++)
		suggestion_consider(&suggestion, verb_word(list->verbs[i]));
	error_set(error, -EINVAL, "unknown verb '%s%s%s'", head(list), gap(list), word);
	if (suggestion.best)
		error_hint(error, "did you mean '%s%s%s'? hypertrace %s%s--help lists the verbs", head(list),
			gap(list), suggestion.best, head(list), gap(list));
	return error_hint(error, "hypertrace %s%s--help lists the verbs", head(list), gap(list));
}
