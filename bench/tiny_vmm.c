/* SPDX-License-Identifier: MIT */
/*
 * tiny_vmm N [NR]: a guest of some 40 bytes, by KVM's API alone, that makes N hypercalls of number NR (1000) and no more. Their
 * arguments: an index, and three constants. Says what the cheapest took in units of the guest's TSC, and how many exits KVM
 * counted for the guest (0: its debugfs cannot be read).
 */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_BYTES (4u << 20)
#define PML4         0x2000u
#define PDPT         0x3000u
#define DIRECTORY    0x4000u
#define CODE         0x10000u
#define PAGE_TABLE   0x3u  /* present, writable */
#define LARGE_PAGE   0x83u /* and of 2 MiB */

/* rbx: index; rcx, r9, rsi: constants; r8: the shortest so far; r10: nr; r12: how many are left */
static const uint8_t code[] = {
	0x0f, 0x31,             /* again: rdtsc */
	0x89, 0xc7,             /* mov edi, eax */
	0x4c, 0x89, 0xca,       /* mov rdx, r9 */
	0x4c, 0x89, 0xd0,       /* mov rax, r10 */
	0x0f, 0x01, 0xd9,       /* vmmcall; on Intel the last byte is c1: vmcall */
	0x48, 0xff, 0xc3,       /* inc rbx */
	0x0f, 0x31,             /* rdtsc */
	0x29, 0xf8,             /* sub eax, edi */
	0x44, 0x39, 0xc0,       /* cmp eax, r8d */
	0x44, 0x0f, 0x42, 0xc0, /* cmovb r8d, eax */
	0x49, 0xff, 0xcc,       /* dec r12 */
	0x75, 0xe0,             /* jnz again */
	0xe6, 0x10,             /* out 0x10, al: the end */
	0xf4,                   /* hlt */
};
#define CALL_AT 12 /* of vmmcall's last byte */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int is_intel(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}

/* Two pages of 2 MiB, each at its own address, and the code. */
static void fill_memory(uint8_t *memory)
{
	uint64_t *directory = (uint64_t *)(memory + DIRECTORY);

	*(uint64_t *)(memory + PML4) = PDPT | PAGE_TABLE;
	*(uint64_t *)(memory + PDPT) = DIRECTORY | PAGE_TABLE;
	directory[0] = LARGE_PAGE;
	directory[1] = 1u << 21 | LARGE_PAGE;
	memcpy(memory + CODE, code, sizeof(code));
	if (is_intel())
		memory[CODE + CALL_AT] = 0xc1;
}

/* Long mode, paging on, flat segments. */
static void set_registers(int vcpu, uint64_t count, uint64_t nr)
{
	const struct kvm_segment text = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
	struct kvm_regs registers = {.rip = CODE,
		.rflags = 2,
		.rcx = 0xc1c1c1c1c1c1c1c1,
		.r9 = 0xd2d2d2d2d2d2d2d2,
		.rsi = 0xe3e3e3e3e3e3e3e3,
		.r8 = UINT32_MAX,
		.r10 = nr,
		.r12 = count};
	struct kvm_sregs system;

	if (ioctl(vcpu, KVM_GET_SREGS, &system))
		die("KVM_GET_SREGS");
	system.cr3 = PML4;
	system.cr4 = 0x20;       /* PAE */
	system.cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE */
	system.efer = 0x500;     /* LMA, LME */
	system.cs = text;
	system.ds = system.es = system.fs = system.gs = system.ss = data;
	if (ioctl(vcpu, KVM_SET_SREGS, &system) || ioctl(vcpu, KVM_SET_REGS, &registers))
		die("set registers");
}

static void set_cpuid(int kvm, int vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} *cpuid = calloc(1, sizeof(*cpuid));

	if (!cpuid)
		die("memory");
	cpuid->head.nent = 256;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) || ioctl(vcpu, KVM_SET_CPUID2, cpuid))
		die("cpuid");
	free(cpuid);
}

static unsigned long long count_exits(int vm)
{
	char path[96], text[32];
	int fd;
	ssize_t bytes;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/exits", (int)getpid(), vm);
	fd = open(path, O_RDONLY);
	bytes = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000;
	const uint64_t nr = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
	struct kvm_userspace_memory_region region = {.memory_size = MEMORY_BYTES};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu, run_bytes;
	struct kvm_regs registers;
	struct kvm_run *run;
	uint8_t *memory;

	if (kvm < 0)
		die("/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm < 0 || memory == MAP_FAILED)
		die("make a VM");
	region.userspace_addr = (uintptr_t)memory;
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000); /* Intel wants it */
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	run_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = vcpu < 0 || run_bytes < 0
		? MAP_FAILED
		: mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("make a vCPU");
	fill_memory(memory);
	set_cpuid(kvm, vcpu);
	set_registers(vcpu, count ? count : 1, nr);
	if (ioctl(vcpu, KVM_RUN, 0))
		die("KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO || ioctl(vcpu, KVM_GET_REGS, &registers)) {
		fprintf(stderr, "the guest ended by exit reason %u\n", run->exit_reason);
		return 1;
	}
	printf("calls %llu shortest %llu exits %llu\n", (unsigned long long)registers.rbx,
		(unsigned long long)registers.r8, count_exits(vm));
	return 0;
}
