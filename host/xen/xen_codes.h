/* SPDX-License-Identifier: MIT */
/* Events of a Xen trace that a conversion looks into. Source: Xen's public header trace.h. */
#pragma once

#define XEN_CODE_RUNSTATE    0x00021000u /* | old << 8 | new << 4 | 1; word: domain << 16 | vcpu */
#define XEN_CODE_CONTINUE    0x00021002u /* the same word */
#define XEN_CODE_WAKE        0x00028004u /* words: domain, vcpu */
#define XEN_CODE_BLOCK       0x00028006u
#define XEN_CODE_SWITCH      0x0002800au /* domain and vcpu that go, and those that come */
#define XEN_CODE_HVM_ENTRY   0x00081001u
#define XEN_CODE_HVM_EXIT    0x00081002u /* reason, rip */
#define XEN_CODE_SVM_EXIT    0x00081003u /* the same of AMD's, since 4.19; before, it is the other, too */
#define XEN_CODE_HVM_NESTED  0x00000400u /* in those two: of a guest's guest */
#define XEN_CODE_HVM_VMMCALL 0x00082012u /* number */
#define XEN_CODE_PV          0x00201000u
#define XEN_CODE_PV_SUBCALL  0x00202000u
#define XEN_CODE_64          0x00000100u /* of HVM and PV: addresses have two words */
#define XEN_CODE_SUBCLASS    0x0ffff000u

#define XEN_PV_HYPERCALL    1  /* rip, number */
#define XEN_PV_TRAP         3  /* rip, error << 16 | trap */
#define XEN_PV_PAGE_FAULT   4  /* rip, address, error */
#define XEN_PV_PTWR         11 /* entry: 64 bits, address, rip */
#define XEN_PV_PTWR_PAE     12
#define XEN_PV_HYPERCALL_V2 13 /* arguments' sizes << 20 | number, arguments */

enum xen_runstate {
	XEN_RUNNING,
	XEN_RUNNABLE,
	XEN_BLOCKED,
	XEN_OFFLINE,
	XEN_RUNSTATES,
};
