/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_elf.h"
#include "host/memory/memory_elf_notes.h"
#include "host/memory/memory_layout.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

#define PHYSICAL_MAX    (UINT64_C(1) << 52) /* no x86-64 processor has more */
#define HEADERS_AT_ONCE 512

struct elf_dump {
	struct guest_memory *memory;
	uint64_t file_bytes;
	uint64_t headers_offset, nr_headers;
	struct guest_memory_range *ranges;
	size_t nr_ranges;
	uint64_t first_ram; /* the lowest offset of RAM in the file */
	bool has_ram;       /* of which something is in the file */
	bool is_cut_off;    /* and something is not */
	size_t nr_statuses, nr_states;
};

static int ends_early(struct error *error)
{
	error_hint(error, "was the disk full, or is it still being written?");
	return -EINVAL;
}

/* All of it, or an error that names the offset. */
static int read_part(const struct elf_dump *dump, uint64_t offset, void *data, size_t bytes, const char *what,
	struct error *error)
{
	ssize_t got;

	if (offset > dump->file_bytes || bytes > dump->file_bytes - offset) {
		error_set(error, -EINVAL,
			"damaged: %s at offset 0x%" PRIx64 " to 0x%" PRIx64
			", but the file ends at 0x%" PRIx64,
			what, offset, offset + bytes, dump->file_bytes);
		return ends_early(error);
	}
	got = file_read_at(dump->memory->fd, data, bytes, (off_t)offset);
	if (got < 0 || (size_t)got < bytes)
		return error_set(error, -EIO, "offset 0x%" PRIx64 ": %s: %s", offset, what,
			got < 0 ? strerror((int)-got) : "the file has become shorter");
	return 0;
}

static int check_kind(const Elf64_Ehdr *header, struct error *error)
{
	if (header->e_ident[EI_CLASS] != ELFCLASS64) {
		error_set(error, -EINVAL, "a 32-bit ELF file, not the dump of an x86-64 machine");
		error_hint(error,
			"QEMU writes 32 bits for a guest that was not in long mode: dump it when it has booted");
		return -EINVAL;
	}
	if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		return error_set(error, -EINVAL, "a big-endian ELF file, not the dump of an x86-64 machine");
	if (header->e_machine != EM_X86_64) {
		error_set(error, -EINVAL,
			"an ELF file for machine %u, not the dump of an x86-64 machine (%u)",
			header->e_machine, EM_X86_64);
		error_hint(error, "guests of other architectures cannot be read so far");
		return -EINVAL;
	}
	if (header->e_type != ET_CORE) {
		error_set(error, -EINVAL, "an ELF file of type %u, not a core dump (%u)", header->e_type,
			ET_CORE);
		error_hint(error, "a dump of a guest's memory is needed here, not a program or kernel image");
		return -EINVAL;
	}
	return 0;
}

/* How many program headers there are, and where. */
static int read_header(struct elf_dump *dump, struct error *error)
{
	Elf64_Ehdr header;
	Elf64_Shdr section;
	int err = read_part(dump, 0, &header, sizeof(header), "the ELF header", error);

	if (!err)
		err = check_kind(&header, error);
	if (err)
		return err;
	dump->headers_offset = header.e_phoff;
	dump->nr_headers = header.e_phnum;
	if (header.e_phnum == PN_XNUM) { /* more than 16 bits: the first section header says */
		err = read_part(
			dump, header.e_shoff, &section, sizeof(section), "the first section header", error);
		if (err)
			return err;
		dump->nr_headers = section.sh_info;
	}
	if (dump->nr_headers && header.e_phentsize != sizeof(Elf64_Phdr))
		return error_set(error, -EINVAL, "damaged: program headers of %u bytes", header.e_phentsize);
	if (dump->nr_headers > GUEST_MEMORY_RANGES_MAX)
		return error_set(error, -EINVAL, "%" PRIu64 " program headers, at most %u are read",
			dump->nr_headers, GUEST_MEMORY_RANGES_MAX);
	return 0;
}

