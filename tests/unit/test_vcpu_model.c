/* SPDX-License-Identifier: MIT */
/* What the model makes of exits and of the scheduler's events, as a list of intervals. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/model/vcpu_model.h"

static const struct vcpu_task nobody, stress = {900, 900, "stress"}, worker = {7, 7, "kworker"};

struct log {
	struct strbuf text;
	uint64_t until[4]; /* intervals leave no hole */
	struct vcpu_model model;
};

static void take(void *context, const struct vcpu_interval *interval)
{
	struct log *log = context;

	assert_true(interval->from_ns < interval->to_ns);
	assert_int_equal(interval->from_ns, log->until[interval->vcpu]);
	log->until[interval->vcpu] = interval->to_ns;
	strbuf_printf(&log->text, "%u %s %llu-%llu", interval->vcpu, vcpu_state_name(interval->state),
		(unsigned long long)interval->from_ns, (unsigned long long)interval->to_ns);
	if (interval->pcpu != VCPU_NO_PCPU)
		strbuf_printf(&log->text, " %s%u", interval->on ? "on " : "off ", interval->pcpu);
	if (interval->in_exit)
		strbuf_printf(&log->text, " r%u", interval->reason);
	if (interval->culprit.pid)
		strbuf_printf(&log->text, " by %s", interval->culprit.comm);
	strbuf_putc(&log->text, '\n');
}

static struct log *begin(uint32_t nr_vcpus)
{
	struct log *log = calloc(1, sizeof(*log));
	uint32_t number;

	assert_non_null(log);
	assert_int_equal(vcpu_model_init(&log->model, 1000, take, log), 0);
	for (uint32_t i = 0; i < nr_vcpus; i++) {
		assert_int_equal(vcpu_model_add(&log->model, &number), 0);
		assert_int_equal(number, i);
		log->until[i] = 1000;
	}
	return log;
}

static void end(struct log *log, uint64_t now_ns, const char *text)
{
	vcpu_model_finish(&log->model, now_ns);
	for (uint32_t i = 0; i < log->model.nr_vcpus; i++)
		assert_int_equal(log->until[i], now_ns);
	assert_string_equal(log->text.data ? log->text.data : "", text);
	strbuf_deinit(&log->text);
	vcpu_model_deinit(&log->model);
	free(log);
}

static void test_exits(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_exit(&log->model, 0, 2, 1100, 50, 7, 0);
	vcpu_model_exit(&log->model, 0, 2, 1300, 10, 8, 0);
	/* begins where the one before ended: no guest code between */
	vcpu_model_exit(&log->model, 0, 2, 1320, 20, 9, 0);
	/* claims to have begun before that */
	vcpu_model_exit(&log->model, 0, 2, 1340, 500, 9, 0);
	end(log, 1400,
		"0 unknown 1000-1050\n"
		"0 exit 1050-1100 on 2 r7\n"
		"0 guest 1100-1290 on 2\n"
		"0 exit 1290-1300 on 2 r8\n"
		"0 exit 1300-1320 on 2 r9\n"
		"0 exit 1320-1340 on 2 r9\n"
		"0 running 1340-1400 on 2\n");
}

static void test_preempted(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_in(&log->model, 0, 2, 1010, &nobody);
	vcpu_model_exit(&log->model, 0, 2, 1100, 50, 1, 0);
	vcpu_model_out(&log->model, 0, 2, 1220, 0x100, &stress);
	vcpu_model_in(&log->model, 0, 2, 1300, &stress);
	vcpu_model_out(&log->model, 0, 2, 1310, 0, &worker);
	vcpu_model_in(&log->model, 0, 3, 1320, &nobody);
	vcpu_model_exit(&log->model, 0, 3, 1350, 150, 2, VCPU_EXIT_LOST_PCPU);
	end(log, 1350,
		"0 unknown 1000-1010\n"
		"0 guest 1010-1050 on 2\n"
		"0 exit 1050-1100 on 2 r1\n"
		"0 guest 1100-1200 on 2\n"
		"0 exit 1200-1220 on 2 r2\n"
		"0 preempted 1220-1300 off 2 r2 by stress\n"
		"0 exit 1300-1310 on 2 r2\n"
		"0 preempted 1310-1320 off 2 r2 by kworker\n"
		"0 exit 1320-1350 on 3 r2\n");
}

