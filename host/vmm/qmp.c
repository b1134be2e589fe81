/* SPDX-License-Identifier: MIT */
#include "host/vmm/qmp.h"
#include "lib/base/clock_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

static int64_t now_ms(void)
{
	return (int64_t)(clock_now_ns(CLOCK_MONOTONIC) / 1000000);
}

static int send_all(struct qmp *qmp, const char *text, size_t bytes, struct error *error)
{
	while (bytes) {
		ssize_t sent = send(qmp->fd, text, bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return error_set(error, -errno, "QMP socket %s: %s", qmp->path, strerror(errno));
		text += sent;
		bytes -= (size_t)sent;
	}
	return 0;
}

/* Makes room for more of a line, within reason. */
static int grow(struct qmp *qmp, struct error *error)
{
	size_t capacity = qmp->capacity ? qmp->capacity * 2 : 4096;
	char *line;

	if (capacity > QMP_LINE_BYTES_MAX)
		return error_set(error, -EPROTO, "QMP socket %s: a line of more than %u bytes", qmp->path,
			QMP_LINE_BYTES_MAX);
	line = realloc(qmp->line, capacity);
	if (!line)
		return error_set(error, -ENOMEM, "no memory");
	qmp->line = line;
	qmp->capacity = capacity;
	return 0;
}

static int receive(struct qmp *qmp, int64_t deadline_ms, struct error *error)
{
	struct pollfd waiting = {.fd = qmp->fd, .events = POLLIN};
	int64_t left = deadline_ms - now_ms();
	ssize_t got;
	int ready = poll(&waiting, 1, left > 0 ? (int)left : 0);

	if (ready < 0 && errno == EINTR)
		return 0;
	if (ready <= 0)
		return error_set(error, -ETIMEDOUT, "QMP socket %s: no answer", qmp->path);
	if (qmp->capacity - qmp->used < 1024) {
		int err = grow(qmp, error);

		if (err)
			return err;
	}
	got = recv(qmp->fd, qmp->line + qmp->used, qmp->capacity - qmp->used, 0);
	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return error_set(error, -EPIPE, "QMP socket %s: closed by the VMM", qmp->path);
	qmp->used += (size_t)got;
	return 0;
}

static int not_qmp(const struct qmp *qmp, struct error *error)
{
	error_set(error, -EPROTO, "QMP socket %s: it does not speak QMP", qmp->path);
	error_hint(error, "name the socket that QEMU made with -qmp unix:SOCKET,server=on,wait=off");
	return -EPROTO;
}

/* One message: a line of JSON. */
static int read_message(struct qmp *qmp, int64_t deadline_ms, json_t **message, struct error *error)
{
	json_error_t why;
	size_t bytes;
	char *end;

	while (!qmp->used || !(end = memchr(qmp->line, '\n', qmp->used))) {
		int err = receive(qmp, deadline_ms, error);

		if (err)
			return err;
	}
	bytes = (size_t)(end - qmp->line);
	*message = json_loadb(qmp->line, bytes, 0, &why);
	qmp->used -= bytes + 1;
	memmove(qmp->line, end + 1, qmp->used);
	if (!json_is_object(*message)) {
		json_decref(*message);
		return not_qmp(qmp, error);
	}
	return 0;
}

int qmp_init(struct qmp *qmp, const char *path, struct error *error)
{
	return qmp_init_within(qmp, path, TIMEOUT_MS, error);
}

int qmp_init_within(struct qmp *qmp, const char *path, int timeout_ms, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	json_t *greeting;
	int err;

	memset(qmp, 0, sizeof(*qmp));
	qmp->fd = -1;
	qmp->timeout_ms = timeout_ms;
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(error, -ENAMETOOLONG, "QMP socket %s: the path is too long", path);
	strcpy(address.sun_path, path);
	strcpy(qmp->path, path);
	qmp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (qmp->fd < 0 || connect(qmp->fd, (struct sockaddr *)&address, sizeof(address))) {
		err = error_set(error, -errno, "QMP socket %s: %s", path, strerror(errno));
		error_hint(error, "start QEMU with -qmp unix:%s,server=on,wait=off", path);
		goto out;
	}
	err = read_message(qmp, now_ms() + timeout_ms, &greeting, error);
	if (err) {
		if (err == -ETIMEDOUT)
			error_hint(error, "QEMU serves one client at a time: is another one connected?");
		goto out;
	}
	if (!json_object_get(greeting, "QMP"))
		err = not_qmp(qmp, error);
	json_decref(greeting);
	if (!err)
		err = qmp_command(qmp, "qmp_capabilities", NULL, NULL, error);
out:
	if (err)
		qmp_deinit(qmp);
	return err;
}

void qmp_deinit(struct qmp *qmp)
{
	if (qmp->fd >= 0)
		close(qmp->fd);
	free(qmp->line);
	qmp->fd = -1;
	qmp->line = NULL;
	qmp->used = qmp->capacity = 0;
}

int qmp_command(struct qmp *qmp, const char *command, json_t *arguments, json_t **answer, struct error *error)
{
	int64_t deadline_ms = now_ms() + qmp->timeout_ms;
	json_t *request = json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments), *message,
	       *result;
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int err;

	json_decref(request);
	if (!text)
		return error_set(error, -ENOMEM, "no memory");
	err = send_all(qmp, text, strlen(text), error);
	free(text);
	while (!err) {
		err = read_message(qmp, deadline_ms, &message, error);
		if (err)
			break;
		result = json_object_get(message, "return");
		if (result) {
			if (answer)
				*answer = json_incref(result);
			json_decref(message);
			return 0;
		}
		result = json_object_get(message, "error");
		if (result) {
			const char *why = json_string_value(json_object_get(result, "desc"));

			err = error_set(error, -EREMOTEIO, "QEMU refuses %s: %s", command,
				why ? why : "no reason given");
		}
		json_decref(message); /* an event, or done with */
	}
	return err;
}

int qmp_wait_event(
	struct qmp *qmp, const char *event, const char *device, int timeout_ms, struct error *error)
{
	int64_t deadline_ms = now_ms() + timeout_ms;

	for (;;) {
		json_t *message, *data;
		const char *name, *which;
		int err = read_message(qmp, deadline_ms, &message, error), found;

		if (err)
			return err;
		name = json_string_value(json_object_get(message, "event"));
		data = json_object_get(message, "data");
		which = json_string_value(json_object_get(data, "device"));
		found = name && !strcmp(name, event) && which && !strcmp(which, device);
		json_decref(message);
		if (found)
			return 0;
	}
}
