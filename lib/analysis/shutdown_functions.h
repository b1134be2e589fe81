/* SPDX-License-Identifier: MIT */
/* What the kernel's functions on the way down are, by name (kernel/reboot.c, drivers/base/core.c; 6.1 and 6.12). */
#pragma once

enum shutdown_class {
	SHUTDOWN_NONE,
	SHUTDOWN_ROOT,    /* kernel_restart(), kernel_power_off(), … */
	SHUTDOWN_PREPARE, /* of a root: calls the chain of notifiers and device_shutdown() */
	SHUTDOWN_CHAIN,   /* calls notifiers */
	SHUTDOWN_DEVICES, /* calls devices' shutdown callbacks */
	SHUTDOWN_SYSCORE, /* calls those of the system's core */
	SHUTDOWN_MACHINE, /* the architecture's end */
	SHUTDOWN_HELPER,  /* of the above: locks, reference counts; only worth a word when it takes long */
	SHUTDOWN_WAIT,    /* sleeps, delays, waits */
};

/* `name`: a symbol, also with a compiler's suffix such as ".constprop.0". */
enum shutdown_class shutdown_class_of(const char *name);
