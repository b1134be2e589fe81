/* SPDX-License-Identifier: MIT */
#include "host/memory/guest_memory.h"
#include "host/memory/memory_elf.h"
#include "host/memory/memory_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

#define MAGIC_BYTES 16u

/* What is no RAM as it is, and what to do about it. */
struct known_format {
	const char *magic;
	unsigned magic_bytes;
	const char *what, *hint;
};

#define FROM_VIRSH "write the dump with virsh dump --memory-only --format elf"

static const struct known_format formats[] = {
	{"KDUMP   ", 8, "a dump in kdump's compressed format",
		"an ELF dump is needed: dump-guest-memory without -z, -l, -s; virsh dump --memory-only --format elf; "
		"makedumpfile -E of /proc/vmcore"},
	{"DISKDUMP", 8, "a dump in diskdump's compressed format",
		"an ELF dump is needed: makedumpfile -E of /proc/vmcore"},
	{"makedumpfile\0\0\0\0", 16, "a dump in makedumpfile's flattened format",
		"write it as ELF: dump-guest-memory without -z, -l, -s; virsh dump --memory-only --format elf; of an "
		"ELF dump by makedumpfile -F: makedumpfile -R DUMP < FILE"},
	{"QEVM", 4, "a migration stream of QEMU, as virsh dump writes by default", FROM_VIRSH},
	{"LibvirtQemudSave", 16, "a guest saved by virsh save or virsh dump", FROM_VIRSH},
	{"LibvirtQemudPart", 16, "a guest whose saving by libvirt was cut short", FROM_VIRSH},
	{"PAGEDU64", 8, "a dump for Windows", "dump-guest-memory without -w writes ELF"},
	{"QFI\xfb", 4, "a disk image (qcow2), which holds no memory",
		"dump-guest-memory writes the memory of a guest"},
	{"\x1f\x8b", 2, "compressed with gzip", "unpack it first: gzip -d"},
	{"\xfd"
	 "7zXZ\0",
		6, "compressed with xz", "unpack it first: xz -d"},
	{"\x28\xb5\x2f\xfd", 4, "compressed with zstd", "unpack it first: zstd -d"},
	{"\x04\x22\x4d\x18", 4, "compressed with lz4", "unpack it first: lz4 -d"},
	{"\x89LZO\0\r\n", 7, "compressed with lzop", "unpack it first: lzop -d"},
	{"BZh", 3, "compressed with bzip2", "unpack it first: bzip2 -d"},
};

static int open_regular(
	struct guest_memory *memory, const char *path, struct stat *status, struct error *error)
{
	/* O_NONBLOCK: the open of a FIFO would wait for a writer */
	memory->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (memory->fd < 0 || fstat(memory->fd, status))
		return error_set(error, -errno, "%s", strerror(errno));
	if (S_ISDIR(status->st_mode))
		return error_set(error, -EISDIR, "%s", strerror(EISDIR));
	if (!S_ISREG(status->st_mode))
		return error_set(error, -EINVAL, "%s, not a file that holds a guest's memory",
			S_ISFIFO(status->st_mode)                                      ? "a pipe"
				: S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode) ? "a device"
										       : "a special file");
	if (!status->st_size)
		return error_set(error, -EINVAL, "the file is empty");
	return 0;
}

static int open_raw(struct guest_memory *memory, uint64_t bytes, struct error *error)
{
	struct memory_block block = {0, bytes};
	int err = memory_layout_guess(memory, &block, 1, 0, "", GUEST_MEMORY_LAYOUTS_MAX);

	memory->is_live = true; /* for all we know: nobody says whether a VMM has it mapped */
	return err ? error_set(error, err, "%s", strerror(-err)) : 0;
}

static int open_by_magic(struct guest_memory *memory, uint64_t file_bytes, struct error *error)
{
	char magic[MAGIC_BYTES] = {0};
	ssize_t got = file_read_at(memory->fd, magic, sizeof(magic), 0);

	if (got < 0)
		return error_set(error, -EIO, "offset 0: %s", strerror((int)-got));
	if (!memcmp(magic, "\177ELF", 4))
		return memory_elf_open(memory, file_bytes, error);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!memcmp(magic, formats[i].magic, formats[i].magic_bytes)) {
			error_set(error, -ENOTSUP, "%s", formats[i].what);
			error_hint(error, "%s", formats[i].hint);
			return -ENOTSUP;
		}
	return open_raw(memory, file_bytes, error);
}

/* What is no guest's memory at all; what is nearly one has a hint of its own. */
static void hint_at_file(int code, struct error *error)
{
	if (code == -EACCES || code == -EPERM)
		error_hint(error, "run as the user that the VMM runs as, or as root");
	else if (code == -ENOENT || code == -EISDIR || code == -EINVAL)
		error_hint(error,
			"name the file behind the guest's memory-backend-file (mem-path), or a dump of its memory");
}

int guest_memory_open_file(struct guest_memory *memory, const char *path, struct error *error)
{
	struct stat status;
	int err;

	*memory = GUEST_MEMORY_NONE;
	snprintf(memory->name, sizeof(memory->name), "%s", path);
	err = open_regular(memory, path, &status, error);
	if (!err)
		err = open_by_magic(memory, (uint64_t)status.st_size, error);
	if (!err && memory_layout_places(memory))
		err = error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	if (err) {
		hint_at_file(err, error);
		error_add(error, "%s", path);
		guest_memory_deinit(memory);
	}
	return err;
}
