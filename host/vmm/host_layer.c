/* SPDX-License-Identifier: MIT */
#include "host/vmm/host_layer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

static const struct {
	const char *signature, *name;
} hypervisors[] = {
	{"KVMKVMKVM", "KVM"},
	{"TCGTCGTCGTCG", "TCG"},
	{"Microsoft Hv", "Hyper-V"},
	{"VMwareVMware", "VMware"},
	{"XenVMMXenVMM", "Xen"},
	{"bhyve bhyve ", "bhyve"},
	{"ACRNACRNACRN", "ACRN"},
};

#ifdef __x86_64__
#define LEAF_HYPERVISOR 0x40000000u
#define HYPERVISOR_BIT  (1u << 31) /* of leaf 1, ecx: never set on hardware */

static void ask_cpu(struct host_layer *layer)
{
	unsigned eax, ebx, ecx, edx;
	char signature[13] = "";

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & HYPERVISOR_BIT))
		return;
	layer->is_guest = true;
	__cpuid(LEAF_HYPERVISOR, eax, ebx, ecx, edx);
	memcpy(signature, &ebx, 4);
	memcpy(signature + 4, &ecx, 4);
	memcpy(signature + 8, &edx, 4);
	for (size_t i = 0; i < sizeof(hypervisors) / sizeof(hypervisors[0]); i++)
		if (!strcmp(signature, hypervisors[i].signature))
			snprintf(layer->hypervisor, sizeof(layer->hypervisor), "%s", hypervisors[i].name);
}
#else
static void ask_cpu(struct host_layer *layer)
{
	(void)layer;
}
#endif

static bool read_word(const char *sys, const char *name, char *word, size_t size)
{
	cleanup_free char *text = NULL;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sys, name);
	if (file_read_small(AT_FDCWD, path, 4096, &text, NULL, NULL))
		return false;
	snprintf(word, size, "%.*s", (int)strcspn(text, "\n"), text);
	return true;
}

void host_layer_read(struct host_layer *layer, const char *sys)
{
	static const char *const nested[] = {
		"module/kvm_amd/parameters/nested", "module/kvm_intel/parameters/nested"};
	char word[16];

	*layer = (struct host_layer){0};
	ask_cpu(layer);
	if (read_word(sys, "hypervisor/type", word, sizeof(word))) { /* Xen's, also of a PV guest */
		layer->is_guest = true;
		if (!layer->hypervisor[0])
			snprintf(layer->hypervisor, sizeof(layer->hypervisor), "%s",
				!strcmp(word, "xen") ? "Xen" : "");
	}
	for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++)
		if (read_word(sys, nested[i], word, sizeof(word))) {
			layer->knows_nesting = true;
			layer->can_nest |= word[0] == 'Y' || word[0] == '1';
		}
}
