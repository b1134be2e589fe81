/* SPDX-License-Identifier: MIT */
/* BTF: whatever the bytes are, what is taken in can be asked for anything. */
#include "tests/fuzz/fuzz.h"

#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "host/kernel/kernel_types.h"
#include "tests/unit/btf_maker.h"

const char fuzz_name[] = "kernel_types";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static uint8_t *made;
	static size_t bytes;
	struct btf_maker maker;

	if (index)
		return 0;
	*data = made;
	if (made)
		return bytes;
	btf_maker_init(&maker);
	btf_maker_add(&maker, "a", BTF_KIND_INT, false, 0, 4, (uint32_t[]){BTF_INT_SIGNED << 24 | 32}, 1);
	btf_maker_add(&maker, NULL, BTF_KIND_PTR, false, 0, 3, NULL, 0);
	btf_maker_add(&maker, "s", BTF_KIND_STRUCT, true, 3, 16,
		(uint32_t[]){btf_maker_name(&maker, "x"), 1, 3u << 24 | 5, 0, 4, 32,
			btf_maker_name(&maker, "y"), 5, 64},
		9);
	btf_maker_add(&maker, "t", BTF_KIND_UNION, false, 2, 4,
		(uint32_t[]){btf_maker_name(&maker, "z"), 1, 0, 0, 6, 0}, 6);
	btf_maker_add(&maker, NULL, BTF_KIND_ARRAY, false, 0, 0, (uint32_t[]){6, 1, 2}, 3);
	btf_maker_add(&maker, "d", BTF_KIND_TYPEDEF, false, 0, 7, NULL, 0);
	btf_maker_add(&maker, NULL, BTF_KIND_CONST, false, 0, 1, NULL, 0);
	btf_maker_add(
		&maker, "e", BTF_KIND_ENUM, false, 1, 4, (uint32_t[]){btf_maker_name(&maker, "x"), 1}, 2);
	btf_maker_add(&maker, "e", BTF_KIND_ENUM64, false, 1, 8,
		(uint32_t[]){btf_maker_name(&maker, "y"), 1, 2}, 3);
	btf_maker_add(&maker, NULL, BTF_KIND_FUNC_PROTO, false, 1, 1, (uint32_t[]){0, 2}, 2);
	btf_maker_add(&maker, "f", BTF_KIND_FUNC, false, 1, 10, NULL, 0);
	btf_maker_add(&maker, "v", BTF_KIND_VAR, false, 0, 1, (uint32_t[]){0}, 1);
	btf_maker_add(&maker, "o", BTF_KIND_DATASEC, false, 1, 4, (uint32_t[]){12, 0, 4}, 3);
	btf_maker_add(&maker, "g", BTF_KIND_DECL_TAG, false, 0, 3, (uint32_t[]){1}, 1);
	btf_maker_add(&maker, "h", BTF_KIND_TYPE_TAG, false, 0, 1, NULL, 0);
	made = btf_maker_finish(&maker, &bytes);
	*data = made;
	return bytes;
}

/* What was found lies within the struct, and can be read out of a copy of it. */
static void use_field(const struct kernel_types *types, const char *type, const char *path)
{
	struct kernel_field field;
	uint8_t *copy;

	if (kernel_types_field(types, type, path, &field))
		return;
	if (field.bits > 64 ||
		(field.bits && (field.bytes > 8 || field.bit_offset + field.bits > 8 * field.bytes)))
		abort();
	if (field.byte_offset > 1u << 20 || field.bytes > 1u << 20)
		return;
	copy = calloc(1, (size_t)field.byte_offset + field.bytes + 1);
	if (!copy)
		abort();
	kernel_field_value(&field, copy);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a", "s", "t", "d", "e", "f", "x", ""};
	static const char *const paths[] = {"x", "y", "z", "y.x", "x.y.z", "", "none"};
	struct kernel_types types;
	struct error error = {0};
	int64_t value;

	if (kernel_types_init(&types, data, size, &error)) {
		if (!error.text[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		kernel_types_size(&types, names[i]);
		kernel_types_enumerator(&types, names[i], "x", &value);
		for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++)
			use_field(&types, names[i], paths[j]);
	}
	kernel_types_deinit(&types);
	return 0;
}
