/* SPDX-License-Identifier: MIT */
#include "lib/analysis/faults.h"

#define ERROR_PROTECTION 1u
#define ERROR_WRITE      2u

int faults_init(struct faults *faults)
{
	*faults = (struct faults){0};
	return capped_table_init(&faults->kernel_ips, sizeof(struct fault_row), FAULT_LIMIT);
}

void faults_deinit(struct faults *faults)
{
	capped_table_deinit(&faults->kernel_ips);
}

void faults_add(struct faults *faults, struct task *task, bool user, uint64_t ip, uint32_t error_code)
{
	faults->writes += (error_code & ERROR_WRITE) != 0;
	faults->protection += (error_code & ERROR_PROTECTION) != 0;
	if (user) {
		faults->user++;
		task->faults_user++;
	} else {
		struct fault_row *row = capped_table_at(&faults->kernel_ips, ip);

		row->count++;
		faults->kernel++;
		task->faults_kernel++;
	}
}