static void test_halted(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_exit(&log->model, 0, 2, 1100, 100, 1, 0);
	vcpu_model_out(&log->model, 0, 2, 1210, 1, &nobody);
	vcpu_model_waking(&log->model, 0, 5, 1800);
	vcpu_model_in(&log->model, 0, 3, 1850, &worker);
	vcpu_model_exit(&log->model, 0, 3, 1860, 660, 0x78, VCPU_EXIT_HALTED | VCPU_EXIT_LOST_PCPU);
	/* sleeps in the host without having halted: a page of the guest that is not there */
	vcpu_model_out(&log->model, 0, 3, 1900, 2, &nobody);
	vcpu_model_in(&log->model, 0, 3, 1950, &nobody);
	vcpu_model_exit(&log->model, 0, 3, 1960, 70, 0x400, VCPU_EXIT_LOST_PCPU);
	end(log, 1960,
		"0 exit 1000-1100 on 2 r1\n"
		"0 guest 1100-1200 on 2\n"
		"0 exit 1200-1210 on 2 r120\n"
		"0 halted 1210-1800 off 2 r120\n"
		"0 waiting 1800-1850 off 2 r120 by kworker\n"
		"0 exit 1850-1860 on 3 r120\n"
		"0 guest 1860-1890 on 3\n"
		"0 exit 1890-1900 on 3 r1024\n"
		"0 blocked 1900-1950 off 3 r1024\n"
		"0 exit 1950-1960 on 3 r1024\n");
}

/* A PV guest of Xen: what was between its exits is not known to be the guest's. */
static void test_pv(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_in(&log->model, 0, 2, 1010, &nobody);
	vcpu_model_exit(&log->model, 0, 2, 1100, 0, 1, VCPU_EXIT_ISA_XEN_PV);
	vcpu_model_out(&log->model, 0, 2, 1210, 1, &nobody);
	vcpu_model_waking(&log->model, 0, 5, 1800);
	vcpu_model_in(&log->model, 0, 3, 1850, &worker);
	vcpu_model_exit(&log->model, 0, 3, 1850, 650, 0x100,
		VCPU_EXIT_ISA_XEN_PV | VCPU_EXIT_HALTED | VCPU_EXIT_LOST_PCPU);
	end(log, 1900,
		"0 unknown 1000-1010\n"
		"0 running 1010-1100 on 2\n"
		"0 running 1100-1200 on 2\n"
		"0 exit 1200-1210 on 2 r256\n"
		"0 halted 1210-1800 off 2 r256\n"
		"0 waiting 1800-1850 off 2 r256 by kworker\n"
		"0 running 1850-1900 on 3\n");
}

static void test_user(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_exit(&log->model, 0, 2, 1100, 100, 1, 0);
	vcpu_model_user(&log->model, 0, 2, 1220);
	vcpu_model_out(&log->model, 0, 2, 1230, 1, &nobody);
	vcpu_model_in(&log->model, 0, 2, 1240, &nobody);
	vcpu_model_exit(&log->model, 0, 2, 1250, 50, 0x7b, VCPU_EXIT_USER | VCPU_EXIT_LOST_PCPU);
	/* without the event that tells when: all of it */
	vcpu_model_exit(&log->model, 0, 2, 1300, 20, 0x7b, VCPU_EXIT_USER);
	end(log, 1300,
		"0 exit 1000-1100 on 2 r1\n"
		"0 guest 1100-1200 on 2\n"
		"0 exit 1200-1220 on 2 r123\n"
		"0 user 1220-1230 on 2 r123\n"
		"0 user 1230-1240 off 2 r123\n"
		"0 user 1240-1250 on 2 r123\n"
		"0 guest 1250-1280 on 2\n"
		"0 user 1280-1300 on 2 r123\n");
}

/* Of the pCPU that it is on, events were lost: neither guest code nor an exit is known. */
static void test_lost(void **state)
{
	struct log *log = begin(3);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		vcpu_model_exit(&log->model, i, i, 1100, 100, 1, 0);
	vcpu_model_out(&log->model, 2, 2, 1150, 1, &nobody);
	vcpu_model_waking(&log->model, 1, 0, 1200); /* the last event of pCPU 0 */
	vcpu_model_lost(&log->model, 0, 1500);
	vcpu_model_exit(&log->model, 0, 0, 1600, 20, 2, 0);
	vcpu_model_exit(&log->model, 1, 1, 1700, 20, 3, 0);
	vcpu_model_in(&log->model, 2, 2, 1800, &nobody);
	vcpu_model_exit(&log->model, 2, 2, 1810, 700, 4, VCPU_EXIT_HALTED | VCPU_EXIT_LOST_PCPU);
	end(log, 1900,
		"0 exit 1000-1100 on 0 r1\n"
		"1 exit 1000-1100 on 1 r1\n"
		"2 exit 1000-1100 on 2 r1\n"
		"0 running 1100-1200 on 0\n"
		"0 unknown 1200-1580 off 0\n"
		"0 exit 1580-1600 on 0 r2\n"
		"1 guest 1100-1680 on 1\n"
		"1 exit 1680-1700 on 1 r3\n"
		/* it may have been elsewhere meanwhile, and have come from there */
		"2 running 1100-1110 on 2\n"
		"2 exit 1110-1150 on 2 r4\n"
		"2 halted 1150-1200 off 2 r4\n"
		"2 unknown 1200-1800 off 2 r4\n"
		"2 exit 1800-1810 on 2 r4\n"
		"0 running 1600-1900 on 0\n"
		"1 running 1700-1900 on 1\n"
		"2 running 1810-1900 on 2\n");
}

