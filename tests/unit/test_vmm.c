/* SPDX-License-Identifier: MIT */
/* Guests found in a /proc of our own: command lines of several VMMs, threads, descriptors, names; and nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/vmm/host_layer.h"
#include "host/vmm/vmm_list.h"
#include "host/vmm/vmm_threads.h"
#include "lib/base/error.h"
#include "tests/unit/fake_qmp.h"

struct tree {
	char root[64];
};

static void make_tree(struct tree *tree)
{
	strcpy(tree->root, "/tmp/test_vmm.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
}

static void remove_tree(struct tree *tree)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", tree->root);
	assert_int_equal(system(command), 0);
}

/* A file and the directories above it. */
static void put(const struct tree *tree, const char *path, const void *data, size_t bytes)
{
	char whole[512];
	int fd;

	snprintf(whole, sizeof(whole), "%s/%s", tree->root, path);
	for (char *at = whole + strlen(tree->root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(whole, 0700);
		*at = '/';
	}
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	close(fd);
}

static void put_link(const struct tree *tree, const char *path, const char *target)
{
	char whole[512];

	put(tree, path, "", 0);
	snprintf(whole, sizeof(whole), "%s/%s", tree->root, path);
	unlink(whole);
	assert_int_equal(symlink(target, whole), 0);
}

/* A process; spaces in `line` stand for the NULs. */
static void put_process(const struct tree *tree, int pid, const char *line)
{
	char path[64], text[2048];
	size_t length = (size_t)snprintf(text, sizeof(text), "%s", line);

	for (size_t i = 0; i < length; i++)
		text[i] = text[i] == ' ' ? '\0' : text[i];
	snprintf(path, sizeof(path), "%d/cmdline", pid);
	put(tree, path, text, length ? length + 1 : 0);
	snprintf(path, sizeof(path), "%d/stat", pid);
	length = (size_t)snprintf(text, sizeof(text),
		"%d (a) b) (c) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 %d 0 0", pid, 1000 + pid);
	put(tree, path, text, length);
	snprintf(path, sizeof(path), "%d/fd/0", pid);
	put_link(tree, path, "/dev/null");
	snprintf(path, sizeof(path), "%d/task/%d/comm", pid, pid);
	put(tree, path, "main\n", 5);
}

static void put_thread(const struct tree *tree, int pid, int tid, const char *comm, const char *call)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/task/%d/comm", pid, tid);
	put(tree, path, comm, strlen(comm));
	snprintf(path, sizeof(path), "%d/task/%d/syscall", pid, tid);
	put(tree, path, call, strlen(call));
}

static struct vmm_command parse(const char *line)
{
	struct vmm_command command;
	char text[2048];
	size_t length = (size_t)snprintf(text, sizeof(text), "%s", line);

	for (size_t i = 0; i < length; i++)
		text[i] = text[i] == ' ' ? '\0' : text[i];
	vmm_command_parse(&command, text, length);
	return command;
}

static void qemu_command_line(void **state)
{
	struct vmm_command command = parse(
		"/usr/bin/qemu-system-x86_64 -name guest=web,,1,debug-threads=on -machine pc-q35-7.2,accel=kvm "
		"-cpu EPYC,svm=off,+vmx -m size=2097152k,slots=4 -smp 4,sockets=4 "
		"-uuid 6c3bf4f6-0000-0000-0000-000000000001 "
		"-object memory-backend-file,id=hypertrace0,size=32M,mem-path=/dev/shm/ht,,1,share=on "
		"-chardev socket,id=mon1,path=/run/vm1.qmp,server=on -mon chardev=mon1,mode=control "
		"--qmp unix:rel.qmp,server=on,wait=off -mon chardev=other,mode=readline");

	(void)state;
	assert_string_equal(command.program, "qemu-system-x86_64");
	assert_string_equal(command.name, "web,1");
	assert_string_equal(command.uuid, "6c3bf4f6-0000-0000-0000-000000000001");
	assert_true(command.is_qemu && !command.is_libvirt);
	assert_int_equal(command.memory_bytes, UINT64_C(2) << 30);
	assert_int_equal(command.nr_cpus, 4);
	assert_int_equal(command.accel, VMM_ACCEL_KVM);
	assert_int_equal(command.nested, VMM_NESTED_YES);
	assert_string_equal(command.region, "/dev/shm/ht,1");
	assert_int_equal(command.nr_sockets, 2);
	assert_string_equal(command.sockets[0], "/run/vm1.qmp");
	assert_string_equal(command.sockets[1], "rel.qmp");

	command = parse("qemu-kvm -name plain -m 512 -smp cpus=3 -cpu host -accel tcg,thread=multi");
	assert_string_equal(command.name, "plain");
	assert_int_equal(command.memory_bytes, UINT64_C(512) << 20);
	assert_int_equal(command.nr_cpus, 3);
	assert_int_equal(command.accel, VMM_ACCEL_TCG);
	assert_int_equal(command.nested, VMM_NESTED_AS_HOST);
	assert_int_equal(parse("kvm -cpu max,+svm,svm=off").nested, VMM_NESTED_NO);
	assert_int_equal(parse("kvm -cpu max,+svmx").nested, VMM_NESTED_UNKNOWN);
	assert_int_equal(parse("kvm -enable-kvm").accel, VMM_ACCEL_KVM);
}

