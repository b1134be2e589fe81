/* SPDX-License-Identifier: MIT */
/* The names of x86's system calls, by the number that sys_enter and sys_exit carry. */
#pragma once
#include <stdint.h>

#define SYSCALL_NONE   0xffffu /* the kernel's -1, after a sigreturn; here also: not known */
#define SYSCALL_COMPAT 0x8000u /* the number is one of the 32-bit table */

/* "openat", or NULL: newer than these tables, or none. */
const char *syscall_name(uint16_t nr);
