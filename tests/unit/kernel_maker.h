/* SPDX-License-Identifier: MIT */
/*
 * Makes RAM images with a small kernel in them, for tests and fuzzers of host/kernel: laid out as Linux does, with the
 * symbols and types that the finder asks for.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A kernel to be written into a RAM image. What is 0 has a default where it says so. */
struct maker_kernel {
	uint64_t physical; /* of _text; 0: 16 MiB */
	uint64_t moved;    /* by KASLR */
	const char *release;
	uint8_t id; /* every byte of its build id */
	bool five_levels;
	uint64_t page_offset; /* 0: the default without KASLR */
	uint64_t tables;      /* physical, where the page tables may go; 0: 2 MiB */
	uint64_t vmcoreinfo;  /* physical; 0: there is none */
	uint64_t ram_bytes;   /* 0: 32 MiB; the direct map's size */
	uint64_t hole;        /* where the hole below 4 GiB begins; 0: there is none */
	uint64_t task;        /* physical, of a second task; 0: none */
	uint32_t state;       /* system_state; see MAKER_RUNNING */
	uint64_t seconds, jiffies;
	bool is_early; /* the direct map is not made so far */
	bool without_btf, without_kallsyms, without_absolute;
};

#define MAKER_BOOTING 0
#define MAKER_RUNNING 3
#define MAKER_RESTART 6

/* A vmalloc address that is mapped to the page that begins with this text, and the one after it, which is not mapped. */
#define MAKER_VMALLOC_TEXT "in a page of its own"
uint64_t maker_kernel_vmalloc(const struct maker_kernel *kernel);

/* Offset in the file of a physical address. */
uint64_t maker_kernel_offset(const struct maker_kernel *kernel, uint64_t physical);

/* Address of a symbol as it was moved; aborts if there is none. */
uint64_t maker_kernel_symbol(const struct maker_kernel *kernel, const char *name);
uint64_t maker_kernel_physical(const struct maker_kernel *kernel, const char *name);

/* Fills the defaults in. */
void maker_kernel_write(int fd, struct maker_kernel *kernel);
void maker_write(int fd, uint64_t offset, const void *data, size_t bytes);