static void libvirt_command_line(void **state)
{
	struct vmm_command command = parse(
		"/usr/bin/qemu-system-x86_64 -name guest=deb,debug-threads=on -S -object "
		"{\"qom-type\":\"secret\",\"file\":\"x\"} -object "
		"secret,id=masterKey0,format=raw,file=/var/lib/libvirt/qemu/domain-1-deb/master-key.aes "
		"-chardev socket,id=charmonitor,fd=20,server=on,wait=off "
		"-mon chardev=charmonitor,id=monitor,mode=control");

	(void)state;
	assert_true(command.is_libvirt);
	assert_int_equal(command.nr_sockets, 1);
	assert_string_equal(command.sockets[0], "/var/lib/libvirt/qemu/domain-1-deb/monitor.sock");
}

static void other_command_lines(void **state)
{
	struct vmm_command command = parse("/opt/firecracker --id=fc-7 --api-sock /run/fc.sock");

	(void)state;
	assert_string_equal(command.program, "firecracker");
	assert_string_equal(command.name, "fc-7");
	assert_false(command.is_qemu);
	command = parse("cloud-hypervisor --cpus boot=2,max=4 --memory size=1G --kernel k");
	assert_int_equal(command.nr_cpus, 2);
	assert_int_equal(command.memory_bytes, UINT64_C(1) << 30);
}

static void nonsense_on_the_command_line(void **state)
{
	struct vmm_command command =
		parse("qemu-system-x86_64 -m -5 -smp 99999999 -name =,=,guest -qmp unix: -mon "
		      "mode=control,chardev= -chardev -m 99999999999999T -uuid");
	struct vmm_command empty;
	char line[512];

	(void)state;
	assert_int_equal(command.memory_bytes, 0);
	assert_int_equal(command.nr_cpus, 0);
	assert_int_equal(command.nr_sockets, 0);
	vmm_command_parse(&empty, "", 0);
	assert_string_equal(empty.program, "");
	memset(line, 'a', sizeof(line));
	memcpy(line, "kvm -name ", 10);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(strlen(parse(line).name), VMM_NAME_BYTES - 1);
}

static void thread_names(void **state)
{
	enum vmm_accel accel = VMM_ACCEL_UNKNOWN;

	(void)state;
	assert_int_equal(vmm_thread_vcpu("CPU 12/KVM", &accel), 12);
	assert_int_equal(accel, VMM_ACCEL_KVM);
	assert_int_equal(vmm_thread_vcpu("CPU 0/TCG", &accel), 0);
	assert_int_equal(accel, VMM_ACCEL_TCG);
	assert_int_equal(vmm_thread_vcpu("fc_vcpu 3", &accel), 3);
	assert_int_equal(vmm_thread_vcpu("vcpu1", &accel), 1);
	assert_int_equal(vmm_thread_vcpu("vcpu", &accel), -1);
	assert_int_equal(vmm_thread_vcpu("vcpu1x", &accel), -1);
	assert_int_equal(vmm_thread_vcpu("CPU 99999/KVM", &accel), -1);
	assert_int_equal(vmm_thread_vcpu("CPU -1/KVM", &accel), -1);
}

static const struct vmm *vmm_of(const struct vmm_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].pid == pid)
			return &list->items[i];
	return NULL;
}

