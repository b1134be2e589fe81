/* SPDX-License-Identifier: MIT */
#include "host/collect/ivshmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "host/collect/region.h"
#include "lib/base/cleanup.h"

#define BACKEND_ID        IVSHMEM_ID "-memory"
#define ID_PREFIX         "hypertrace"
#define UNPLUG_TIMEOUT_MS 10000

static int create_file(const char *path, uint64_t bytes, struct error *error)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err;

	if (fd < 0) {
		err = error_set(error, -errno, "%s: %s", path, strerror(errno));
		if (err == -ENOENT)
			error_hint(error, "--mem-path names a directory that exists, --name a file in it");
		if (err == -EEXIST)
			error_hint(error,
				"another guest has it, or one that has ended left it: give another --name, or remove it");
		return err;
	}
	/* Allocated now: a full /dev/shm would else end the guest with SIGBUS when it writes there. */
	err = posix_fallocate(fd, 0, (off_t)bytes);
	if (!err)
		return 0;
	unlink(path);
	error_set(error, -err, "%s: %s", path, strerror(err));
	return error_hint(error, "choose a smaller --region-size, or another directory by --mem-path");
}

static int add_backend(struct qmp *qmp, const char *path, uint64_t bytes, struct error *error)
{
	return qmp_command(qmp, "object-add",
		json_pack("{s:s, s:s, s:s, s:I, s:b}", "qom-type", "memory-backend-file", "id", BACKEND_ID,
			"mem-path", path, "size", (json_int_t)bytes, "share", 1),
		NULL, error);
}

static int add_device(struct qmp *qmp, struct error *error)
{
	int err = qmp_command(qmp, "device_add",
		json_pack(
			"{s:s, s:s, s:s}", "driver", "ivshmem-plain", "id", IVSHMEM_ID, "memdev", BACKEND_ID),
		NULL, error);

	if (err == -EREMOTEIO)
		error_hint(error,
			"the machine needs a hot-pluggable PCI bus: -M pc has one, -M q35 needs a free pcie-root-port");
	return err;
}

/* The file behind a memory backend. */
static int backend_path(struct qmp *qmp, const char *id, char *path, size_t size, struct error *error)
{
	json_t *answer;
	const char *text;
	char object[256];
	int err;

	snprintf(object, sizeof(object), "/objects/%s", id);
	err = qmp_command(qmp, "qom-get", json_pack("{s:s, s:s}", "path", object, "property", "mem-path"),
		&answer, error);
	if (err)
		return err;
	text = json_string_value(answer);
	if (!text || strlen(text) >= size)
		err = error_set(error, -ENOENT, "memory backend %s has no file", id);
	else
		strcpy(path, text);
	json_decref(answer);
	return err;
}

int ivshmem_attach(struct qmp *qmp, const char *path, uint64_t bytes, uint64_t nested_bytes,
	uint32_t nested_parts, struct error *error)
{
	char present[4096];
	int err;

	if (bytes & (bytes - 1))
		return error_set(
			error, -EINVAL, "the size of a region that is plugged in must be a power of two");
	if (!backend_path(qmp, BACKEND_ID, present, sizeof(present), NULL)) {
		error_set(error, -EEXIST, "the guest has a region already: %s", present);
		return error_hint(
			error, "record it, or take it away first: hypertrace detach --qmp %s", qmp->path);
	}
	err = create_file(path, bytes, error);
	if (err)
		return err;
	if (nested_bytes)
		err = region_ask_nested(path, nested_bytes, nested_parts, error);
	if (!err)
		err = add_backend(qmp, path, bytes, error);
	if (err)
		goto out_file;
	err = add_device(qmp, error);
	if (!err)
		return 0;
	qmp_command(qmp, "object-del", json_pack("{s:s}", "id", BACKEND_ID), NULL, NULL);
out_file:
	unlink(path);
	return err;
}

int ivshmem_detach(struct qmp *qmp, struct error *error)
{
	char path[4096];
	int err = backend_path(qmp, BACKEND_ID, path, sizeof(path), error);

	if (err) {
		error_add(error, "nothing to detach");
		return error_hint(error, "hypertrace detach takes away what hypertrace attach plugged in");
	}
	err = qmp_command(qmp, "device_del", json_pack("{s:s}", "id", IVSHMEM_ID), NULL, error);
	if (!err)
		err = qmp_wait_event(qmp, "DEVICE_DELETED", IVSHMEM_ID, UNPLUG_TIMEOUT_MS, error);
	if (err == -ETIMEDOUT) {
		error_set(error, err, "the guest does not let go of the device");
		return error_hint(
			error, "unload hypertrace.ko in the guest, or try again once the guest has booted");
	}
	/* gone already, or never there: its memory may still be */
	err = qmp_command(qmp, "object-del", json_pack("{s:s}", "id", BACKEND_ID), NULL, error);
	if (!err && unlink(path) && errno != ENOENT)
		err = error_set(error, -errno, "%s: %s", path, strerror(errno));
	return err;
}

int ivshmem_find(struct qmp *qmp, char *path, size_t size, struct error *error)
{
	json_t *objects, *object;
	size_t i;
	int err = qmp_command(qmp, "qom-list", json_pack("{s:s}", "path", "/objects"), &objects, error);

	if (err)
		return err;
	err = -ENOENT;
	json_array_foreach (objects, i, object) {
		const char *id = json_string_value(json_object_get(object, "name"));

		if (id && !strncmp(id, ID_PREFIX, strlen(ID_PREFIX)) &&
			!backend_path(qmp, id, path, size, NULL)) {
			err = 0;
			break;
		}
	}
	json_decref(objects);
	if (err) {
		error_set(error, err, "the guest has no hypertrace region");
		error_hint(error, "hypertrace attach --qmp %s plugs one in", qmp->path);
	}
	return err;
}
