/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "host/vm/kernel_release.h"

static void names(void **state)
{
	(void)state;
	assert_true(kernel_release_is_name("6.12"));
	assert_true(kernel_release_is_name("6.12.117+deb12-cloud-amd64"));
	assert_false(kernel_release_is_name(""));
	assert_false(kernel_release_is_name("foo"));
	assert_false(kernel_release_is_name("6/../x"));
	assert_false(kernel_release_is_name("6.1; rm"));
}

static void fits(void **state)
{
	(void)state;
	assert_true(kernel_release_fits("6.1.0-56-cloud-amd64", "6.1"));
	assert_false(kernel_release_fits("6.12.117+deb12-cloud-amd64", "6.1"));
	assert_false(kernel_release_fits("6.1.0-56-amd64", "6.1"));
	assert_true(kernel_release_fits("6.1.0-56-amd64", "6.1.0-56-amd64"));
	assert_false(kernel_release_fits("6.1-cloud-amd64", "6.1")); /* the meta package */
}

/* Writes an image with `version` at its place; offset: what the header says. */
static int read_image(
	const char *magic, uint16_t offset, const char *version, char **release, struct error *error)
{
	char path[] = "/tmp/test-kernel-XXXXXX";
	unsigned char image[0x400] = {0};
	int fd = mkstemp(path), result;

	assert_true(fd >= 0);
	memcpy(image + 0x202, magic, 4);
	memcpy(image + 0x20e, &offset, sizeof(offset));
	memcpy(image + 0x300, version, strlen(version) + 1);
	assert_int_equal(write(fd, image, sizeof(image)), sizeof(image));
	close(fd);
	result = kernel_release_read(path, release, error);
	unlink(path);
	return result;
}

static void reads(void **state)
{
	struct error error = {0};
	char *release = NULL;

	(void)state;
	assert_int_equal(read_image("HdrS", 0x100, "6.1.0-56-cloud-amd64 (x@y) #1", &release, &error), 0);
	assert_string_equal(release, "6.1.0-56-cloud-amd64");
	free(release);
	assert_int_equal(read_image("Hdrx", 0x100, "6.1", &release, &error), -EINVAL);
	assert_int_equal(read_image("HdrS", 0, "6.1", &release, &error), -EINVAL);
	assert_int_equal(read_image("HdrS", 0xf000, "6.1", &release, &error), -EINVAL);
	assert_int_equal(read_image("HdrS", 0x100, "../../etc", &release, &error), -EINVAL);
	assert_int_equal(kernel_release_read("/no/such/file", &release, &error), -ENOENT);
	assert_true(error.hint[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(fits),
		cmocka_unit_test(reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