static int take_load(struct elf_dump *dump, const Elf64_Phdr *header, uint64_t where, struct error *error)
{
	/* what p_memsz has more is not in the file; -1: it has no physical address */
	if (!header->p_filesz || header->p_paddr == UINT64_MAX)
		return 0;
	if (header->p_paddr >= PHYSICAL_MAX || header->p_filesz > PHYSICAL_MAX - header->p_paddr)
		return error_set(error, -EINVAL,
			"damaged: program header at offset 0x%" PRIx64 ": 0x%" PRIx64
			" bytes at physical address 0x%" PRIx64,
			where, header->p_filesz, header->p_paddr);
	if (header->p_offset > INT64_MAX - header->p_filesz)
		return error_set(error, -EINVAL,
			"damaged: program header at offset 0x%" PRIx64 ": 0x%" PRIx64
			" bytes at offset 0x%" PRIx64 " of the file",
			where, header->p_filesz, header->p_offset);
	if (!dump->nr_ranges || header->p_offset < dump->first_ram)
		dump->first_ram = header->p_offset;
	dump->has_ram |= header->p_offset < dump->file_bytes;
	dump->is_cut_off |= header->p_offset + header->p_filesz > dump->file_bytes;
	dump->ranges[dump->nr_ranges++] =
		(struct guest_memory_range){header->p_paddr, header->p_filesz, header->p_offset};
	return 0;
}

static int take_notes(struct elf_dump *dump, const Elf64_Phdr *header, struct error *error)
{
	cleanup_free uint8_t *data = NULL;
	int err;

	if (header->p_filesz > MEMORY_ELF_NOTES_BYTES_MAX)
		return error_set(error, -EINVAL, "damaged: notes of 0x%" PRIx64 " bytes at offset 0x%" PRIx64,
			header->p_filesz, header->p_offset);
	data = malloc(header->p_filesz ? header->p_filesz : 1);
	if (!data)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	err = read_part(dump, header->p_offset, data, header->p_filesz, "notes", error);
	if (err)
		return err;
	return memory_elf_read_notes(dump->memory, data, header->p_filesz, header->p_offset,
		&dump->nr_statuses, &dump->nr_states, error);
}

static int read_headers(struct elf_dump *dump, struct error *error)
{
	Elf64_Phdr headers[HEADERS_AT_ONCE];
	uint64_t notes_bytes = 0;
	int err = 0;

	for (uint64_t i = 0; !err && i < dump->nr_headers; i++) {
		const Elf64_Phdr *header = &headers[i % HEADERS_AT_ONCE];
		uint64_t left = dump->nr_headers - i, where = dump->headers_offset + i * sizeof(*header);

		if (i % HEADERS_AT_ONCE == 0)
			err = read_part(dump, where, headers,
				(left < HEADERS_AT_ONCE ? left : HEADERS_AT_ONCE) * sizeof(*header),
				"program headers", error);
		if (!err && header->p_type == PT_LOAD)
			err = take_load(dump, header, where, error);
		if (!err && header->p_type == PT_NOTE) {
			/* bounded in all: many headers may name the same notes */
			notes_bytes += header->p_filesz < MEMORY_ELF_NOTES_BYTES_MAX ? header->p_filesz : 0;
			if (notes_bytes > MEMORY_ELF_NOTES_BYTES_MAX)
				return error_set(error, -EINVAL, "damaged: notes of more than %u bytes",
					MEMORY_ELF_NOTES_BYTES_MAX);
			err = take_notes(dump, header, error);
		}
	}
	return err;
}

static int check_ram(const struct elf_dump *dump, struct error *error)
{
	if (!dump->nr_ranges) {
		error_set(error, -EINVAL, "an ELF core dump without any memory");
		error_hint(error,
			"Xen's format is not read; write one with dump-guest-memory or makedumpfile -E");
		return -EINVAL;
	}
	if (!dump->has_ram) {
		error_set(error, -EINVAL,
			"cut off: it ends at offset 0x%" PRIx64 ", its first RAM is at 0x%" PRIx64,
			dump->file_bytes, dump->first_ram);
		return ends_early(error);
	}
	return 0;
}

int memory_elf_open(struct guest_memory *memory, uint64_t file_bytes, struct error *error)
{
	struct elf_dump dump = {.memory = memory, .file_bytes = file_bytes};
	int err = read_header(&dump, error);

	if (err)
		return err;
	dump.ranges = malloc((dump.nr_headers ? dump.nr_headers : 1) * sizeof(*dump.ranges));
	if (!dump.ranges)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	err = read_headers(&dump, error);
	if (!err)
		err = check_ram(&dump, error);
	if (!err) {
		err = memory_layout_add(memory, dump.ranges, dump.nr_ranges,
			dump.is_cut_off ? "from the dump, which was cut off" : "from the dump");
		if (err)
			error_set(error, err, "%s", strerror(-err));
		memory->is_cut_off = dump.is_cut_off;
	}
	free(dump.ranges);
	return err;
}
