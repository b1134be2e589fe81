/* SPDX-License-Identifier: MIT */
#include "tests/unit/dump_maker.h"

#include <stdlib.h>
#include <string.h>

/* Offsets in the descriptions of the notes: struct elf_prstatus, and QEMU's struct QEMUCPUState. */
#define STATUS_BYTES 336u
#define STATUS_REGS  112u /* r15 r14 r13 r12 rbp rbx … */
#define STATE_BYTES  440u

static void *append(struct dump_maker *maker, size_t bytes)
{
	void *at = maker->bytes + maker->size;

	if (bytes > sizeof(maker->bytes) - maker->size)
		abort();
	maker->size += bytes;
	return at;
}

static uint8_t *add_note(struct dump_maker *maker, const char *name, uint32_t type, size_t bytes)
{
	Elf64_Nhdr note = {
		.n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = (uint32_t)bytes, .n_type = type};

	memcpy(append(maker, sizeof(note)), &note, sizeof(note));
	memcpy(append(maker, (note.n_namesz + 3) & ~3u), name, note.n_namesz);
	return append(maker, bytes);
}

static void put(uint8_t *data, size_t word, uint64_t value)
{
	memcpy(data + word * 8, &value, 8);
}

void dump_maker_init(struct dump_maker *maker, size_t nr_headers)
{
	memset(maker, 0, sizeof(*maker));
	maker->header = append(maker, sizeof(*maker->header));
	maker->headers = append(maker, nr_headers * sizeof(*maker->headers));
	*maker->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(*maker->header),
		.e_ehsize = sizeof(*maker->header),
		.e_phentsize = sizeof(*maker->headers),
		.e_phnum = (uint16_t)nr_headers};
	maker->headers[0] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = maker->size};
	maker->nr_headers = 1;
	for (unsigned cpu = 0; cpu < DUMP_MAKER_CPUS; cpu++) {
		uint8_t *registers = add_note(maker, "CORE", NT_PRSTATUS, STATUS_BYTES) + STATUS_REGS;

		put(registers, 4, 0x2000 + cpu);
		put(registers, 16, 0xffffffff81000000 + cpu);
		put(registers, 18, 0x246);
		put(registers, 19, 0x1000 + cpu);
	}
	for (unsigned cpu = 0; cpu < DUMP_MAKER_CPUS; cpu++) {
		uint8_t *state = add_note(maker, "QEMU", 0, STATE_BYTES);

		memcpy(state, &(uint32_t[]){1, STATE_BYTES}, 8);
		put(state, 7, 0x1000 + cpu);
		put(state, 8, 0x2000 + cpu);
		put(state, 17, 0xffffffff81000000 + cpu);
		put(state, 18, 0x246);
		put(state, 19 + 10 * 3 + 3, 0x3000 + cpu);
	}
	maker->headers[0].p_filesz = maker->size - maker->headers[0].p_offset;
}

uint8_t *dump_maker_add(struct dump_maker *maker, uint64_t physical, size_t bytes)
{
	Elf64_Phdr *header = &maker->headers[maker->nr_headers++];

	*header = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_offset = maker->size,
		.p_paddr = physical,
		.p_filesz = bytes,
		.p_memsz = bytes};
	return append(maker, bytes);
}
