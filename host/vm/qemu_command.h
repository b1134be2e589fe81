/* SPDX-License-Identifier: MIT */
/* The command line of QEMU. */
#pragma once
#include "host/vm/vm.h"

/* Serial ports of the guest, in order, and QEMU's monitor. Each is a socket of ours that QEMU inherits; -1: none. */
enum vm_port {
	VM_PORT_CONSOLE, /* ttyS0: the command's */
	VM_PORT_KERNEL,  /* ttyS1: the kernel's messages */
	VM_PORT_STATUS,  /* ttyS2: init's words to us */
	VM_PORT_STDERR,  /* ttyS3: the command's stderr, where it is apart */
	VM_SERIAL_PORTS,
	VM_PORT_MONITOR = VM_SERIAL_PORTS, /* no port of the guest: QMP, for vm_config.hold_end */
	VM_PORTS,
};

struct qemu_command {
	char **argv; /* NULL-ended */
	size_t count;
	bool failed; /* out of memory */
};

/*
 * region_path: NULL where config has no region. ports: descriptors in the child.
 * -ENODEV: KVM was asked for and there is none; -EINVAL, -ENOMEM.
 */
int qemu_command_init(struct qemu_command *command, const struct vm_config *config, const char *initramfs,
	const char *region_path, const int ports[VM_PORTS], struct error *error);
void qemu_command_deinit(struct qemu_command *command);

/* Whether guests run at speed here: an open /dev/kvm alone is not enough, see VM_ACCEL_AUTO. */
bool qemu_has_kvm(void);
