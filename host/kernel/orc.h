/* SPDX-License-Identifier: MIT */
/*
 * Unwinding by the kernel's ORC data (Documentation/arch/x86/orc-unwinder.rst): for every address of its code, how far
 * it is to the frame before. arch/x86/include/asm/orc_types.h and arch/x86/kernel/unwind_orc.c of Linux 6.1 and 6.12.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define ORC_ENTRIES_MAX (8u << 20)

enum orc_type {
	ORC_UNDEFINED, /* no telling */
	ORC_END,       /* of the stack */
	ORC_CALL,
	ORC_REGS,         /* a whole struct pt_regs */
	ORC_REGS_PARTIAL, /* only what the CPU pushed: ip, cs, flags, sp, ss */
};

enum orc_register { /* ORC_REG_* */
	ORC_REG_UNDEFINED,
	ORC_REG_PREV_SP,
	ORC_REG_DX,
	ORC_REG_DI,
	ORC_REG_BP,
	ORC_REG_SP,
	ORC_REG_R10,
	ORC_REG_R13,
	ORC_REG_BP_INDIRECT,
	ORC_REG_SP_INDIRECT,
};

struct orc_entry {
	int16_t sp_offset, bp_offset;
	uint8_t sp_register, bp_register;
	enum orc_type type;
	bool signal; /* the next address is that of an instruction, not one behind a call */
};

/* How this kernel writes an entry: 6.1 has `end`, later ones `signal`, and types of other numbers. */
struct orc_format {
	uint32_t bytes;
	struct kernel_field sp_offset, bp_offset, sp_register, bp_register, type, end, signal;
	bool has_end, has_signal;
};

/* -ENOENT: a kernel without ORC data; -EINVAL: with odd ones. */
int orc_format_init(struct orc_format *format, const struct kernel_types *types, struct error *error);

struct orc_entry orc_decode(const struct orc_format *format, const void *bytes);

/* Of the kernel, or of a module: sorted by address. */
struct orc_table {
	uint64_t ips_address; /* where `ips` is in the guest: its numbers are relative to their own places */
	int32_t *ips;
	uint8_t *entries;
	size_t count;
};

/* Copies a table. -EINVAL: too large; errors of reading; -ENOMEM. */
int orc_table_init(struct orc_table *table, const struct guest_kernel *kernel,
	const struct orc_format *format, uint64_t ips, uint64_t entries, uint64_t count);
void orc_table_deinit(struct orc_table *table);

/* The entry for an address; NULL: the table is empty. */
const void *orc_table_find(const struct orc_table *table, const struct orc_format *format, uint64_t ip);

/* A frame: what the CPU has, or had when it called. */
struct orc_frame {
	uint64_t ip, sp, bp;
	bool signal;          /* `ip` is not a return address */
	uint64_t regs;        /* address of the struct pt_regs this frame was made from; 0: none */
	bool has_all_regs;    /* of `regs`: else only ip, cs, flags, sp, ss */
	uint64_t user_cs;     /* of `regs`: its code segment */
	uint64_t return_slot; /* where `ip` was read from; 0: from registers */
};

/* Offsets in struct pt_regs. */
struct orc_registers {
	uint32_t r10, r13, di, dx, bp, ip, cs, sp, bytes;
};
int orc_registers_init(
	struct orc_registers *registers, const struct kernel_types *types, struct error *error);

struct orc_memory {
	/* 8 bytes of the stack: 0, or negative: not there */
	int (*read)(const void *context, uint64_t address, uint64_t *value);
	const void *context;
};

/*
 * From a frame to the one that called it. 0; -ENODATA: the stack ends here, as it should; -ENOENT: no telling; -EFAULT:
 * the memory that is needed is not there.
 */
int orc_step(const struct orc_entry *entry, const struct orc_registers *registers,
	const struct orc_memory *memory, struct orc_frame *frame);
