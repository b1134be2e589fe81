/* SPDX-License-Identifier: MIT */
#include "host/collect/host_vms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/vmm/vmm.h"
#include "lib/base/text.h"

int host_vms_init(struct host_vms *vms, struct machine_output *output, host_vms_machine_fn *machine_of,
	void *context, struct error *error)
{
	*vms = (struct host_vms){.output = output, .machine_of = machine_of, .context = context};
	vms->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return vms->proc_fd < 0 ? error_set(error, -errno, "/proc: %s", strerror(errno)) : 0;
}

void host_vms_deinit(struct host_vms *vms)
{
	if (vms->proc_fd >= 0)
		close(vms->proc_fd);
	vms->proc_fd = -1;
}

/* As `hypertrace list` shows it; one that has ended already is known by what its thread was called. */
static void name_vm(const struct host_vms *vms, struct trace_vm_info *vm, pid_t pid)
{
	char shown[4 * VMM_NAME_BYTES];
	struct vmm vmm = {0};

	if (vmm_read(&vmm, vms->proc_fd, pid) == 1) {
		const size_t length = text_escape(shown, vmm.name, strnlen(vmm.name, sizeof(vmm.name)));

		snprintf(vm->name, sizeof(vm->name), "%.*s", (int)length, shown);
		vmm_deinit(&vmm);
	} else {
		snprintf(vm->name, sizeof(vm->name), "pid:%d", (int)pid);
	}
}

struct trace_vm_info *host_vms_vm(struct host_vms *vms, pid_t pid)
{
	struct trace_vm_info *vm = trace_machine_info_vm(machine_output_info(vms->output), (uint32_t)pid);

	if (vm && !vm->name[0])
		name_vm(vms, vm, pid);
	return vm;
}

void host_vms_learn(struct host_vms *vms, const struct collector_record *record)
{
	struct trace_vm_info *vm;

	if (record->value >= COLLECTOR_THREADS_MAX)
		return;
	vms->threads[record->value].tid = record->tid;
	vms->threads[record->value].vcpu = record->vcpu;
	names_writer_task(&vms->output->names, record->tid, record->task.tgid, record->task.comm);
	vm = host_vms_vm(vms, (pid_t)record->task.tgid);
	if (vm)
		trace_vm_info_vcpu(vm, record->vcpu, record->tid);
}

void host_vms_link(struct host_vms *vms)
{
	struct trace_machine_info *info = machine_output_info(vms->output);

	for (size_t i = 0; i < info->nr_vms; i++)
		snprintf(info->vms[i].machine, sizeof(info->vms[i].machine), "%s",
			vms->machine_of(vms->context, (pid_t)info->vms[i].pid));
}
