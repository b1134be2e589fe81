/* SPDX-License-Identifier: MIT */
/* Does this machine, which hosts guests, run in a virtual machine itself? */
#pragma once
#include <stdbool.h>

struct host_layer {
	bool is_guest;
	char hypervisor[16]; /* "KVM", "TCG", "Hyper-V", …, as CPUID says; "": not known */
	bool can_nest;       /* its KVM lets guests have svm or vmx */
	bool knows_nesting;  /* KVM is loaded and says */
};

/* `sys`: "/sys". The CPU is asked, too: leaves 1 and 0x40000000 of CPUID. */
void host_layer_read(struct host_layer *layer, const char *sys);
