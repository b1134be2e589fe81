/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_types.h"

#include <errno.h>
#include <stdlib.h>

#include "host/kernel/btf_type.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "BTF of x86-64 is read as it lies");

#define TYPE_BYTES 12u /* struct btf_type */

/* Bytes that follow a type, and what of them (and of the type itself) are ids of types and offsets of names. */
struct shape {
	uint8_t fixed, per_vlen; /* bytes */
	bool refers;             /* the type's third word is an id */
	uint8_t item_name;       /* of each item: word + 1 that is a name, 0: none */
	uint8_t item_type;       /* the same of an id */
};

static const struct shape shapes[] = {
	[BTF_KIND_INT] = {4, 0},
	[BTF_KIND_PTR] = {0, 0, true},
	[BTF_KIND_ARRAY] = {12, 0},
	[BTF_KIND_STRUCT] = {0, 12, false, 1, 2},
	[BTF_KIND_UNION] = {0, 12, false, 1, 2},
	[BTF_KIND_ENUM] = {0, 8, false, 1},
	[BTF_KIND_FWD] = {0, 0},
	[BTF_KIND_TYPEDEF] = {0, 0, true},
	[BTF_KIND_VOLATILE] = {0, 0, true},
	[BTF_KIND_CONST] = {0, 0, true},
	[BTF_KIND_RESTRICT] = {0, 0, true},
	[BTF_KIND_FUNC] = {0, 0, true}, /* vlen is the linkage */
	[BTF_KIND_FUNC_PROTO] = {0, 8, true, 1, 2},
	[BTF_KIND_VAR] = {4, 0, true},
	[BTF_KIND_DATASEC] = {0, 12, false, 0, 1},
	[BTF_KIND_FLOAT] = {0, 0},
	[BTF_KIND_DECL_TAG] = {4, 0, true},
	[BTF_KIND_TYPE_TAG] = {0, 0, true},
	[BTF_KIND_ENUM64] = {0, 12, false, 1},
};

static bool is_indexed(uint32_t kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
		kind == BTF_KIND_ENUM64 || kind == BTF_KIND_TYPEDEF;
}

/* Where the types and the strings are, both within the data. */
struct sections {
	uint32_t types, types_end; /* offsets in the data */
};

static int read_header(struct kernel_types *types, struct sections *sections, struct error *error)
{
	struct btf_header header;
	uint64_t end, strings;

	if (types->bytes > KERNEL_TYPES_BYTES_MAX)
		return error_set(error, -E2BIG, "BTF: %zu bytes, at most %u can be read", types->bytes,
			KERNEL_TYPES_BYTES_MAX);
	if (types->bytes < sizeof(header))
		return error_set(error, -EINVAL, "BTF: %zu bytes are less than its header", types->bytes);
	memcpy(&header, types->data, sizeof(header));
	if (header.magic != BTF_MAGIC)
		return error_set(error, -EINVAL, "BTF: offset 0: magic 0x%04x where 0x%04x should be",
			header.magic, BTF_MAGIC);
	if (header.version != BTF_VERSION)
		return error_set(error, -EINVAL, "BTF: version %u, this program reads %u", header.version,
			BTF_VERSION);
	if (header.hdr_len < sizeof(header) || header.hdr_len > types->bytes)
		return error_set(error, -EINVAL, "BTF: header of %u bytes", header.hdr_len);
	end = (uint64_t)header.hdr_len + header.type_off + header.type_len;
	strings = (uint64_t)header.hdr_len + header.str_off;
	if (end > types->bytes || strings + header.str_len > types->bytes)
		return error_set(error, -EINVAL, "BTF: sections end at %llu and %llu of %zu bytes",
			(unsigned long long)end, (unsigned long long)(strings + header.str_len),
			types->bytes);
	/* with a NUL at both ends every offset below str_len is a text, and 0 is none */
	if (!header.str_len || types->data[strings] || types->data[strings + header.str_len - 1])
		return error_set(error, -EINVAL, "BTF: strings at %llu: no NUL at both ends",
			(unsigned long long)strings);
	types->strings = (const char *)types->data + strings;
	types->strings_bytes = header.str_len;
	*sections = (struct sections){(uint32_t)(end - header.type_len), (uint32_t)end};
	return 0;
}

/* Bytes of the type at `at`, or 0: of an unknown kind, or cut off. */
static uint64_t type_bytes(const uint8_t *at, uint64_t left)
{
	const struct shape *shape;
	uint32_t info, kind;
	uint64_t bytes;

	if (left < TYPE_BYTES)
		return 0;
	info = btf_word(at + 4);
	kind = BTF_INFO_KIND(info);
	if (kind == BTF_KIND_UNKN || kind >= sizeof(shapes) / sizeof(shapes[0]))
		return 0;
	shape = &shapes[kind];
	bytes = TYPE_BYTES + shape->fixed + (uint64_t)shape->per_vlen * BTF_INFO_VLEN(info);
	return bytes <= left ? bytes : 0;
}

static int record_offsets(struct kernel_types *types, const struct sections *sections, struct error *error)
{
	uint32_t capacity = 0;

	for (uint32_t at = sections->types; at < sections->types_end;) {
		uint64_t bytes = type_bytes(types->data + at, sections->types_end - at);

		if (!bytes)
			return error_set(error, -EINVAL, "BTF: type %u at %u: unknown kind, or cut off",
				types->nr_types + 1, at);
		if (types->nr_types + 1 >= capacity) {
			uint32_t larger = capacity ? capacity * 2 : 1u << 14;
			uint32_t *grown = realloc(types->offsets, larger * sizeof(*grown));

			if (!grown)
				return error_set(error, -ENOMEM, "BTF: %s", strerror(ENOMEM));
			types->offsets = grown;
			capacity = larger;
		}
		types->offsets[++types->nr_types] = at;
		at += (uint32_t)bytes;
	}
	if (!types->nr_types)
		return error_set(error, -EINVAL, "BTF: no types");
	return 0;
}

