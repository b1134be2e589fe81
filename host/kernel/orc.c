/* SPDX-License-Identifier: MIT */
#include "host/kernel/orc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_BYTES_MAX 32u
#define READ_BYTES_MAX  (1u << 20) /* at once */

/* --- entries --- */

static bool fits(const struct kernel_field *field, uint32_t bytes)
{
	return field->byte_offset <= bytes && field->bytes <= bytes - field->byte_offset;
}

int orc_format_init(struct orc_format *format, const struct kernel_types *types, struct error *error)
{
	const struct {
		const char *path;
		struct kernel_field *field;
	} fields[] = {
		{"sp_offset", &format->sp_offset},
		{"bp_offset", &format->bp_offset},
		{"sp_reg", &format->sp_register},
		{"bp_reg", &format->bp_register},
		{"type", &format->type},
	};

	*format = (struct orc_format){.bytes = kernel_types_size(types, "orc_entry")};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		int code = kernel_types_need(types, "orc_entry", fields[i].path, fields[i].field, error);

		if (code)
			return code;
		if (!fits(fields[i].field, ENTRY_BYTES_MAX - 8))
			format->bytes = 0;
	}
	format->has_end = !kernel_types_field(types, "orc_entry", "end", &format->end);
	format->has_signal = !kernel_types_field(types, "orc_entry", "signal", &format->signal);
	if (!format->bytes || format->bytes > ENTRY_BYTES_MAX - 8 ||
		(format->has_end && !fits(&format->end, ENTRY_BYTES_MAX - 8)) ||
		(format->has_signal && !fits(&format->signal, ENTRY_BYTES_MAX - 8)))
		return error_set(error, -EINVAL, "struct orc_entry of the guest's kernel is an odd one");
	return 0;
}

/* With `end` the numbers of the types began with calls, and an undefined register meant an undefined entry. */
static enum orc_type old_type(uint64_t type, uint8_t sp_register, bool end)
{
	static const enum orc_type types[] = {ORC_CALL, ORC_REGS, ORC_REGS_PARTIAL};

	if (sp_register == ORC_REG_UNDEFINED)
		return end ? ORC_END : ORC_UNDEFINED;
	return type < sizeof(types) / sizeof(types[0]) ? types[type] : ORC_UNDEFINED;
}

struct orc_entry orc_decode(const struct orc_format *format, const void *bytes)
{
	uint8_t copy[ENTRY_BYTES_MAX] = {0}; /* a bit field's word may reach beyond the entry */
	struct orc_entry entry;
	uint64_t type;

	memcpy(copy, bytes, format->bytes);
	entry.sp_offset = (int16_t)kernel_field_value(&format->sp_offset, copy);
	entry.bp_offset = (int16_t)kernel_field_value(&format->bp_offset, copy);
	entry.sp_register = (uint8_t)kernel_field_value(&format->sp_register, copy);
	entry.bp_register = (uint8_t)kernel_field_value(&format->bp_register, copy);
	type = kernel_field_value(&format->type, copy);
	if (format->has_end)
		entry.type = old_type(type, entry.sp_register, kernel_field_value(&format->end, copy));
	else
		entry.type = type <= ORC_REGS_PARTIAL ? (enum orc_type)type : ORC_UNDEFINED;
	entry.signal = format->has_signal ? kernel_field_value(&format->signal, copy)
					  : entry.type == ORC_REGS || entry.type == ORC_REGS_PARTIAL;
	return entry;
}

/* --- tables --- */

static int read_all(const struct guest_kernel *kernel, uint64_t address, void *data, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		size_t part = bytes - done < READ_BYTES_MAX ? bytes - done : READ_BYTES_MAX;
		int code = guest_kernel_read(kernel, address + done, (uint8_t *)data + done, part);

		if (code)
			return code;
		done += part;
	}
	return 0;
}

int orc_table_init(struct orc_table *table, const struct guest_kernel *kernel,
	const struct orc_format *format, uint64_t ips, uint64_t entries, uint64_t count)
{
	int code;

	*table = (struct orc_table){.ips_address = ips};
	if (!count || count > ORC_ENTRIES_MAX)
		return -EINVAL;
	table->count = (size_t)count;
	table->ips = malloc(table->count * sizeof(*table->ips));
	table->entries = malloc(table->count * format->bytes);
	code = table->ips && table->entries ? 0 : -ENOMEM;
	if (!code)
		code = read_all(kernel, ips, table->ips, table->count * sizeof(*table->ips));
	if (!code)
		code = read_all(kernel, entries, table->entries, table->count * format->bytes);
	if (code)
		orc_table_deinit(table);
	return code;
}

void orc_table_deinit(struct orc_table *table)
{
	free(table->ips);
	free(table->entries);
	*table = (struct orc_table){0};
}

/* The rightmost entry that begins at or before `ip`. */
const void *orc_table_find(const struct orc_table *table, const struct orc_format *format, uint64_t ip)
{
	size_t low = 0, high = table->count;

	if (!table->count)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		uint64_t begin = table->ips_address + 4 * middle + (uint64_t)(int64_t)table->ips[middle];

		if (begin <= ip)
			low = middle;
		else
			high = middle;
	}
	return table->entries + low * format->bytes;
}

