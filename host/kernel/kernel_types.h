/* SPDX-License-Identifier: MIT */
/*
 * The types of a guest's kernel, from its BTF (https://docs.kernel.org/bpf/btf.html). A small reader of our own,
 * because the bytes are a guest's: libbpf 1.1 of Debian 12 believes them. Every index, offset and length is checked
 * when the types are taken in; cycles of types end in an error.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/name_index.h"
#include "lib/base/error.h"

#define KERNEL_TYPES_BYTES_MAX (64u << 20)

/* Where a field lies in its struct. */
struct kernel_field {
	uint32_t byte_offset;
	uint32_t
		bytes; /* of the whole field, an array's too; of a bit field: of its storage (1, 2, 4 or 8) */
	uint8_t bit_offset, bits; /* bits: 0 unless a bit field; then it is (word >> bit_offset) & mask */
	bool is_signed;           /* of an array: its elements, here and below */
	bool is_pointer;
	uint32_t elements; /* of an array, of all its dimensions; 0: a flexible one; else 1 */
};

struct kernel_types {
	const uint8_t *data; /* BTF, whole; the caller's, and must outlive this */
	size_t bytes;
	const char *strings;
	uint32_t strings_bytes;
	uint32_t nr_types;
	uint32_t *offsets;         /* of type i (from 1 on) in data */
	struct name_index by_name; /* of structs, unions, enums and typedefs -> id, the lowest first */
};

/* -EINVAL: no BTF, damaged (offset and reason), of a version or byte order we cannot read; -E2BIG; -ENOMEM. */
int kernel_types_init(struct kernel_types *types, const void *data, size_t bytes, struct error *error);
void kernel_types_deinit(struct kernel_types *types);

/*
 * A field by its path, "tasks.next" or "array_buffer.buffer", also through unnamed structs and unions; of an array of
 * structs the first element's. `type`: a struct, a union, or a typedef of one. Where several share the name the first
 * that has the field is taken. What is returned lies within the struct. -ENOENT: there is none (no message: asking for
 * what only some kernels have is normal; kernel_types_need() makes one), or it is damaged.
 */
int kernel_types_field(
	const struct kernel_types *types, const char *type, const char *path, struct kernel_field *field);

/* The same, and -ENOENT with an error that names both. */
int kernel_types_need(const struct kernel_types *types, const char *type, const char *path,
	struct kernel_field *field, struct error *error);

/* Bytes of a struct or union; 0: there is none. */
uint32_t kernel_types_size(const struct kernel_types *types, const char *type);

/* The value of an enumerator of a named enum; -ENOENT. */
int kernel_types_enumerator(
	const struct kernel_types *types, const char *type, const char *name, int64_t *value);

/* An integer field out of a copy of its struct. The caller has checked that the copy is long enough. */
static inline uint64_t kernel_field_value(const struct kernel_field *field, const void *copy)
{
	uint64_t value = 0;
	uint32_t bytes = field->bytes > 8 ? 8 : field->bytes;

	__builtin_memcpy(&value, (const uint8_t *)copy + field->byte_offset, bytes);
	if (field->bits) {
		value >>= field->bit_offset;
		if (field->bits < 64)
			value &= (UINT64_C(1) << field->bits) - 1;
		if (field->is_signed && field->bits < 64 && value >> (field->bits - 1))
			value |= ~UINT64_C(0) << field->bits;
	} else if (field->is_signed && bytes && bytes < 8 && value >> (8 * bytes - 1)) {
		value |= ~UINT64_C(0) << (8 * bytes);
	}
	return value;
}