static void guests_are_found(void **state)
{
	struct vmm_list list;
	struct error error = {0};
	const struct vmm *vmm;
	struct tree tree;

	(void)state;
	make_tree(&tree);
	put_process(&tree, 1, "/sbin/init");
	put_process(&tree, 2, ""); /* a kernel thread */
	put_process(&tree, 100, "qemu-system-x86_64 -name one,debug-threads=on -smp 2 -m 1G");
	put_thread(&tree, 100, 103, "CPU 1/TCG\n", "running\n");
	put_thread(&tree, 100, 102, "CPU 0/TCG\n", "running\n");
	/* whatever it is called: it holds a VM; one thread tells what it is by its system call */
	put_process(&tree, 200, "/opt/my-vmm");
	put_link(&tree, "200/fd/4", "anon_inode:kvm-vm");
	put_link(&tree, "200/fd/5", "anon_inode:kvm-vcpu:0");
	put_link(&tree, "200/fd/6", "anon_inode:kvm-vcpu:1");
	put_thread(&tree, 200, 201, "worker\n", "16 0x6 0xae80 0x0 0x0 0x0 0x0 0x7ff 0x7ff\n");
	put_thread(&tree, 200, 202, "worker\n", "running\n"); /* it is what is left */
	put_thread(&tree, 200, 203, "worker\n", "202 0x6 0xae80 0x0\n");
	/* the kernel's own, which looks like the vCPU that it was made by */
	put_thread(&tree, 200, 204, "kvm-nx-lpage-re\n", "16 0x6 0xae80 0x0 0x0 0x0 0x0 0x7ff 0x7ff\n");
	/* a /dev/kvm alone makes no guest, nor does a name of a thread of somebody we can look into */
	put_process(&tree, 300, "libvirtd");
	put_link(&tree, "300/fd/4", "/dev/kvm");
	put_thread(&tree, 300, 301, "CPU 0/KVM\n", "running\n");
	/* names tell more than descriptors, which have the numbers of APICs */
	put_process(&tree, 600, "qemu-system-x86_64 -name six,debug-threads=on -smp 2");
	put_link(&tree, "600/fd/5", "anon_inode:kvm-vcpu:0");
	put_link(&tree, "600/fd/6", "anon_inode:kvm-vcpu:4");
	put_thread(&tree, 600, 601, "CPU 0/KVM\n", "running\n");
	put_thread(&tree, 600, 602, "CPU 1/KVM\n", "16 0x6 0xae80 0x0\n");
	/* a QEMU that keeps to itself */
	put_process(&tree, 400, "qemu-system-x86_64 -smp 3");
	put_link(&tree, "400/fd/4", "anon_inode:kvm-vm");
	put(&tree, "not-a-pid/cmdline", "kvm", 4);
	put(&tree, "99999999999/cmdline", "kvm", 4);
	put(&tree, "500/cmdline", "kvm", 4); /* it ends while we look: there is nothing else of it */

	assert_int_equal(vmm_list_read(&list, tree.root, &error), 0);
	assert_int_equal(list.count, 4);
	vmm = vmm_of(&list, 600);
	assert_int_equal(vmm->nr_vcpus, 2);
	assert_int_equal(vmm_vcpu_tid(vmm, 1), 602);
	vmm = vmm_of(&list, 100);
	assert_string_equal(vmm->name, "one");
	assert_true(vmm->is_named && vmm->knows_threads && vmm->sees_descriptors);
	assert_int_equal(vmm->accel, VMM_ACCEL_TCG);
	assert_int_equal(vmm->nr_vcpus, 2);
	assert_int_equal(vmm_vcpu_tid(vmm, 0), 102);
	assert_int_equal(vmm_vcpu_tid(vmm, 1), 103);
	assert_int_equal(vmm_vcpu_tid(vmm, 2), 0);
	assert_int_equal(vmm->start_ticks, 1100);
	vmm = vmm_of(&list, 200);
	assert_string_equal(vmm->name, "my-vmm:200");
	assert_int_equal(vmm->accel, VMM_ACCEL_KVM);
	assert_true(vmm->knows_threads && !vmm->is_named);
	assert_int_equal(vmm_vcpu_tid(vmm, 0), 202);
	assert_int_equal(vmm_vcpu_tid(vmm, 1), 201);
	vmm = vmm_of(&list, 400);
	assert_int_equal(vmm->accel, VMM_ACCEL_KVM);
	assert_int_equal(vmm->nr_vcpus, 3);
	assert_false(vmm->knows_threads);
	vmm_list_deinit(&list);
	remove_tree(&tree);
	assert_int_equal(vmm_list_read(&list, tree.root, &error), -ENOENT);
}