static void test_headless(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_in(&log->model, 0, 2, 1050, &nobody);
	vcpu_model_exit(&log->model, 0, 2, 1100, 0, 1, VCPU_EXIT_HEADLESS);
	vcpu_model_exit(&log->model, 0, 2, 1200, 10, 1, 0);
	end(log, 1200,
		"0 unknown 1000-1050\n"
		"0 running 1050-1100 on 2\n"
		"0 guest 1100-1190 on 2\n"
		"0 exit 1190-1200 on 2 r1\n");
}

/* Histograms instead of exits: the scheduler's part remains. More sections than are kept. */
static void test_no_exits(void **state)
{
	struct log *log = begin(1);
	uint64_t ns[VCPU_STATES] = {0};
	const char *line;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		vcpu_model_in(&log->model, 0, 2, 1000 + 10 * i, &nobody);
		vcpu_model_out(&log->model, 0, 2, 1004 + 10 * i, i % 2 ? 1 : 0, &stress);
	}
	vcpu_model_finish(&log->model, 2000);
	assert_int_equal(log->until[0], 2000);
	line = log->text.data;
	for (int i = 0; i < 200; i++) {
		const char *name = i % 4 == 3 ? "blocked" : i % 4 == 1 ? "preempted" : "running";
		char begin_of_line[32];

		snprintf(begin_of_line, sizeof(begin_of_line), "0 %s ", name);
		assert_memory_equal(line, begin_of_line, strlen(begin_of_line));
		line = strchr(line, '\n') + 1;
	}
	assert_int_equal(*line, 0);
	(void)ns;
	strbuf_deinit(&log->text);
	vcpu_model_deinit(&log->model);
	free(log);
}

/* An exit that a lot happens in: what was delivered before it ended is what the scheduler said of it. */
static void test_long_exit(void **state)
{
	struct log *log = begin(1);
	const char *text;

	(void)state;
	vcpu_model_exit(&log->model, 0, 2, 1100, 100, 1, 0);
	for (uint64_t i = 0; i < 20; i++) {
		vcpu_model_out(&log->model, 0, 2, 1200 + 10 * i, 0x100, &stress);
		vcpu_model_in(&log->model, 0, 2, 1205 + 10 * i, &stress);
	}
	vcpu_model_exit(&log->model, 0, 2, 1500, 350, 5, VCPU_EXIT_LOST_PCPU);
	vcpu_model_finish(&log->model, 1500);
	assert_int_equal(log->until[0], 1500);
	text = log->text.data;
	assert_non_null(strstr(text, "0 running 1100-1200 on 2\n0 preempted 1200-1205 off 2 by stress\n"));
	assert_non_null(strstr(text, "0 preempted 1390-1395 off 2 r5 by stress\n0 exit 1395-1500 on 2 r5\n"));
	assert_null(strstr(text, "guest")); /* its beginning may have been in what is gone */
	strbuf_deinit(&log->text);
	vcpu_model_deinit(&log->model);
	free(log);
}

/* What cannot be: time that goes back, two comings without a going, an exit on another pCPU. */
static void test_odd(void **state)
{
	struct log *log = begin(1);

	(void)state;
	vcpu_model_in(&log->model, 0, 2, 1100, &nobody);
	vcpu_model_in(&log->model, 0, 3, 1200, &nobody);
	vcpu_model_out(&log->model, 0, 3, 1150, 0, &stress);
	vcpu_model_out(&log->model, 0, 3, 1300, 0, &stress);
	vcpu_model_exit(&log->model, 0, 4, 1400, UINT64_MAX, 5, 0);
	assert_int_equal(log->model.backwards, 1);
	assert_int_equal(log->model.odd, 3);
	end(log, 1400,
		"0 exit 1000-1100 on 4 r5\n"
		"0 exit 1100-1200 on 2 r5\n"
		"0 exit 1200-1300 on 3 r5\n"
		"0 exit 1300-1400 on 3 r5\n");
}

static void test_many(void **state)
{
	struct vcpu_model model;
	uint32_t number;

	(void)state;
	assert_int_equal(vcpu_model_init(&model, 0, take, NULL), 0);
	for (uint32_t i = 0; i < VCPU_MODEL_VCPUS; i++)
		assert_int_equal(vcpu_model_add(&model, &number), 0);
	assert_int_equal(vcpu_model_add(&model, &number), -E2BIG);
	vcpu_model_deinit(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_preempted),
		cmocka_unit_test(test_halted),
		cmocka_unit_test(test_pv),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_headless),
		cmocka_unit_test(test_no_exits),
		cmocka_unit_test(test_long_exit),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
