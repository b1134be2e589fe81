/* SPDX-License-Identifier: MIT */
/* One type of a BTF that kernel_types_init() has checked; what kernel_types_*.c share. */
#pragma once
#include <linux/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "host/kernel/kernel_types.h"

#define BTF_TYPE_DEPTH_MAX 64 /* typedef of const of typedef …, arrays of arrays, unnamed in unnamed */

struct btf_view {
	uint32_t id, kind, vlen;
	bool kind_flag;
	uint32_t name, size; /* `size` is the id of another type where the kind refers to one */
	const uint8_t *tail; /* members, parameters, … */
};

static inline uint32_t btf_word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Type `id` of types->nr_types: 1 to that; others are `void`. */
static inline struct btf_view btf_view(const struct kernel_types *types, uint32_t id)
{
	const uint8_t *at;
	uint32_t info;

	if (!id || id > types->nr_types)
		return (struct btf_view){.kind = BTF_KIND_UNKN};
	at = types->data + types->offsets[id];
	info = btf_word(at + 4);
	return (struct btf_view){
		.id = id,
		.kind = BTF_INFO_KIND(info),
		.vlen = BTF_INFO_VLEN(info),
		.kind_flag = BTF_INFO_KFLAG(info),
		.name = btf_word(at),
		.size = btf_word(at + 8),
		.tail = at + 12,
	};
}

static inline bool btf_is_struct(const struct btf_view *view)
{
	return view->kind == BTF_KIND_STRUCT || view->kind == BTF_KIND_UNION;
}

/* Through typedef, const, volatile, restrict and type tags; a cycle ends as `void`. */
struct btf_view btf_view_resolved(const struct kernel_types *types, uint32_t id);

/*
 * The next type of that name, resolved: start with position = name_index_find(&types->by_name, …). false: no more.
 */
bool btf_next_named(
	const struct kernel_types *types, const char *name, uint32_t *position, struct btf_view *view);