static void qemu_is_asked_for_its_threads(void **state)
{
	struct vmm_list list;
	struct fake_qmp fake;
	struct tree tree;
	char line[256], busy[256];

	(void)state;
	make_tree(&tree);
	FAKE_QMP_START(&fake, FAKE_QMP_GREETING, FAKE_QMP_DONE,
		"{\"return\": [{\"cpu-index\": 0, \"thread-id\": 102}, {\"cpu-index\": 1, \"thread-id\": 999},"
		" {\"cpu-index\": -1, \"thread-id\": 102}, {}, 5]}\n");
	snprintf(line, sizeof(line), "qemu-system-x86_64 -smp 2 -qmp unix:%s,server=on", fake.path);
	put_process(&tree, 100, line);
	put_thread(&tree, 100, 102, "qemu\n", "running\n");
	assert_int_equal(vmm_list_read(&list, tree.root, NULL), 0);
	assert_int_equal(list.count, 1);
	/* 999 is no thread of it */
	assert_int_equal(vmm_vcpu_tid(&list.items[0], 0), 102);
	assert_int_equal(list.items[0].nr_vcpus, 1);
	vmm_list_deinit(&list);
	fake_qmp_stop(&fake);
	assert_string_equal(fake.requests[1], "{\"execute\":\"query-cpus-fast\"}");

	/* a socket that somebody holds is left alone: nobody serves it here, and it would take half a second */
	snprintf(busy, sizeof(busy),
		"Num       RefCount Protocol Flags    Type St Inode Path\n"
		"0000000000000000: 00000002 00000000 00010000 0001 01 1234 %s\n"
		"0000000000000000: 00000003 00000000 00000000 0001 03 1235 %s\n",
		fake.path, fake.path);
	put(&tree, "net/unix", busy, strlen(busy));
	{
		int proc_fd = open(tree.root, O_RDONLY | O_DIRECTORY);

		assert_true(vmm_socket_is_busy(proc_fd, fake.path));
		assert_false(vmm_socket_is_busy(proc_fd, "/other"));
		close(proc_fd);
	}
	remove_tree(&tree);
}

static void names_are_resolved(void **state)
{
	struct vmm_list list;
	const struct vmm *found[8];
	struct error error = {0};
	struct tree tree;

	(void)state;
	make_tree(&tree);
	put_process(&tree, 100, "kvm -name web1 -uuid 6c3bf4f6-0000-0000-0000-0000000000AA");
	put_process(&tree, 200, "kvm -name web2");
	put_process(&tree, 300, "kvm -name twin");
	put_process(&tree, 400, "kvm -name twin");
	assert_int_equal(vmm_list_read(&list, tree.root, NULL), 0);
	assert_int_equal(vmm_list_find(&list, "web1", found, 8, &error), 1);
	assert_int_equal(found[0]->pid, 100);
	assert_int_equal(vmm_list_find(&list, "6c3bf4f6-0000-0000-0000-0000000000aa", found, 8, &error), 1);
	assert_int_equal(found[0]->pid, 100);
	assert_int_equal(vmm_list_find(&list, "200", found, 8, &error), 1);
	assert_int_equal(found[0]->pid, 200);
	assert_int_equal(vmm_list_find(&list, "web*", found, 8, &error), 2);
	assert_int_equal(vmm_list_find(&list, "*", found, 8, &error), 4);
	assert_int_equal(vmm_list_find(&list, "*", found, 3, &error), -E2BIG);
	assert_int_equal(vmm_list_find(&list, "twin", found, 8, &error), -ENOTUNIQ);
	assert_non_null(strstr(error.hint, "300, 400"));
	error = (struct error){0};
	assert_int_equal(vmm_list_find(&list, "wbe1", found, 8, &error), -ENOENT);
	assert_non_null(strstr(error.hint, "'web1'"));
	error = (struct error){0};
	assert_int_equal(vmm_list_find(&list, "something\x1b else", found, 8, &error), -ENOENT);
	assert_null(strchr(error.text, '\x1b'));
	vmm_list_deinit(&list);
	remove_tree(&tree);
}

static void layer_is_read(void **state)
{
	struct host_layer layer;
	struct tree tree;

	(void)state;
	make_tree(&tree);
	put(&tree, "module/kvm_amd/parameters/nested", "1\n", 2);
	host_layer_read(&layer, tree.root);
	assert_true(layer.knows_nesting && layer.can_nest);
	put(&tree, "module/kvm_amd/parameters/nested", "N\n", 2);
	put(&tree, "hypervisor/type", "xen\n", 4);
	host_layer_read(&layer, tree.root);
	assert_true(layer.knows_nesting && !layer.can_nest && layer.is_guest);
	remove_tree(&tree);
	host_layer_read(&layer, tree.root);
	assert_false(layer.knows_nesting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qemu_command_line),
		cmocka_unit_test(libvirt_command_line),
		cmocka_unit_test(other_command_lines),
		cmocka_unit_test(nonsense_on_the_command_line),
		cmocka_unit_test(thread_names),
		cmocka_unit_test(guests_are_found),
		cmocka_unit_test(qemu_is_asked_for_its_threads),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(layer_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
