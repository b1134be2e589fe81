/* SPDX-License-Identifier: MIT */
#include "host/vm/kernel_release.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define CLOUD_SUFFIX "-cloud-amd64"

bool kernel_release_is_name(const char *name)
{
	if (!isdigit((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr(".+-~_", *name))
			return false;
	return true;
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), wanted = strlen(suffix);

	return length >= wanted && strcmp(text + length - wanted, suffix) == 0;
}

bool kernel_release_fits(const char *release, const char *name)
{
	size_t length = strlen(name);

	if (strcmp(release, name) == 0)
		return true;
	return strncmp(release, name, length) == 0 && release[length] == '.' &&
		ends_with(release, CLOUD_SUFFIX);
}

static int not_a_kernel(const char *path, struct error *error)
{
	error_set(error, -EINVAL, "%s is not a Linux kernel image (bzImage)", path);
	return error_hint(error, "give a vmlinuz as Debian installs it in /boot");
}

int kernel_release_read(const char *path, char **release, struct error *error)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char header[0x210];
	char text[128] = {0};
	uint16_t offset;

	if (fd < 0) {
		int code = -errno;

		error_set(error, code, "cannot open kernel %s: %s", path, strerror(errno));
		return error_hint(error, "give the path of a vmlinuz, or a series such as 6.12");
	}
	if (pread(fd, header, sizeof(header), 0) != sizeof(header) || memcmp(header + 0x202, "HdrS", 4) != 0)
		return not_a_kernel(path, error);
	memcpy(&offset, header + 0x20e, sizeof(offset)); /* relative to 0x200; 0: unknown */
	if (!offset || pread(fd, text, sizeof(text) - 1, 0x200 + offset) <= 0)
		return not_a_kernel(path, error);
	text[strcspn(text, " ")] = '\0'; /* "RELEASE (builder) version" */
	if (!kernel_release_is_name(text))
		return not_a_kernel(path, error);
	*release = strdup(text);
	return *release ? 0 : error_set(error, -ENOMEM, "out of memory");
}