/* --- steps --- */

int orc_registers_init(struct orc_registers *registers, const struct kernel_types *types, struct error *error)
{
	const struct {
		const char *path;
		uint32_t *offset;
	} fields[] = {
		{"r10", &registers->r10},
		{"r13", &registers->r13},
		{"di", &registers->di},
		{"dx", &registers->dx},
		{"bp", &registers->bp},
		{"ip", &registers->ip},
		{"cs", &registers->cs},
		{"sp", &registers->sp},
	};

	registers->bytes = kernel_types_size(types, "pt_regs");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct kernel_field field;
		int code = kernel_types_need(types, "pt_regs", fields[i].path, &field, error);

		if (code)
			return code;
		*fields[i].offset = field.byte_offset;
	}
	return 0;
}

static int saved_register(
	const struct orc_frame *frame, const struct orc_memory *memory, uint32_t offset, uint64_t *value)
{
	if (!frame->regs || !frame->has_all_regs)
		return -ENOENT;
	return memory->read(memory->context, frame->regs + offset, value) ? -EFAULT : 0;
}

/* The stack pointer before this frame, or where the registers of an interrupt lie. */
static int previous_sp(const struct orc_entry *entry, const struct orc_registers *registers,
	const struct orc_memory *memory, const struct orc_frame *frame, uint64_t *sp)
{
	uint64_t offset = (uint64_t)(int64_t)entry->sp_offset;

	switch (entry->sp_register) {
	case ORC_REG_SP:
		*sp = frame->sp + offset;
		return 0;
	case ORC_REG_BP:
		*sp = frame->bp + offset;
		return 0;
	case ORC_REG_SP_INDIRECT: /* the offset counts from what is found there */
		if (memory->read(memory->context, frame->sp, sp))
			return -EFAULT;
		*sp += offset;
		return 0;
	case ORC_REG_BP_INDIRECT:
		return memory->read(memory->context, frame->bp + offset, sp) ? -EFAULT : 0;
	case ORC_REG_R10:
		return saved_register(frame, memory, registers->r10, sp);
	case ORC_REG_R13:
		return saved_register(frame, memory, registers->r13, sp);
	case ORC_REG_DI:
		return saved_register(frame, memory, registers->di, sp);
	case ORC_REG_DX:
		return saved_register(frame, memory, registers->dx, sp);
	default:
		return -ENOENT;
	}
}

static int step_call(const struct orc_memory *memory, struct orc_frame *frame, uint64_t sp)
{
	if (memory->read(memory->context, sp - 8, &frame->ip))
		return -EFAULT;
	frame->return_slot = sp - 8;
	frame->sp = sp;
	frame->regs = 0;
	return 0;
}

static int step_registers(const struct orc_registers *registers, const struct orc_memory *memory,
	struct orc_frame *frame, uint64_t regs, bool all)
{
	if (memory->read(memory->context, regs + registers->ip, &frame->ip) ||
		memory->read(memory->context, regs + registers->cs, &frame->user_cs) ||
		memory->read(memory->context, regs + registers->sp, &frame->sp))
		return -EFAULT;
	frame->regs = regs;
	frame->has_all_regs = all;
	frame->return_slot = 0;
	return 0;
}

static int step_bp(const struct orc_entry *entry, const struct orc_registers *registers,
	const struct orc_memory *memory, struct orc_frame *frame, uint64_t sp)
{
	uint64_t offset = (uint64_t)(int64_t)entry->bp_offset;

	switch (entry->bp_register) {
	case ORC_REG_UNDEFINED: /* unchanged */
		if (frame->regs && frame->has_all_regs)
			return saved_register(frame, memory, registers->bp, &frame->bp);
		return 0;
	case ORC_REG_PREV_SP:
		return memory->read(memory->context, sp + offset, &frame->bp) ? -EFAULT : 0;
	case ORC_REG_BP:
		return memory->read(memory->context, frame->bp + offset, &frame->bp) ? -EFAULT : 0;
	default:
		return -ENOENT;
	}
}

int orc_step(const struct orc_entry *entry, const struct orc_registers *registers,
	const struct orc_memory *memory, struct orc_frame *frame)
{
	uint64_t sp;
	int code;

	if (entry->type == ORC_END)
		return -ENODATA;
	if (entry->type == ORC_UNDEFINED)
		return -ENOENT;
	code = previous_sp(entry, registers, memory, frame, &sp);
	if (code)
		return code;
	frame->signal = entry->signal;
	switch (entry->type) {
	case ORC_CALL:
		code = step_call(memory, frame, sp);
		break;
	case ORC_REGS:
		code = step_registers(registers, memory, frame, sp, true);
		break;
	default: /* `sp` is where `ip` is, the first that the CPU pushes */
		code = step_registers(registers, memory, frame, sp - registers->ip, false);
		break;
	}
	return code ? code : step_bp(entry, registers, memory, frame, sp);
}
