/* SPDX-License-Identifier: MIT */
/*
 * What one record costs: reading the TSC alone, ours (the guest's producer, abi/ring.h), and an LTTng-UST
 * tracepoint of the same fields. All take turns in short batches, so that whatever else the machine does hits
 * them alike, and the fastest batch of each counts. With several threads each has its own ring, and all run
 * at once.
 *
 *   ring_cost THREADS   prints lines "TRACER NS BYTES LOST", NS and BYTES per record; BYTES is 0 where
 * unknown
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/ring_cost_ust.h"
#include "tests/ring/user_producer.h"

#define THREADS_MAX  64
#define ROUNDS       80
#define BATCH        100000
#define PACKET_BYTES (64u << 10)
#define NR_PACKETS   32 /* 2 MiB a thread, as LTTng's default */
#define SCHED_SWITCH 1

_Thread_local uint32_t user_depth, user_current_pid;

/* The fields change from record to record, as a scheduler's do. */
#define NEXT_PID(i)   ((uint32_t)(i)&0x3fffff)
#define PREV_STATE(i) ((uint32_t)(i)&3)
#define NEXT_PRIO(i)  (100 + ((uint32_t)(i)&31))

struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	struct ht_ring ring;
	struct ht_producer producer;
	void *data;
	double ns[3]; /* by tracer, of the batch just run */
};

static void run_tsc(struct worker *worker)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < BATCH; i++)
		sum += __builtin_ia32_rdtsc();
	__asm__ volatile("" : : "r"(sum), "r"(worker));
}

static void run_shm(struct worker *worker)
{
	struct ht_producer *p = &worker->producer;

	for (uint32_t i = 0; i < BATCH; i++)
		user_write(
			p, SCHED_SWITCH, (uint64_t)NEXT_PRIO(i) << 32 | PREV_STATE(i) << 22 | NEXT_PID(i), 5);
}

static void run_ust(struct worker *worker)
{
	(void)worker;
	for (uint32_t i = 0; i < BATCH; i++)
		ring_cost_ust(NEXT_PID(i), (uint16_t)PREV_STATE(i), (int8_t)NEXT_PRIO(i));
}

static const struct {
	const char *name;
	void (*run)(struct worker *worker);
} tracers[] = {{"tsc", run_tsc}, {"shm", run_shm}, {"lttng-ust", run_ust}};
#define TRACERS (sizeof(tracers) / sizeof(tracers[0]))

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (size_t step = 0; step < ROUNDS * TRACERS; step++) {
		double start;

		pthread_barrier_wait(worker->start);
		start = now_ns();
		tracers[step % TRACERS].run(worker);
		worker->ns[step % TRACERS] = now_ns() - start;
		pthread_barrier_wait(worker->start); /* the judge reads the times */
	}
	return NULL;
}

/* After each turn of a tracer: the slowest thread's time, if it is the best of all rounds. */
static void judge(struct worker *workers, unsigned threads, pthread_barrier_t *start, double best[TRACERS])
{
	for (size_t step = 0; step < ROUNDS * TRACERS; step++) {
		double slowest = 0;

		pthread_barrier_wait(start);
		pthread_barrier_wait(start);
		for (unsigned i = 0; i < threads; i++)
			if (workers[i].ns[step % TRACERS] > slowest)
				slowest = workers[i].ns[step % TRACERS];
		if (step < TRACERS || slowest < best[step % TRACERS])
			best[step % TRACERS] = slowest;
	}
}

/* All of the packets that are closed, headers included, by the records they took. */
static double bytes_per_record(const struct worker *worker)
{
	const struct ht_producer *p = &worker->producer;

	return p->events ? (double)(p->opened - 1) * p->packet_bytes / (double)p->events : 0;
}

static uint64_t lost_records(const struct worker *workers, unsigned threads)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < threads; i++)
		for (unsigned cause = 0; cause < HT_LOST_CAUSES; cause++)
			lost += workers[i].ring.lost[cause];
	return lost;
}

static int run(unsigned threads)
{
	static struct worker workers[THREADS_MAX];
	double best[TRACERS] = {0};
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++) {
		struct worker *worker = &workers[i];

		worker->start = &start;
		worker->data = aligned_alloc(4096, (size_t)NR_PACKETS * PACKET_BYTES);
		if (!worker->data)
			return ENOMEM;
		ht_producer_init(
			&worker->producer, &worker->ring, worker->data, PACKET_BYTES, NR_PACKETS, NULL);
		if ((errno = pthread_create(&worker->thread, NULL, work, worker)))
			return errno;
	}
	judge(workers, threads, &start, best);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < TRACERS; i++)
		if (tracers[i].run != run_ust || ring_cost_ust_active())
			printf("%s %.3f %.3f %ju\n", tracers[i].name, best[i] / BATCH,
				tracers[i].run == run_shm ? bytes_per_record(&workers[0]) : 0,
				(uintmax_t)(tracers[i].run == run_shm ? lost_records(workers, threads) : 0));
	for (unsigned i = 0; i < threads; i++)
		free(workers[i].data);
	return 0;
}

int main(int argc, char **argv)
{
	long threads = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

	if (threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: ring_cost THREADS (1 to %d)\n", THREADS_MAX);
		return 2;
	}
	return run((unsigned)threads) == 0 ? 0 : 1;
}
