/* How workers that are old or have grown are replaced: the successor is ready first, one at a time, and no client notices. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo_service.h"
#include "pool/proc.h"

enum { LIMIT_MB = 96, LEAK_MB = 128 };

static struct pool pool;
static struct pool_service service;

static void setup(void)
{
	pool_prepare(&pool);
	service = echo_service(&pool);
}

static void teardown(void)
{
	pool_finish(&pool);
}

static bool full(void)
{
	struct group_view view = pool_view(&pool, GROUP_MAIN);

	return view.workers == view.configured && view.idle + view.busy == view.configured;
}

static bool ask(const char *command)
{
	char answer[64];

	return echo_ask(&pool, GROUP_MAIN, command, answer, sizeof answer);
}

/* --- age --- */

static int (*echo_start)(void *self, enum group group, struct slot *slot);

/* Long enough to be seen missing. */
static int slow_start(void *self, enum group group, struct slot *slot)
{
	poll(NULL, 0, 20);
	return echo_start(self, group, slot);
}

/* Never one too many or too few. Read slot by slot while they change, so a worker may be seen in two places or, for a
 * moment, in none. */
static void expect_one_at_a_time(int *missing)
{
	struct group_view view = pool_view(&pool, GROUP_MAIN);

	ck_assert_int_le(view.workers, view.configured + 1);
	ck_assert_int_le(view.starting + view.draining, 2);
	ck_assert_int_ge(view.idle + view.busy, view.configured - 1);
	*missing = view.idle + view.busy < view.configured ? *missing + 1 : 0;
	ck_assert_int_lt(*missing, 10);
}

START_TEST(when_all_are_old_at_once_they_are_replaced_one_at_a_time_and_no_request_fails)
{
	int missing = 0;

	echo_start = service.start;
	service.start = slow_start;
	pool.conf.workers = 4;
	pool.conf.max_age_ms = 50; /* all of them want to be replaced all the time */
	pool_start(&pool, &service);
	while (pool_restarts_for(&pool, RESTART_MAX_AGE) < 20) {
		expect_one_at_a_time(&missing);
		if (!missing)
			ck_assert(ask("echo a\n"));
	}
	ck_assert_uint_eq(pool_restarts_for(&pool, RESTART_MAX_AGE), pool_restarts(&pool, GROUP_MAIN));
	ck_assert(pool_log_has(&pool, "of main has left: max_age"));
}
END_TEST

START_TEST(every_group_ages_and_nobody_before_nine_tenths_of_the_time)
{
	pid_t before[HARNESS_PIDS], after[HARNESS_PIDS];
	int64_t start = clock_now();

	pool.conf.max_age_ms = 1500;
	pool_start(&pool, &service);
	ck_assert_int_eq(pool_pids(&pool, GROUP_LOGIN, before), 1);
	ck_assert(eventually(SECONDS(10), pool_restarts_for(&pool, RESTART_MAX_AGE) >= 1));
	ck_assert_int_ge(clock_now() - start, MILLIS(1500 - 150));
	ck_assert(eventually(SECONDS(10), pool_restarts_for(&pool, RESTART_MAX_AGE) >= 2));
	ck_assert(eventually(SECONDS(10), pool_view(&pool, GROUP_LOGIN).restarts[RESTART_MAX_AGE] >= 1));
	ck_assert_int_ge(pool_pids(&pool, GROUP_LOGIN, after), 1);
	ck_assert_int_ne(before[0], after[0]);
}
END_TEST

START_TEST(an_old_worker_finishes_its_request)
{
	char answer[64];

	pool.conf.workers = 1;
	pool.conf.max_age_ms = 300;
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "sleep 1000\n");
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_MAX_AGE) >= 1));
	ck_assert_int_eq(echo_read(fd, answer, sizeof answer, SECONDS(5)), 6);
	ck_assert_str_eq(answer, "slept\n");
}
END_TEST

START_TEST(max_age_0_replaces_nobody)
{
	pool.conf.max_age_ms = 0;
	pool_start(&pool, &service);
	for (int i = 0; i < 100; i++)
		ck_assert(ask("sleep 5\n"));
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

/* --- memory --- */

START_TEST(one_that_leaks_is_replaced_and_the_others_stay)
{
	pid_t before[HARNESS_PIDS], after[HARNESS_PIDS];
	int same = 0, missing = 0;

	echo_start = service.start;
	service.start = slow_start;
	pool.conf.workers = 3;
	pool.conf.max_worker_mb = LIMIT_MB;
	pool_start(&pool, &service);
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, before), 3);
	ck_assert(ask("leak 128\n"));
	while (pool_restarts_for(&pool, RESTART_MEMORY) == 0) { /* within a round of 10 s */
		expect_one_at_a_time(&missing);
		if (!missing)
			ck_assert(ask("sleep 5\n"));
	}
	ck_assert(pool_log_has(&pool, "of main has left: memory"));
	ck_assert(eventually(SECONDS(5), full()));
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 1);
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, after), 3);
	for (int i = 0; i < 9; i++)
		same += before[i / 3] == after[i % 3];
	ck_assert_int_eq(same, 2);
}
END_TEST

START_TEST(memory_shared_with_the_others_is_nobodys_growth)
{
	static char shared[(size_t)LEAK_MB << 20]; /* written before the fork */

	memset(shared, 1, sizeof shared);
	pool.conf.max_worker_mb = LIMIT_MB;
	pool_start(&pool, &service);
	pid_t pids[HARNESS_PIDS];
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, pids), 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_gt(process_private(pids[i]), 0);
		ck_assert_int_lt(process_private(pids[i]), (int64_t)LIMIT_MB << 20);
	}
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(11)), -1); /* a round */
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		when_all_are_old_at_once_they_are_replaced_one_at_a_time_and_no_request_fails,
		every_group_ages_and_nobody_before_nine_tenths_of_the_time,
		an_old_worker_finishes_its_request,
		max_age_0_replaces_nobody,
		one_that_leaks_is_replaced_and_the_others_stay,
		memory_shared_with_the_others_is_nobodys_growth,
	};

	return pool_suite_run("age", tests, ARRAY_SIZE(tests), setup, teardown);
}
