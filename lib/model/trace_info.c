/* SPDX-License-Identifier: MIT */
#include "lib/model/trace_info.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

const char *trace_lost_name(enum trace_lost cause)
{
	static const char *const names[TRACE_LOST_CAUSES] = {
		[TRACE_LOST_FULL] = "full",
		[TRACE_LOST_NESTED] = "nested",
		[TRACE_LOST_OVERSIZE] = "oversize",
		[TRACE_LOST_PAIRING] = "pairing",
		[TRACE_LOST_OVERWRITTEN] = "overwritten",
		[TRACE_LOST_TORN] = "torn",
		[TRACE_LOST_DAMAGED] = "damaged",
		[TRACE_LOST_UNWRITTEN] = "unwritten",
	};

	return (unsigned)cause < TRACE_LOST_CAUSES ? names[cause] : "unknown";
}

void trace_info_deinit(struct trace_info *info)
{
	for (size_t i = 0; i < info->nr_machines; i++) {
		free(info->machines[i].points);
		free(info->machines[i].cpus);
		trace_machine_info_leave_none_out(&info->machines[i]);
		for (size_t vm = 0; vm < info->machines[i].nr_vms; vm++) {
			free(info->machines[i].vms[vm].vcpus);
			free(info->machines[i].vms[vm].epochs);
		}
		free(info->machines[i].vms);
	}
	free(info->machines);
	*info = (struct trace_info){0};
}

/* It becomes the name of a directory, also from a foreign JSON: nothing that leaves the trace's own. */
static int check_name(const char *name, struct error *error)
{
	size_t length = strlen(name);
	struct trace_machine_info *machine;

	if (!length || length >= sizeof(machine->name) || name[0] == '.')
		return error_set(error, -EINVAL,
			"machine name: not 1 to %zu characters without a dot in front",
			sizeof(machine->name) - 1);
	for (size_t i = 0; i < length; i++)
		if (!isascii(name[i]) || (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i])))
			return error_set(
				error, -EINVAL, "machine name: only letters, digits, '-', '_' and '.'");
	return 0;
}

int trace_info_add_machine(
	struct trace_info *info, const char *name, struct trace_machine_info **machine, struct error *error)
{
	struct trace_machine_info *machines;
	int code = check_name(name, error);

	if (code)
		return code;
	if (info->nr_machines >= TRACE_MACHINES_MAX)
		return error_set(error, -E2BIG, "more than %d machines", TRACE_MACHINES_MAX);
	for (size_t i = 0; i < info->nr_machines; i++)
		if (!strcmp(info->machines[i].name, name))
			return error_set(error, -EEXIST, "machine %s is there twice", name);
	machines = reallocarray(info->machines, info->nr_machines + 1, sizeof(*machines));
	if (!machines)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	info->machines = machines;
	*machine = &machines[info->nr_machines++];
	**machine = (struct trace_machine_info){0};
	strcpy((*machine)->name, name); /* its length was checked */
	return 0;
}

int trace_machine_info_add_point(struct trace_machine_info *machine, struct clock_point point)
{
	/* Weeks of recording: every second point of the older half is enough, again and again. */
	const size_t most = 1 << 16;
	struct clock_point *points;

	if (machine->nr_points == most) {
		size_t kept = 1;

		for (size_t i = 2; i < most / 2; i += 2)
			machine->points[kept++] = machine->points[i];
		memmove(machine->points + kept, machine->points + most / 2, most / 2 * sizeof(*points));
		machine->nr_points = kept + most / 2;
	}
	/* room is taken in powers of two */
	if (!(machine->nr_points & (machine->nr_points - 1))) {
		points = reallocarray(
			machine->points, machine->nr_points ? machine->nr_points * 2 : 1, sizeof(*points));
		if (!points)
			return -ENOMEM;
		machine->points = points;
	}
	machine->points[machine->nr_points++] = point;
	return 0;
}

void trace_machine_info_keep_exact(struct trace_machine_info *machine, uint64_t bound_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < machine->nr_points; i++)
		kept += machine->points[i].bound_ns <= bound_ns;
	if (!kept)
		return;
	kept = 0;
	for (size_t i = 0; i < machine->nr_points; i++)
		if (machine->points[i].bound_ns <= bound_ns)
			machine->points[kept++] = machine->points[i];
	machine->nr_points = kept;
}

struct trace_cpu_info *trace_machine_info_cpu(struct trace_machine_info *machine, uint32_t cpu)
{
	struct trace_cpu_info *cpus;

