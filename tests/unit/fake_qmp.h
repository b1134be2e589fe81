/* SPDX-License-Identifier: MIT */
/* A QMP server that says what a test wants: for qmp.c and what builds on it. */
#pragma once
#include <pthread.h>
#include <stddef.h>

#define FAKE_QMP_GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"
#define FAKE_QMP_DONE     "{\"return\": {}}\n"
#define FAKE_QMP_REFUSED  "{\"error\": {\"class\": \"GenericError\", \"desc\": \"because\"}}\n"
#define FAKE_QMP_SILENCE  "" /* says nothing until the client is gone */

#define FAKE_QMP_REQUESTS_MAX 16

struct fake_qmp {
	char directory[32], path[64];
	int listener;
	pthread_t thread;
	const char *const *answers;
	size_t nr_requests;
	char requests[FAKE_QMP_REQUESTS_MAX][512]; /* as they came; good after fake_qmp_stop() */
};

/*
 * Serves one client: answers[0] when it connects, then one answer a request; NULL: closes. With FAKE_QMP_GREETING and
 * FAKE_QMP_DONE first, answers[2] is that to the first command behind the handshake.
 */
void fake_qmp_start(struct fake_qmp *fake, const char *const *answers);
#define FAKE_QMP_START(fake, ...) fake_qmp_start(fake, (const char *const[]){__VA_ARGS__, NULL})

/* The client must have closed its end. */
void fake_qmp_stop(struct fake_qmp *fake);
