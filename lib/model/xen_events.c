/* SPDX-License-Identifier: MIT */
#include "lib/model/xen_events.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "lib/model/xen_names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* In place of a word: the event's code. */
#define CODE XEN_EXTRAS_MAX

enum field_part {
	PART_BITS,     /* `bits` from `shift` on */
	PART_WIDE,     /* the word and the next */
	PART_VCPU,     /* domain << 16 | vcpu */
	PART_PAIR,     /* domain, vcpu */
	PART_SIGNED,   /* the word, signed */
	PART_LIMIT,    /* the same; INT_MIN: none */
	PART_OR_NONE,  /* all ones: none */
	PART_LOAD,     /* 64 bits; `shift` and `bits`: word and bit of the shift */
	PART_POD,      /* of order or domain, by `shift` */
	PART_TRAP_EC,  /* the upper half, if bit 15 is set */
	PART_HYPERCALL /* the whole record of a hypercall with arguments */
};

struct xen_field {
	const char *name;
	uint8_t part, word, words, shift, bits;
	uint8_t kind;
	uint8_t names;
};

#define FIELD(name_, part_, word_, words_, shift_, bits_, kind_, names_) \
	{.name = name_,                                                  \
		.part = PART_##part_,                                    \
		.word = word_,                                           \
		.words = words_,                                         \
		.shift = shift_,                                         \
		.bits = bits_,                                           \
		.kind = XEN_VALUE_##kind_,                               \
		.names = names_},