	for (size_t i = 0; i < machine->nr_cpu_infos; i++)
		if (machine->cpus[i].cpu == cpu)
			return &machine->cpus[i];
	if (machine->nr_cpu_infos >= TRACE_CPUS_MAX)
		return NULL;
	cpus = reallocarray(machine->cpus, machine->nr_cpu_infos + 1, sizeof(*cpus));
	if (!cpus)
		return NULL;
	machine->cpus = cpus;
	cpus[machine->nr_cpu_infos] = (struct trace_cpu_info){.cpu = cpu};
	return &cpus[machine->nr_cpu_infos++];
}

int trace_machine_info_leave_out(struct trace_machine_info *machine, const char *function)
{
	struct trace_budget_info *budget = &machine->budget;
	char **names, *name;

	if (budget->nr_left_out >= TRACE_LEFT_OUT_MAX)
		return -E2BIG;
	names = reallocarray(budget->left_out, budget->nr_left_out + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	budget->left_out = names;
	name = strdup(function);
	if (!name)
		return -ENOMEM;
	names[budget->nr_left_out++] = name;
	return 0;
}

void trace_machine_info_leave_none_out(struct trace_machine_info *machine)
{
	struct trace_budget_info *budget = &machine->budget;

	for (size_t i = 0; i < budget->nr_left_out; i++)
		free(budget->left_out[i]);
	free(budget->left_out);
	budget->left_out = NULL;
	budget->nr_left_out = 0;
}

struct trace_vm_info *trace_machine_info_vm(struct trace_machine_info *machine, uint32_t pid)
{
	struct trace_vm_info *vms;

	for (size_t i = 0; i < machine->nr_vms; i++)
		if (machine->vms[i].pid == pid)
			return &machine->vms[i];
	if (machine->nr_vms >= TRACE_VMS_MAX)
		return NULL;
	vms = reallocarray(machine->vms, machine->nr_vms + 1, sizeof(*vms));
	if (!vms)
		return NULL;
	machine->vms = vms;
	vms[machine->nr_vms] = (struct trace_vm_info){.pid = pid};
	return &vms[machine->nr_vms++];
}

int trace_vm_info_vcpu(struct trace_vm_info *vm, uint32_t vcpu, uint32_t tid)
{
	struct trace_vcpu_info *vcpus;

	for (size_t i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].vcpu == vcpu) {
			vm->vcpus[i].tid = tid;
			return 0;
		}
	if (vm->nr_vcpus >= TRACE_CPUS_MAX)
		return -E2BIG;
	vcpus = reallocarray(vm->vcpus, vm->nr_vcpus + 1, sizeof(*vcpus));
	if (!vcpus)
		return -ENOMEM;
	vm->vcpus = vcpus;
	vcpus[vm->nr_vcpus++] = (struct trace_vcpu_info){.vcpu = vcpu, .tid = tid};
	return 0;
}

int trace_vm_info_add_epoch(struct trace_vm_info *vm, const struct trace_tsc_epoch *epoch)
{
	struct trace_tsc_epoch *epochs;

	if (vm->nr_epochs >= TRACE_EPOCHS_MAX)
		return -E2BIG;
	epochs = reallocarray(vm->epochs, vm->nr_epochs + 1, sizeof(*epochs));
	if (!epochs)
		return -ENOMEM;
	vm->epochs = epochs;
	epochs[vm->nr_epochs++] = *epoch;
	return 0;
}

bool trace_vm_info_is_of(const struct trace_vm_info *vm, const char *machine)
{
	const size_t length = strlen(vm->machine);

	if (!length || strncmp(machine, vm->machine, length))
		return false;
	return !machine[length] ||
		(machine[length] == '.' && machine[length + 1] &&
			!machine[length + 1 + strspn(machine + length + 1, "0123456789")]);
}

const struct trace_vm_info *trace_info_vm_of(
	const struct trace_info *info, const char *machine, const struct trace_machine_info **host)
{
	for (size_t i = 0; i < info->nr_machines; i++)
		for (size_t vm = 0; vm < info->machines[i].nr_vms; vm++)
			if (trace_vm_info_is_of(&info->machines[i].vms[vm], machine)) {
				*host = &info->machines[i];
				return &info->machines[i].vms[vm];
			}
	return NULL;
}

uint64_t trace_cpu_info_lost(const struct trace_cpu_info *cpu)
{
	uint64_t lost = 0;

	for (int i = 0; i < TRACE_LOST_CAUSES; i++)
		lost += cpu->lost[i];
	return lost;
}

uint64_t trace_machine_info_lost(const struct trace_machine_info *machine)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < machine->nr_cpu_infos; i++)
		lost += trace_cpu_info_lost(&machine->cpus[i]);
	return lost;
}

uint64_t trace_machine_info_events(const struct trace_machine_info *machine)
{
	uint64_t events = 0;

	for (size_t i = 0; i < machine->nr_cpu_infos; i++)
		events += machine->cpus[i].events;
	return events;
}
