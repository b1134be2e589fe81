/* SPDX-License-Identifier: MIT */
/* Fields by their path. */
#include "host/kernel/kernel_types.h"

#include <errno.h>

#include "host/kernel/btf_type.h"

#define UNNAMED_DEPTH_MAX 16
/* Members looked at for one path. The largest struct with all that is unnamed in it has some thousands. */
#define STEPS_MAX (1u << 20)

/* A member that was found: its type, and where it lies, in bits. */
struct member {
	uint32_t type;
	uint64_t bit_offset;
	uint32_t bits; /* of a bit field as kind_flag gives it; 0: none */
};

struct search {
	const struct kernel_types *types;
	const char *name;
	size_t name_bytes;
	uint32_t steps;
};

static struct member member_of(const struct btf_view *view, uint32_t i)
{
	const uint8_t *item = view->tail + (size_t)i * 12;
	uint32_t offset = btf_word(item + 8);

	return (struct member){
		.type = btf_word(item + 4),
		.bit_offset = view->kind_flag ? BTF_MEMBER_BIT_OFFSET(offset) : offset,
		.bits = view->kind_flag ? BTF_MEMBER_BITFIELD_SIZE(offset) : 0,
	};
}

static const char *member_name(const struct kernel_types *types, const struct btf_view *view, uint32_t i)
{
	return types->strings + btf_word(view->tail + (size_t)i * 12);
}

/*
 * The member of that name, also within unnamed members: a walk in depth, with a stack of its own. Steps are counted
 * over the whole search, for unnamed structs that share their members could be 2^depth.
 */
static bool find_member(struct search *search, const struct btf_view *top, struct member *found)
{
	struct frame {
		struct btf_view view;
		uint64_t bit_offset;
		uint32_t next;
	} stack[UNNAMED_DEPTH_MAX] = {{.view = *top}};
	int depth = 0;

	while (depth >= 0) {
		struct frame *frame = &stack[depth];
		const uint32_t i = frame->next++;
		struct member member;
		struct btf_view inner;
		const char *name;

		if (i >= frame->view.vlen) {
			depth--;
			continue;
		}
		if (++search->steps > STEPS_MAX)
			return false;
		name = member_name(search->types, &frame->view, i);
		member = member_of(&frame->view, i);
		member.bit_offset += frame->bit_offset;
		if (!strncmp(name, search->name, search->name_bytes) && !name[search->name_bytes]) {
			*found = member;
			return true;
		}
		if (*name || depth + 1 == UNNAMED_DEPTH_MAX)
			continue;
		inner = btf_view_resolved(search->types, member.type);
		if (btf_is_struct(&inner))
			stack[++depth] = (struct frame){.view = inner, .bit_offset = member.bit_offset};
	}
	return false;
}

/* What a type is as a field: `view` becomes that of an array's elements. false: too large, of no size, or a cycle. */
static bool measure(
	const struct kernel_types *types, uint32_t id, struct btf_view *view, struct kernel_field *field)
{
	uint64_t elements = 1, bytes;

	*view = btf_view_resolved(types, id);
	for (int depth = 0; view->kind == BTF_KIND_ARRAY; depth++) {
		elements *= btf_word(view->tail + 8);
		if (elements > UINT32_MAX || depth == BTF_TYPE_DEPTH_MAX)
			return false;
		*view = btf_view_resolved(types, btf_word(view->tail));
	}
	switch (view->kind) {
	case BTF_KIND_PTR:
		bytes = 8;
		field->is_pointer = true;
		break;
	case BTF_KIND_INT:
		bytes = view->size;
		field->is_signed = BTF_INT_ENCODING(btf_word(view->tail)) & BTF_INT_SIGNED;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		bytes = view->size;
		field->is_signed = view->kind_flag;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FLOAT:
		bytes = view->size;
		break;
	default:
		return false;
	}
	if (bytes * elements > UINT32_MAX)
		return false;
	field->elements = (uint32_t)elements;
	field->bytes = (uint32_t)(bytes * elements);
	return true;
}

/* Before kind_flag (and still for structs without bit fields) the INT type itself says how many bits it has. */
static void apply_old_bit_field(const struct btf_view *view, struct member *member)
{
	uint32_t data;

	if (view->kind != BTF_KIND_INT || member->bits)
		return;
	data = btf_word(view->tail);
	if (BTF_INT_OFFSET(data) == 0 && BTF_INT_BITS(data) == 8 * view->size)
		return;
	member->bit_offset += BTF_INT_OFFSET(data);
	member->bits = BTF_INT_BITS(data);
}

/* The smallest storage that holds the bits and does not reach beyond the struct. */
static bool place_bit_field(const struct member *member, uint64_t struct_bytes, struct kernel_field *field)
{
	uint64_t byte = member->bit_offset / 8, end = (member->bit_offset + member->bits + 7) / 8,
		 storage = 1;

	if (member->bits > 64 || end - byte > 8 || end > struct_bytes)
		return false;
	while (storage < end - byte)
		storage *= 2;
	if (storage > struct_bytes)
		storage = struct_bytes; /* a packed struct of 3 bytes */
	if (byte + storage > struct_bytes)
		byte = struct_bytes - storage;
	field->byte_offset = (uint32_t)byte;
	field->bytes = (uint32_t)storage;
	field->bit_offset = (uint8_t)(member->bit_offset - byte * 8);
	field->bits = (uint8_t)member->bits;
	return true;
}

static int finish(const struct kernel_types *types, const struct btf_view *top, struct member *member,
	struct kernel_field *field)
{
	struct btf_view view;

	*field = (struct kernel_field){0};
	if (!measure(types, member->type, &view, field))
		return -ENOENT;
	if (field->elements == 1)
		apply_old_bit_field(&view, member);
	if (member->bits)
		return place_bit_field(member, top->size, field) ? 0 : -ENOENT;
	if (member->bit_offset % 8 || member->bit_offset / 8 + field->bytes > top->size)
		return -ENOENT;
	field->byte_offset = (uint32_t)(member->bit_offset / 8);
	return 0;
}

/* Follows the path from one struct on. */
static int field_in(
	struct search *search, const struct btf_view *top, const char *path, struct kernel_field *field)
{
	struct member member = {0};
	struct btf_view view = *top;
	uint64_t bit_offset = 0;

	for (;;) {
		struct kernel_field ignored = {0};

		search->name = path;
		search->name_bytes = strcspn(path, ".");
		if (!search->name_bytes || !btf_is_struct(&view) || !find_member(search, &view, &member))
			return -ENOENT;
		bit_offset += member.bit_offset;
		path += search->name_bytes;
		if (!*path)
			break;
		path++;
		if (!measure(search->types, member.type, &view, &ignored))
			return -ENOENT;
	}
	member.bit_offset = bit_offset;
	return finish(search->types, top, &member, field);
}

int kernel_types_field(
	const struct kernel_types *types, const char *type, const char *path, struct kernel_field *field)
{
	uint32_t position = name_index_find(&types->by_name, type, strlen(type));
	struct search search = {.types = types};
	struct btf_view view;

	while (btf_next_named(types, type, &position, &view))
		if (btf_is_struct(&view) && !field_in(&search, &view, path, field))
			return 0;
	return -ENOENT;
}

int kernel_types_need(const struct kernel_types *types, const char *type, const char *path,
	struct kernel_field *field, struct error *error)
{
	int code = kernel_types_field(types, type, path, field);

	if (code && !kernel_types_size(types, type))
		return error_set(error, code, "the kernel's types: no struct %s", type);
	if (code)
		return error_set(error, code, "the kernel's types: struct %s has no field %s", type, path);
	return 0;
}
