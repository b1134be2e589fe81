/* SPDX-License-Identifier: MIT */
/* What the verbs' JSON documents have in common. */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include "tools/hypertrace/trace_damage.h"

/* Jansson's integers have a sign: INT64_MAX at most. */
void json_set_count(json_t *object, const char *key, uint64_t value);

/* Foreign text, in whatever encoding: a byte that is no UTF-8 becomes the character of that number. New reference. */
json_t *json_foreign(const char *text, size_t bytes);
void json_set_text(json_t *object, const char *key, const char *text);

/* "damaged_packets", and of the first "damage" */
void json_set_damage(json_t *object, const struct trace_damage *damage);

/* Writes and releases a document; NULL: no memory. `flags` of Jansson besides the indent. -ENOMEM. */
int json_write(json_t *document, size_t flags, FILE *out);
