/* SPDX-License-Identifier: MIT */
/*
 * Which events a trace holds and how their bytes are laid out. The recorder makes a schema from
 * abi/events.def, the writer writes it as CTF metadata, the reader makes it again from the metadata: a trace
 * explains itself, so traces of older and newer versions stay readable.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define EVENT_NAME_BYTES      64
#define EVENT_FIELDS_MAX      32
#define EVENT_TYPES_MAX       4096 /* ids are below this */
#define EVENT_FIXED_BYTES_MAX 256
#define EVENT_CODE_WORD_BITS  24 /* of a field of CODE that counts words of 4 bytes */

/* Its one field is the task that runs from here on: where a channel knows it without sched_switch. Never delivered. */
#define EVENT_CURRENT_TASK "current_task"
/* A task's name from here on, where no event told that it changed: { pid, comm }. Delivered, and no event of the guest. */
#define EVENT_TASK_COMM "task_comm"

enum event_field_kind {
	EVENT_FIELD_UNSIGNED,
	EVENT_FIELD_SIGNED,
	EVENT_FIELD_HEX, /* unsigned, shown in hex: an address */
	EVENT_FIELD_CODE, /* address of the kernel's code: 32 bits are its low half, 24 count words from a base */
	EVENT_FIELD_COMM, /* 16 bytes of text, NUL-padded */
	EVENT_FIELD_TEXT, /* 16-bit length, then so many bytes of text; only another of these two may follow */
	EVENT_FIELD_BYTES, /* 16-bit length, then so many bytes */
};

/*
 * An integer field's value: load 8 bytes at byte_offset, << left_shift, >> right_shift, ^ sign, + base. Of a signed one
 * the base is -sign, which extends it.
 */
struct event_field {
	enum event_field_kind kind;
	uint16_t byte_offset;
	uint8_t left_shift, right_shift;
	uint64_t sign;       /* the sign's bit; 0: unsigned */
	uint64_t base;       /* of words of code: see event_schema_locate() */
	uint16_t bit_offset; /* from the start of the payload, behind the record's header */
	uint8_t tail;  /* of TEXT and BYTES: how many of them are before it; offsets are those of the first */
	uint16_t bits; /* integers: 1..64, never across more than 8 bytes; COMM 128; TEXT and BYTES: 16, their
	                  length */
	char name[EVENT_NAME_BYTES];
};

/* One layout. An event may have several, each with its own id: that is what CTF knows them by. */
struct event_type {
	uint32_t id;
	char name[EVENT_NAME_BYTES];
	uint16_t nr_fields;
	uint16_t
		fixed_bytes; /* of payload; with TEXT or BYTES fields: up to and with the length of the first */
	bool variable;       /* the last two of fixed_bytes are the length of what follows */
	uint8_t nr_tails;    /* TEXT and BYTES fields; all behind the first begin with lengths of their own */
	struct event_field fields[EVENT_FIELDS_MAX];
};

struct event_schema {
	struct event_type *types[EVENT_TYPES_MAX]; /* by id; NULL: no such event */
	uint32_t nr_types;
};

struct event_schema *event_schema_create(void);
void event_schema_destroy(struct event_schema *schema);

/* Adds an empty type. -EEXIST: the id is taken, -EINVAL: id 0 or too large, bad name. */
int event_schema_add_type(struct event_schema *schema, uint32_t id, const char *name,
	struct event_type **type, struct error *error);

/*
 * Appends a field behind the others. `bits` only matters for integers. -EINVAL: too many, too wide, of fixed length
 * behind one of variable length.
 */
int event_type_add_field(struct event_type *type, const char *name, enum event_field_kind kind, unsigned bits,
	struct error *error);

/* -EINVAL unless every type's payload ends on a byte. */
int event_schema_check(const struct event_schema *schema, struct error *error);

/* Where the words of EVENT_FIELD_CODE count from: the run-time address of the kernel's text, 0 until then. */
void event_schema_locate(struct event_schema *schema, uint64_t text_address);

/* NULL: no such event, no such field. Of an event of several layouts: the one with the lowest id. */
const struct event_type *event_schema_find(const struct event_schema *schema, const char *name);
const struct event_field *event_type_find_field(const struct event_type *type, const char *name);

static inline bool event_field_is_integer(enum event_field_kind kind)
{
	return kind <= EVENT_FIELD_CODE;
}

/* Of one that is neither SIGNED nor CODE. `payload` must have 8 readable bytes from byte_offset on. Of TEXT and BYTES: the length. */
static inline uint64_t event_field_unsigned(const struct event_field *field, const uint8_t *payload)
{
	uint64_t word;

	__builtin_memcpy(&word, payload + field->byte_offset, sizeof(word));
	return word << field->left_shift >> field->right_shift;
}

/* Any integer: a signed one extended to 64 bits, code as its address. No branch on the kind, so it is the way to decode all fields. */
static inline uint64_t event_field_value(const struct event_field *field, const uint8_t *payload)
{
	return (event_field_unsigned(field, payload) ^ field->sign) + field->base;
}

/* A TEXT or BYTES field of a record that was checked: where it is, and how long. */
static inline const uint8_t *event_field_tail(
	const struct event_field *field, const uint8_t *payload, uint32_t *bytes)
{
	const uint8_t *at = payload + field->byte_offset;
	uint16_t length;

	__builtin_memcpy(&length, at, sizeof(length));
	for (unsigned i = 0; i < field->tail; i++) {
		at += sizeof(length) + length;
		__builtin_memcpy(&length, at, sizeof(length));
	}
	*bytes = length;
	return at + sizeof(length);
}

static inline int64_t event_field_signed(const struct event_field *field, const uint8_t *payload)
{
	return (int64_t)event_field_value(field, payload);
}
