/* SPDX-License-Identifier: MIT */
/* Makes small ELF dumps of guests, as QEMU's dump-guest-memory writes them: for tests and as seeds of the fuzzer. */
#pragma once
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define DUMP_MAKER_BYTES_MAX 65536u
#define DUMP_MAKER_CPUS      2u

struct dump_maker {
	uint8_t bytes[DUMP_MAKER_BYTES_MAX];
	size_t size;
	Elf64_Ehdr *header;  /* into bytes */
	Elf64_Phdr *headers; /* the first is of the notes */
	size_t nr_headers;
};

/*
 * Room for `nr_headers` program headers, the first of them with the notes of DUMP_MAKER_CPUS CPUs: CPU n has rip
 * 0xffffffff81000000 + n, rsp 0x1000 + n, rbp 0x2000 + n, rflags 0x246, cr3 0x3000 + n.
 */
void dump_maker_init(struct dump_maker *maker, size_t nr_headers);

/* Adds RAM of `bytes` bytes; returns where in maker->bytes it is. Not at a page of the file, as in QEMU's dumps. */
uint8_t *dump_maker_add(struct dump_maker *maker, uint64_t physical, size_t bytes);
