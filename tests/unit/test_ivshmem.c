/* SPDX-License-Identifier: MIT */
/* Regions plugged in and unplugged; whatever fails halfway, nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/collect/ivshmem.h"
#include "tests/unit/fake_qmp.h"

#define BYTES 65536

static char path[64];

static bool exists(void)
{
	return access(path, F_OK) == 0;
}

/* Connects to a server that gives these answers behind the handshake. */
static void meet(struct fake_qmp *fake, struct qmp *qmp, const char *const *answers)
{
	struct error error = {0};

	fake_qmp_start(fake, answers);
	assert_int_equal(qmp_init(qmp, fake->path, &error), 0);
	snprintf(path, sizeof(path), "%s.region", fake->directory);
}
#define MEET(...) \
	meet(&fake, &qmp, (const char *const[]){FAKE_QMP_GREETING, FAKE_QMP_DONE, __VA_ARGS__, NULL})

static void part(struct fake_qmp *fake, struct qmp *qmp)
{
	qmp_deinit(qmp);
	fake_qmp_stop(fake);
}

static bool asked(const struct fake_qmp *fake, size_t request, const char *command)
{
	return request < fake->nr_requests && strstr(fake->requests[request], command);
}

static void attaches(void **state)
{
	struct error error = {0};
	struct fake_qmp fake;
	struct stat status;
	struct qmp qmp;

	(void)state;
	MEET(FAKE_QMP_REFUSED, FAKE_QMP_DONE, FAKE_QMP_DONE);
	assert_int_equal(ivshmem_attach(&qmp, path, BYTES, 0, 1, &error), 0);
	part(&fake, &qmp);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, BYTES);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_true(
		asked(&fake, 1, "qom-get") && asked(&fake, 2, "object-add") && asked(&fake, 3, "device_add"));
	assert_non_null(strstr(fake.requests[2], path));
	assert_non_null(strstr(fake.requests[2], "\"size\":65536,\"share\":true"));
}

static void takes_back(void **state)
{
	struct error error = {0};
	struct fake_qmp fake;
	struct qmp qmp;

	(void)state;
	MEET(FAKE_QMP_REFUSED, FAKE_QMP_REFUSED); /* no memory backend */
	assert_int_equal(ivshmem_attach(&qmp, path, BYTES, 0, 1, &error), -EREMOTEIO);
	assert_false(exists());
	part(&fake, &qmp);

	MEET(FAKE_QMP_REFUSED, FAKE_QMP_DONE, FAKE_QMP_REFUSED,
		FAKE_QMP_DONE); /* no device: the backend goes, too */
	assert_int_equal(ivshmem_attach(&qmp, path, BYTES, 0, 1, &error), -EREMOTEIO);
	assert_string_equal(error.text, "QEMU refuses device_add: because");
	assert_non_null(strstr(error.hint, "hot-pluggable"));
	assert_false(exists());
	part(&fake, &qmp);
	assert_true(asked(&fake, 4, "object-del"));

	for (size_t answers = 0; answers < 3; answers++) { /* QEMU ends at each step */
		static const char *const steps[][6] = {
			{FAKE_QMP_GREETING, FAKE_QMP_DONE},
			{FAKE_QMP_GREETING, FAKE_QMP_DONE, FAKE_QMP_REFUSED},
			{FAKE_QMP_GREETING, FAKE_QMP_DONE, FAKE_QMP_REFUSED, FAKE_QMP_DONE},
		};

		meet(&fake, &qmp, steps[answers]);
		assert_int_equal(ivshmem_attach(&qmp, path, BYTES, 0, 1, &error), -EPIPE);
		assert_false(exists());
		part(&fake, &qmp);
	}
}

static void refuses(void **state)
{
	struct error error = {0};
	struct fake_qmp fake;
	struct qmp qmp;
	int fd;

	(void)state;
	MEET("{\"return\": \"/dev/shm/there\"}\n", FAKE_QMP_REFUSED);
	assert_int_equal(ivshmem_attach(&qmp, path, BYTES + 1, 0, 1, &error), -EINVAL);
	assert_int_equal(ivshmem_attach(&qmp, path, BYTES, 0, 1, &error), -EEXIST);
	assert_string_equal(error.text, "the guest has a region already: /dev/shm/there");
	assert_false(exists());
	/* a file that is there is not ours to remove */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(ivshmem_attach(&qmp, path, BYTES, 0, 1, &error), -EEXIST);
	assert_true(exists());
	close(fd);
	unlink(path);
	part(&fake, &qmp);
}

static void detaches(void **state)
{
	char answer[128];
	struct error error = {0};
	struct fake_qmp fake;
	struct qmp qmp;

	(void)state;
	MEET(answer,
		FAKE_QMP_DONE "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"hypertrace0\"}}\n",
		FAKE_QMP_DONE);
	snprintf(answer, sizeof(answer), "{\"return\": \"%s\"}\n", path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(ivshmem_detach(&qmp, &error), 0);
	assert_false(exists());
	part(&fake, &qmp);
	assert_true(asked(&fake, 2, "device_del") && asked(&fake, 3, "object-del"));

	MEET(FAKE_QMP_REFUSED);
	assert_int_equal(ivshmem_detach(&qmp, &error), -EREMOTEIO);
	assert_string_equal(error.text, "nothing to detach: QEMU refuses qom-get: because");
	part(&fake, &qmp);
}

static void finds(void **state)
{
	char found[32];
	struct error error = {0};
	struct fake_qmp fake;
	struct qmp qmp;

	(void)state;
	MEET("{\"return\": [{\"name\": \"ram\"}, 5, {\"name\": 5}, {\"name\": \"hypertrace-x\"}, {\"name\": \"hypertrace-y\"}]}\n",
		"{\"return\": \"/a/path/that/is/longer/than/there/is/room/for\"}\n",
		"{\"return\": \"/the/region\"}\n");
	assert_int_equal(ivshmem_find(&qmp, found, sizeof(found), &error), 0);
	assert_string_equal(found, "/the/region");
	part(&fake, &qmp);
	assert_true(asked(&fake, 3, "/objects/hypertrace-y"));

	MEET("{\"return\": {}}\n", "{\"return\": []}\n");
	assert_int_equal(ivshmem_find(&qmp, found, sizeof(found), &error), -ENOENT);
	assert_int_equal(ivshmem_find(&qmp, found, sizeof(found), &error), -ENOENT);
	assert_non_null(strstr(error.hint, "hypertrace attach --qmp"));
	part(&fake, &qmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaches),
		cmocka_unit_test(takes_back),
		cmocka_unit_test(refuses),
		cmocka_unit_test(detaches),
		cmocka_unit_test(finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
