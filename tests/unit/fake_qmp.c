/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_qmp.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void say(int client, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t sent = send(client, text, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* it has heard enough */
		text += sent;
		length -= (size_t)sent;
	}
}

/* The client waits for each answer, so what comes at once is one request. */
static void *serve(void *context)
{
	struct fake_qmp *fake = context;
	int client = accept(fake->listener, NULL, NULL);
	char ignored[512];

	for (const char *const *answer = fake->answers; *answer; answer++) {
		bool room = fake->nr_requests < FAKE_QMP_REQUESTS_MAX;
		ssize_t got;

		say(client, *answer);
		got = recv(
			client, room ? fake->requests[fake->nr_requests] : ignored, sizeof(ignored) - 1, 0);
		if (got <= 0)
			break;
		fake->nr_requests += room;
	}
	close(client);
	return NULL;
}

void fake_qmp_start(struct fake_qmp *fake, const char *const *answers)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(fake, 0, sizeof(*fake));
	fake->answers = answers;
	strcpy(fake->directory, "/tmp/fake_qmp.XXXXXX");
	if (!mkdtemp(fake->directory))
		abort();
	snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->directory);
	strcpy(address.sun_path, fake->path);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fake->listener, (struct sockaddr *)&address, sizeof(address)) || listen(fake->listener, 1) ||
		pthread_create(&fake->thread, NULL, serve, fake))
		abort();
}

void fake_qmp_stop(struct fake_qmp *fake)
{
	shutdown(fake->listener, SHUT_RDWR); /* where nobody has connected */
	pthread_join(fake->thread, NULL);
	close(fake->listener);
	unlink(fake->path);
	rmdir(fake->directory);
}
