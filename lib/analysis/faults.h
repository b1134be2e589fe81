/* SPDX-License-Identifier: MIT */
/* Page faults: how many, of which tasks, and which instructions of the kernel caused them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/analysis/task_table.h"

#define FAULT_LIMIT 4096 /* rows */

struct fault_row {
	uint64_t key; /* the faulting instruction's address */
	uint64_t count;
};

struct faults {
	struct capped_table kernel_ips; /* of struct fault_row */
	uint64_t user, kernel;
	uint64_t writes, protection; /* by the error code's bits: a write; the page was there */
};

/* -ENOMEM; good for faults_deinit() all the same. */
int faults_init(struct faults *faults);
void faults_deinit(struct faults *faults);

/* page_fault_user and page_fault_kernel; error_code as x86 pushes it. */
void faults_add(struct faults *faults, struct task *task, bool user, uint64_t ip, uint32_t error_code);
