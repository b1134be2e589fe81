/* SPDX-License-Identifier: MIT */
/* A VMM's command line, and the names of its threads: another process's words. Spaces stand for the NULs. */
#include <stdlib.h>
#include <string.h>

#include "host/vmm/vmm_list.h"
#include "host/vmm/vmm_threads.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "vmm";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"/usr/bin/qemu-system-x86_64 -name guest=a,,b,debug-threads=on -m size=2G,slots=4 -smp 4,cores=2 "
		"-uuid 6c3bf4f6-0000-0000-0000-000000000001 -cpu host,-svm,vmx=on -M q35,accel=kvm "
		"-chardev socket,id=m,path=/run/a -mon chardev=m,mode=control -qmp unix:/run/b,server=on "
		"-object memory-backend-file,id=hypertrace0,mem-path=/dev/shm/a,,b",
		"kvm -chardev socket,id=m,fd=20 -mon chardev=m,mode=control -object "
		"secret,file=/var/lib/libvirt/qemu/domain-1-a/master-key.aes",
		"cloud-hypervisor --cpus boot=2 --memory size=1G --name=x --id y",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

/* Whatever it says, the text ends where it should, and can be looked for. */
static void check(struct vmm_command *command, const char *word)
{
	struct vmm vmm = {.pid = 1, .command = *command};
	const struct vmm_list list = {.items = &vmm, .count = 1};
	const struct vmm *found[1];
	struct error error = {0};

	if (strnlen(command->name, sizeof(command->name)) == sizeof(command->name) ||
		strnlen(command->program, sizeof(command->program)) == sizeof(command->program) ||
		command->nr_sockets > VMM_SOCKETS_MAX || command->nr_cpus > 65536)
		abort();
	for (size_t i = 0; i < command->nr_sockets; i++)
		if (!command->sockets[i][0] ||
			strnlen(command->sockets[i], VMM_SOCKET_BYTES) == VMM_SOCKET_BYTES)
			abort();
	memcpy(vmm.name, command->name, sizeof(vmm.name));
	if (vmm_list_find(&list, word, found, 1, &error) < 0 && !error.text[0])
		abort();
	for (const char *at = error.text; *at; at++)
		if ((unsigned char)*at < ' ')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *line;
	struct vmm_command command;
	enum vmm_accel accel;
	size_t bytes;

	if (!text)
		return 0;
	bytes = strlen(text);
	line = memcpy(malloc(bytes + 1), text, bytes + 1);
	for (size_t i = 0; i < bytes; i++)
		line[i] = line[i] == ' ' ? '\0' : line[i];
	vmm_command_parse(&command, line, bytes);
	check(&command, text);
	vmm_thread_vcpu(line, &accel);
	free(line);
	free(text);
	return 0;
}