#define BITS(name, word, shift, bits)   FIELD(name, BITS, word, 1, shift, bits, UNSIGNED, 0)
#define X_BITS(name, word, shift, bits) FIELD(name, BITS, word, 1, shift, bits, HEX, 0)
#define U(name, word)                   BITS(name, word, 0, 32)
#define U16(name, word, shift)          BITS(name, word, shift, 16)
#define U8(name, word, shift)           BITS(name, word, shift, 8)
#define X(name, word)                   X_BITS(name, word, 0, 32)
#define FLAG(name, word, shift, bits)   FIELD(name, BITS, word, 1, shift, bits, FLAG, 0)
#define S(name, word)                   FIELD(name, SIGNED, word, 1, 0, 0, SIGNED, 0)
#define S_OR_NONE(name, word)           FIELD(name, LIMIT, word, 1, 0, 0, SIGNED, 0)
#define U_OR_NONE(name, word)           FIELD(name, OR_NONE, word, 1, 0, 0, UNSIGNED, 0)
#define S_OR_MINUS_ONE(name, word)      FIELD(name, OR_NONE, word, 1, 0, 0, HEX, 0)
#define VCPU_OR_NONE(name, word)        FIELD(name, OR_NONE, word, 1, 0, 0, VCPU, 0)
#define U64(name, word)                 FIELD(name, WIDE, word, 2, 0, 0, UNSIGNED, 0)
#define X64(name, word)                 FIELD(name, WIDE, word, 2, 0, 0, HEX, 0)
#define VCPU(name, word)                FIELD(name, VCPU, word, 1, 0, 0, VCPU, 0)
#define VCPU2(name, word)               FIELD(name, PAIR, word, 2, 0, 0, VCPU, 0)
#define DOM(name, word)                 FIELD(name, BITS, word, 1, 0, 32, DOMAIN, 0)
#define DOM16(name, word, shift)        FIELD(name, BITS, word, 1, shift, 16, DOMAIN, 0)
#define NS(name, word)                  FIELD(name, BITS, word, 1, 0, 32, NS, 0)
#define NS_SIGNED(name, word)           FIELD(name, SIGNED, word, 1, 0, 0, NS, 0)
#define LOAD(name, word, of, bit)       FIELD(name, LOAD, word, 2, of, bit, PERCENT, 0)
#define POD_DOM(name, word)             FIELD(name, POD, word, 2, 0, 0, DOMAIN, 0)
#define POD_ORDER(name, word)           FIELD(name, POD, word, 2, 1, 0, UNSIGNED, 0)
#define NAME_BITS(name, word, shift, bits, names) \
	FIELD(name, BITS, word, 1, shift, bits, NAMED, XEN_NAMES_##names)
#define NAME(name, word, names) NAME_BITS(name, word, 0, 32, names)
#define TRAP_EC(name, word)     FIELD(name, TRAP_EC, word, 1, 0, 0, HEX, 0)
#define HYPERCALL_ARGS          FIELD("op", HYPERCALL, 0, 1, 0, 0, NAMED, XEN_NAMES_HYPERCALLS)

/* clang-format off */
static const struct xen_event_type types[] = {
#define XEN_EVENT(code_, name_, min, max, ...)                                                             \
	{.code = code_, .name = name_, .extras_min = min, .extras_max = max,                               \
	 .fields = (const struct xen_field[]){__VA_ARGS__ {0}},                                            \
	 .nr_fields = ARRAY_SIZE(((const struct xen_field[]){__VA_ARGS__ {0}})) - 1},
#include "lib/model/xen_events.def"
#undef XEN_EVENT
};

/*
 * By a hash without collisions, made when this is compiled: two events of one slot are an error. Then take another
 * multiplier (odd, any).
 */
#define SLOT_BITS 10
#define SLOT(code) ((uint32_t)((code) * SLOT_MULTIPLIER) >> (32 - SLOT_BITS))
#define SLOT_MULTIPLIER 0xa8be977bu

enum type_index {
#define CONCATENATE_(a, b) a##b
#define CONCATENATE(a, b) CONCATENATE_(a, b)
#define XEN_EVENT(code, ...) CONCATENATE(TYPE_, code),
#include "lib/model/xen_events.def"
#undef XEN_EVENT
};

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Woverride-init"
static const uint8_t slots[1u << SLOT_BITS] = {
#define XEN_EVENT(code, ...) [SLOT(code)] = CONCATENATE(TYPE_, code) + 1,
#include "lib/model/xen_events.def"
#undef XEN_EVENT
};
#pragma GCC diagnostic pop
/* clang-format on */

_Static_assert(ARRAY_SIZE(types) < UINT8_MAX, "indices are bytes");

/* runstate_change has the states in its code. */
#define RUNSTATE_SUBCLASS 0x21u
#define RUNSTATE_CHANGE   0x21001u

static uint32_t canonical(uint32_t code)
{
	return code >> 12 == RUNSTATE_SUBCLASS && (code & 0xf) == 1 ? RUNSTATE_CHANGE : code;
}

const struct xen_event_type *xen_event_type(uint32_t code)
{
	unsigned index;

	code = canonical(code);
	index = slots[SLOT(code)];
	return index && types[index - 1].code == code ? &types[index - 1] : NULL;
}

const struct xen_event_type *xen_event_type_at(unsigned index)
{
	return index < ARRAY_SIZE(types) ? &types[index] : NULL;
}

bool xen_event_fits(uint32_t code, unsigned n_extra)
{
	const struct xen_event_type *type = xen_event_type(code);

	return type && n_extra >= type->extras_min && n_extra <= type->extras_max;
}

static uint64_t wide(const struct xen_event *event, unsigned word)
{
	return (uint64_t)event->extra[word + 1] << 32 | event->extra[word];
}

static uint64_t vcpu_value(uint32_t domain, uint32_t vcpu)
{
	return (uint64_t)domain << 32 | vcpu;
}

/*
 * 4.17: domain and order are halves of one word, and padding follows. From 4.18 on each has its word. A domain's number is
 * below 2^15, so a filled upper half is the order. Orders of 0 look the same in both, if the padding is no order.
 */
static uint64_t pod_value(const struct xen_event *event, unsigned word, bool order)
{
	uint32_t first = event->extra[word], second = event->extra[word + 1];

	if (!order)
		return first & 0xffff;
	return first >> 16 ? first >> 16 : second < 32 ? second : 0;
}

/* What the arguments of some hypercalls say. */
static unsigned put_argument(uint32_t op, unsigned index, uint64_t argument, struct xen_value *value)
{
	static const char *const names[] = {"arg0", "arg1", "arg2", "arg3", "arg4", "arg5"};

	*value = (struct xen_value){.name = names[index], .value = argument, .kind = XEN_VALUE_HEX};
	switch (op << 8 | index) {
	case XEN_HYPERCALL_MMU_UPDATE << 8 | 1:
	case XEN_HYPERCALL_MMUEXT_OP << 8 | 1:
		/* bit 31: the hypervisor goes on with one it broke off */
		value[1] = (struct xen_value){
			.name = "preempted", .value = argument >> 31 & 1, .kind = XEN_VALUE_FLAG};
		*value = (struct xen_value){.name = op == XEN_HYPERCALL_MMU_UPDATE ? "updates" : "ops",
			.value = argument & INT32_MAX};
		return 2;
	case XEN_HYPERCALL_MULTICALL << 8 | 1:
		*value = (struct xen_value){.name = "calls", .value = (uint32_t)argument};
		break;
	case XEN_HYPERCALL_GRANT_TABLE_OP << 8 | 2:
		*value = (struct xen_value){.name = "ops", .value = (uint32_t)argument};
		break;
	case XEN_HYPERCALL_VCPU_OP << 8 | 1:
		*value = (struct xen_value){.name = "vcpu", .value = (uint32_t)argument};
		break;
	case XEN_HYPERCALL_GRANT_TABLE_OP << 8 | 0:
	case XEN_HYPERCALL_VCPU_OP << 8 | 0:
	case XEN_HYPERCALL_SCHED_OP << 8 | 0:
		*value = (struct xen_value){
			.name = "cmd", .value = (uint32_t)argument, .kind = XEN_VALUE_NAMED};
		value->text = xen_name(op == XEN_HYPERCALL_GRANT_TABLE_OP ? XEN_NAMES_GRANT_OPS
				: op == XEN_HYPERCALL_VCPU_OP             ? XEN_NAMES_VCPU_OPS
									  : XEN_NAMES_SCHED_OPS,
			value->value);
		break;
	}
	return 1;
}

/* First word: the call in bits 0-19, then two bits per argument: absent, 32 bits, 64 bits. */
static unsigned decode_hypercall(const struct xen_event *event, struct xen_value *values)
{
	uint32_t head = event->extra[0], op = head & 0xfffff;
	unsigned count = 1, word = 1;

	values[0] = (struct xen_value){.name = "op",
		.value = op,
		.text = xen_name(XEN_NAMES_HYPERCALLS, op),
		.kind = XEN_VALUE_NAMED};
	for (unsigned i = 0; i < 6; i++) {
		unsigned words = head >> (20 + 2 * i) & 3;
		uint64_t argument;

		if (!words)
			continue;
		if (words > 2 || word + words > event->n_extra || count + 2 > XEN_VALUES_MAX)
			break;
		argument = words == 2 ? wide(event, word) : event->extra[word];
		word += words;
		count += put_argument(op < 64 ? op : 0, i, argument, &values[count]);
	}
	return count;
}

unsigned xen_event_decode(const struct xen_event_type *type, const struct xen_event *event,
	struct xen_value values[XEN_VALUES_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < type->nr_fields; i++) {
		const struct xen_field *field = &type->fields[i];
		struct xen_value *value = &values[count];
		uint32_t word;

		if (field->word == CODE)
			word = event->code;
		else if (field->word + field->words > event->n_extra)
			continue;
		else
			word = event->extra[field->word];
		value->name = field->name;
		value->kind = field->kind;
		value->text = NULL;
		switch ((enum field_part)field->part) {
		case PART_BITS:
			value->value = word >> field->shift & (uint32_t)((1ull << field->bits) - 1);
			if (field->kind == XEN_VALUE_NAMED)
				value->text = xen_name(field->names, value->value);
			else if (field->kind == XEN_VALUE_FLAG)
				value->value = value->value != 0;
			break;
		case PART_WIDE:
			value->value = wide(event, field->word);
			break;
		case PART_VCPU:
			value->value = vcpu_value(word >> 16, word & 0xffff);
			break;
		case PART_PAIR:
			value->value = vcpu_value(word, event->extra[field->word + 1]);
			break;
		case PART_LIMIT:
			if (word == (uint32_t)INT_MIN)
				value->kind = XEN_VALUE_NONE;
			/* fall through */
		case PART_SIGNED:
			value->value = (uint64_t)(int64_t)(int32_t)word;
			if (field->kind == XEN_VALUE_NS && (int32_t)word < 0)
				value->kind = XEN_VALUE_NONE;
			break;
		case PART_OR_NONE:
			value->value =
				field->kind == XEN_VALUE_VCPU ? vcpu_value(word >> 16, word & 0xffff) : word;
			if (word == UINT32_MAX)
				value->kind = XEN_VALUE_NONE;
			break;
		case PART_LOAD:
			value->value = wide(event, field->word);
			value->shift = 0;
			if (field->shift < event->n_extra)
				value->shift = (uint8_t)(event->extra[field->shift] >> field->bits & 63);
			break;
		case PART_POD:
			value->value = pod_value(event, field->word, field->shift);
			break;
		case PART_TRAP_EC:
			if (!(word >> 15 & 1))
				continue;
			value->value = word >> 16;
			break;
		case PART_HYPERCALL:
			return decode_hypercall(event, values);
		}
		count++;
	}
	return count;
}

static const struct {
	uint32_t class;
	const char *name;
} classes[] = {
	{XEN_CLASS_GEN, "gen"},
	{XEN_CLASS_SCHED, "sched"},
	{XEN_CLASS_DOM0OP, "dom0op"},
	{XEN_CLASS_HVM, "hvm"},
	{XEN_CLASS_MEM, "mem"},
	{XEN_CLASS_PV, "pv"},
	{XEN_CLASS_SHADOW, "shadow"},
	{XEN_CLASS_HW, "hw"},
	{XEN_CLASS_GUEST, "guest"},
};

const char *xen_class_name(uint32_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].class == xen_code_class(code))
			return classes[i].name;
	return NULL;
}

uint32_t xen_class_of_name(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
		if (strcmp(classes[i].name, name) == 0)
			return classes[i].class;
	return 0;
}
