/* SPDX-License-Identifier: MIT */
/*
 * An L3: l3_hypercalls COUNT [NUMBER] runs a guest of a few instructions by the KVM API, in L2. It makes COUNT hypercalls
 * with the arguments 0, 1, 2 … in rbx and constants in rcx, rdx, rsi. Prints what the last one returned.
 *
 * AMD only, as KVM under emulation is; the CPU starts in 64-bit mode, with its first 4 MiB mapped one to one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define MEMORY_BYTES (4u << 20)
#define CPUID_MAX    200

/* where in the guest's memory */
#define PML4  0x2000
#define PDPT  0x3000
#define PD    0x4000
#define CODE  0x10000
#define STACK 0x20000

static const uint8_t code[] = {
	0x4c, 0x89, 0xe8, /* again: mov %r13, %rax */
	0x0f, 0x01, 0xd9, /* vmmcall */
	0x48, 0xff, 0xc3, /* inc %rbx */
	0x49, 0xff, 0xcc, /* dec %r12 */
	0x75, 0xf2,       /* jnz again */
	0xe6, 0x10,       /* out %al, $0x10: the end */
	0xf4,             /* hlt */
};

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static uint8_t *add_memory(int vm)
{
	uint8_t *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = MEMORY_BYTES, .userspace_addr = (uintptr_t)memory};

	if (memory == MAP_FAILED)
		check(-1, "mmap");
	check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	return memory;
}

static void fill_memory(uint8_t *memory)
{
	uint64_t entry = PDPT | 3;

	memcpy(memory + PML4, &entry, sizeof(entry));
	entry = PD | 3;
	memcpy(memory + PDPT, &entry, sizeof(entry));
	for (uint64_t i = 0; i < 2; i++) {
		entry = i << 21 | 0x83; /* 2 MiB each */
		memcpy(memory + PD + 8 * i, &entry, sizeof(entry));
	}
	memcpy(memory + CODE, code, sizeof(code));
}

static void set_cpuid(int kvm, int vcpu)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX * sizeof(cpuid->entries[0]));

	if (!cpuid)
		check(-1, "calloc");
	cpuid->nent = CPUID_MAX;
	check(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	check(ioctl(vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_registers(int vcpu, uint64_t count, uint64_t number)
{
	struct kvm_segment segment = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	struct kvm_regs registers = {.rip = CODE,
		.rflags = 2,
		.rsp = STACK,
		.r12 = count,
		.r13 = number,
		.rcx = 0xc1c1c1c1c1c1c1c1,
		.rdx = 0xd2d2d2d2d2d2d2d2,
		.rsi = 0xe3e3e3e3e3e3e3e3};
	struct kvm_sregs special;

	check(ioctl(vcpu, KVM_GET_SREGS, &special), "KVM_GET_SREGS");
	special.cs = segment;
	segment.type = 3;
	segment.selector = 16;
	segment.l = 0;
	segment.db = 1;
	special.ds = special.es = special.fs = special.gs = special.ss = segment;
	special.cr3 = PML4;
	special.cr4 = 0x20;       /* PAE */
	special.cr0 = 0x80050033; /* protected mode, paging */
	special.efer = 0x500;     /* long mode, active */
	check(ioctl(vcpu, KVM_SET_SREGS, &special), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
	int kvm = open("/dev/kvm", O_RDWR), vm, vcpu, size;
	struct kvm_regs registers;
	struct kvm_run *run;

	check(kvm, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	check(vm, "KVM_CREATE_VM");
	fill_memory(add_memory(vm));
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	check(vcpu, "KVM_CREATE_VCPU");
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	check(size, "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		check(-1, "mmap of the vCPU");
	set_cpuid(kvm, vcpu);
	set_registers(vcpu, count, number);
	do {
		if (ioctl(vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			check(-1, "KVM_RUN");
	} while (run->exit_reason == KVM_EXIT_INTR);
	check(ioctl(vcpu, KVM_GET_REGS, &registers), "KVM_GET_REGS");
	printf("l3: exit %u, rip %#llx, %llu hypercalls, result %lld\n", run->exit_reason, registers.rip,
		registers.rbx, (long long)registers.rax);
	return run->exit_reason != KVM_EXIT_IO;
}
