/* SPDX-License-Identifier: MIT */
/* What the command line of a VMM says of its guest. It is another process's word: bounded, and text in it is raw. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_NAME_BYTES   128
#define VMM_SOCKET_BYTES 108 /* of sun_path */
#define VMM_SOCKETS_MAX  4
#define VMM_PATH_BYTES   1024

enum vmm_accel {
	VMM_ACCEL_UNKNOWN,
	VMM_ACCEL_KVM,
	VMM_ACCEL_TCG,
};

/* May the guest run guests of its own with hardware support? */
enum vmm_nested {
	VMM_NESTED_UNKNOWN,
	VMM_NESTED_NO,
	VMM_NESTED_YES,
	VMM_NESTED_AS_HOST, /* -cpu host: what the host's KVM allows */
};

struct vmm_command {
	char program[64];          /* the first word, without its directory */
	char name[VMM_NAME_BYTES]; /* "": it has none */
	char uuid[37];             /* likewise */
	bool is_qemu;
	uint64_t memory_bytes; /* 0: not said */
	uint32_t nr_cpus;      /* likewise */
	enum vmm_accel accel;
	enum vmm_nested nested;
	/* Paths of QMP sockets that the VMM listens at; relative ones are relative to its working directory. */
	char sockets[VMM_SOCKETS_MAX][VMM_SOCKET_BYTES];
	size_t nr_sockets;
	char region
		[VMM_PATH_BYTES]; /* file of the memory backend whose id begins with "hypertrace"; "": none */
	bool is_libvirt;          /* started by libvirt, which keeps the first of the sockets to itself */
};

/*
 * Reads `bytes` of NUL-separated words, with a NUL behind them. QEMU's options as its manual page has them; of firecracker (--id),
 * cloud-hypervisor, crosvm and kvmtool (--name, --cpus, --mem) what they have in common.
 */
void vmm_command_parse(struct vmm_command *command, const char *line, size_t bytes);