static int bad(
	const struct kernel_types *types, uint32_t id, const char *what, uint32_t value, struct error *error)
{
	return error_set(error, -EINVAL, "BTF: type %u at %u: %s %u does not exist", id, types->offsets[id],
		what, value);
}

/* Every name and every id that the type holds. Ids are below nr_types + 1; 0 is void. */
static int check_type(const struct kernel_types *types, uint32_t id, struct error *error)
{
	const struct btf_view view = btf_view(types, id);
	const struct shape *shape = &shapes[view.kind];

	if (view.name >= types->strings_bytes)
		return bad(types, id, "name", view.name, error);
	if (shape->refers && view.size > types->nr_types)
		return bad(types, id, "type", view.size, error);
	if (view.kind == BTF_KIND_ARRAY)
		for (int i = 0; i < 2; i++)
			if (btf_word(view.tail + 4 * i) > types->nr_types)
				return bad(types, id, "type", btf_word(view.tail + 4 * i), error);
	if (!shape->per_vlen)
		return 0;
	for (uint32_t i = 0; i < view.vlen; i++) {
		const uint8_t *item = view.tail + (size_t)i * shape->per_vlen;

		if (shape->item_name && btf_word(item + 4 * (shape->item_name - 1)) >= types->strings_bytes)
			return bad(types, id, "name", btf_word(item + 4 * (shape->item_name - 1)), error);
		if (shape->item_type && btf_word(item + 4 * (shape->item_type - 1)) > types->nr_types)
			return bad(types, id, "type", btf_word(item + 4 * (shape->item_type - 1)), error);
	}
	return 0;
}

static int check_and_index(struct kernel_types *types, struct error *error)
{
	if (name_index_init(&types->by_name, types->nr_types + 1))
		return error_set(error, -ENOMEM, "BTF: %s", strerror(ENOMEM));
	/* from the last to the first: of equal names the first is then found first */
	for (uint32_t id = types->nr_types; id; id--) {
		const struct btf_view view = btf_view(types, id);
		const char *name = types->strings + view.name;
		int code = check_type(types, id, error);

		if (code)
			return code;
		if (is_indexed(view.kind) && *name)
			name_index_add(&types->by_name, id, name, strlen(name));
	}
	return 0;
}

int kernel_types_init(struct kernel_types *types, const void *data, size_t bytes, struct error *error)
{
	struct sections sections = {0};
	int code;

	*types = (struct kernel_types){.data = data, .bytes = bytes};
	code = read_header(types, &sections, error);
	if (!code)
		code = record_offsets(types, &sections, error);
	if (!code)
		code = check_and_index(types, error);
	if (code)
		kernel_types_deinit(types);
	return code;
}

void kernel_types_deinit(struct kernel_types *types)
{
	free(types->offsets);
	name_index_deinit(&types->by_name);
	*types = (struct kernel_types){0};
}

struct btf_view btf_view_resolved(const struct kernel_types *types, uint32_t id)
{
	for (int depth = 0; depth < BTF_TYPE_DEPTH_MAX; depth++) {
		const struct btf_view view = btf_view(types, id);

		switch (view.kind) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = view.size;
			break;
		default:
			return view;
		}
	}
	return (struct btf_view){.kind = BTF_KIND_UNKN};
}

bool btf_next_named(
	const struct kernel_types *types, const char *name, uint32_t *position, struct btf_view *view)
{
	uint32_t id;

	while (name_index_next(&types->by_name, position, &id)) {
		*view = btf_view(types, id);
		if (!strcmp(types->strings + view->name, name)) {
			*view = btf_view_resolved(types, id);
			return true;
		}
	}
	return false;
}

uint32_t kernel_types_size(const struct kernel_types *types, const char *type)
{
	uint32_t position = name_index_find(&types->by_name, type, strlen(type));
	struct btf_view view;

	while (btf_next_named(types, type, &position, &view))
		if (btf_is_struct(&view))
			return view.size;
	return 0;
}

static bool enumerator_of(
	const struct kernel_types *types, const struct btf_view *view, const char *name, int64_t *value)
{
	const size_t step = view->kind == BTF_KIND_ENUM64 ? 12 : 8;

	for (uint32_t i = 0; i < view->vlen; i++) {
		const uint8_t *item = view->tail + i * step;

		if (strcmp(types->strings + btf_word(item), name))
			continue;
		if (view->kind == BTF_KIND_ENUM64)
			*value = (int64_t)((uint64_t)btf_word(item + 8) << 32 | btf_word(item + 4));
		else /* kind_flag: signed; before 6.0 it is always 0, and values above INT32_MAX are rare */
			*value = view->kind_flag ? (int32_t)btf_word(item + 4) : (int64_t)btf_word(item + 4);
		return true;
	}
	return false;
}

int kernel_types_enumerator(
	const struct kernel_types *types, const char *type, const char *name, int64_t *value)
{
	uint32_t position = name_index_find(&types->by_name, type, strlen(type));
	struct btf_view view;

	while (btf_next_named(types, type, &position, &view))
		if ((view.kind == BTF_KIND_ENUM || view.kind == BTF_KIND_ENUM64) &&
			enumerator_of(types, &view, name, value))
			return 0;
	return -ENOENT;
}
