/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_elf_notes.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

/* The "QEMU" note: struct QEMUCPUState in target/i386/arch_dump.c, QEMU 7.2, where its version is 1. */
struct qemu_segment {
	uint32_t selector, limit, flags, pad;
	uint64_t base;
};
struct qemu_cpu_state {
	uint32_t version, size;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	struct qemu_segment segments[10]; /* cs ds es fs gs ss ldt tr gdt idt */
	uint64_t cr[5];
};

/* The registers of CPU `cpu`, made if need be. NULL: too many CPUs (we keep what we have), or no memory. */
static struct guest_registers *registers_of(struct guest_memory *memory, size_t cpu)
{
	struct guest_registers *grown;

	if (cpu >= GUEST_MEMORY_CPUS_MAX)
		return NULL;
	if (!memory->registers) {
		memory->registers = calloc(GUEST_MEMORY_CPUS_MAX, sizeof(*grown));
		if (!memory->registers)
			return NULL;
	}
	if (cpu >= memory->nr_registers)
		memory->nr_registers = cpu + 1;
	return &memory->registers[cpu];
}

static void take_status(struct guest_registers *registers, const uint8_t *data)
{
	struct elf_prstatus status;
	struct user_regs_struct values;

	memcpy(&status, data, sizeof(status));
	memcpy(&values, status.pr_reg, sizeof(values));
	registers->rip = values.rip;
	registers->rsp = values.rsp;
	registers->rbp = values.rbp;
	registers->rflags = values.eflags;
}

static void take_state(struct guest_registers *registers, const uint8_t *data)
{
	struct qemu_cpu_state state;

	memcpy(&state, data, sizeof(state));
	if (state.version != 1)
		return;
	registers->rip = state.rip;
	registers->rsp = state.rsp;
	registers->rbp = state.rbp;
	registers->rflags = state.rflags;
	registers->cr3 = state.cr[3];
}

static bool is_named(const Elf64_Nhdr *note, const uint8_t *name, const char *wanted)
{
	size_t length = strlen(wanted); /* some writers count the NUL, some do not */

	return (note->n_namesz == length || note->n_namesz == length + 1) && !memcmp(name, wanted, length);
}

static int take_note(struct guest_memory *memory, const Elf64_Nhdr *note, const uint8_t *name,
	const uint8_t *data, size_t *nr_statuses, size_t *nr_states)
{
	bool is_status = note->n_type == NT_PRSTATUS && is_named(note, name, "CORE") &&
		note->n_descsz >= sizeof(struct elf_prstatus);
	bool is_state = note->n_type == 0 && is_named(note, name, "QEMU") &&
		note->n_descsz >= sizeof(struct qemu_cpu_state);
	struct guest_registers *registers;

	if (!is_status && !is_state)
		return 0;
	registers = registers_of(memory, is_status ? *nr_statuses : *nr_states);
	if (!registers)
		return memory->registers ? 0 : -ENOMEM;
	if (is_status && ++*nr_statuses > *nr_states) /* else QEMU has said the same, and more */
		take_status(registers, data);
	if (is_state && ++*nr_states)
		take_state(registers, data);
	return 0;
}

int memory_elf_read_notes(struct guest_memory *memory, const uint8_t *data, size_t bytes, uint64_t offset,
	size_t *nr_statuses, size_t *nr_states, struct error *error)
{
	size_t at = 0;

	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		uint64_t name_bytes, data_bytes, left = bytes - at - sizeof(Elf64_Nhdr);
		const uint8_t *name = data + at + sizeof(Elf64_Nhdr);
		Elf64_Nhdr note;
		int err;

		memcpy(&note, data + at, sizeof(note));
		if (!note.n_namesz && !note.n_descsz && !note.n_type)
			return 0; /* a vmcore's notes are padded with zeros */
		name_bytes = ((uint64_t)note.n_namesz + 3) & ~UINT64_C(3);
		data_bytes = ((uint64_t)note.n_descsz + 3) & ~UINT64_C(3);
		/* the last one need not be padded */
		if (name_bytes > left || note.n_descsz > left - name_bytes)
			return error_set(error, -EINVAL,
				"offset 0x%" PRIx64 ": a note that is longer than its segment", offset + at);
		err = take_note(memory, &note, name, name + name_bytes, nr_statuses, nr_states);
		if (err)
			return error_set(error, err, "%s", strerror(-err));
		if (data_bytes > left - name_bytes)
			return 0;
		at += sizeof(note) + name_bytes + data_bytes;
	}
	return 0;
}
