/* How living workers are replaced: the successor is ready first, one at a time, and no client notices. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo_service.h"

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

/* --- load beside the test: clients that count what failed --- */

static volatile sig_atomic_t load_over;

static void end_load(int signal)
{
	(void)signal;
	load_over = 1;
}

static void load_start(pid_t client[3])
{
	signal(SIGTERM, end_load);
	for (int i = 0; i < 3; i++) {
		client[i] = fork();
		ck_assert_int_ge(client[i], 0);
		if (client[i] == 0) {
			int failed = 0;
			while (!load_over)
				failed += !ask("echo load\n");
			_exit(failed > 100 ? 100 : failed);
		}
	}
}

/* Returns how many requests failed. */
static int load_stop(const pid_t client[3])
{
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		int status;
		kill(client[i], SIGTERM);
		ck_assert_int_eq(waitpid(client[i], &status, 0), client[i]);
		ck_assert(WIFEXITED(status));
		failed += WEXITSTATUS(status);
	}
	return failed;
}

/* --- max requests --- */

START_TEST(workers_are_replaced_after_max_requests_and_no_request_fails)
{
	pool.conf.max_requests = 50;
	pool_start(&pool, &service);
	uint64_t asked = 0;
	for (; pool_restarts_for(&pool, RESTART_MAX_REQUESTS) < 10; asked++)
		ck_assert_msg(ask("echo a\n"), "request %d failed", (int)asked);
	/* 45 to 55 requests each, and a few more until the successor is ready. */
	ck_assert_uint_ge(asked, 10 * 45);
	ck_assert_int_eq(pool_restarts_for(&pool, RESTART_MAX_REQUESTS), pool_restarts(&pool, GROUP_MAIN));
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS] == asked));
	ck_assert(eventually(SECONDS(1), full()));
}
END_TEST

START_TEST(max_requests_0_replaces_nobody)
{
	pool.conf.max_requests = 0;
	pool_start(&pool, &service);
	for (int i = 0; i < 300; i++)
		ck_assert(ask("echo a\n"));
	ck_assert_int_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

START_TEST(one_at_a_time_and_never_fewer_than_configured)
{
	pid_t client[3];

	pool.conf.workers = 4;
	pool.conf.max_requests = 20; /* all of them want to be replaced all the time */
	pool_start(&pool, &service);
	load_start(client);
	struct deadline end = deadline_in(SECONDS(20)); /* the guard of all tests is 30 s */
	while (pool_restarts_for(&pool, RESTART_MAX_REQUESTS) < 30) {
		ck_assert(deadline_left(end));
		struct group_view view = pool_view(&pool, GROUP_MAIN);
		/* Read slot by slot while they change, so a worker may be seen in two places: one of slack. */
		ck_assert_int_le(view.workers, 4 + 1);
		ck_assert_int_le(view.starting + view.draining, 2);
		ck_assert_int_ge(view.idle + view.busy, 4 - 1);
	}
	ck_assert_int_eq(load_stop(client), 0);
}
END_TEST

START_TEST(a_predecessor_finishes_its_request)
{
	char answer[64];

	pool.conf.workers = 1;
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hold\n");
	ck_assert_int_gt(echo_read_line(fd, answer, sizeof answer, SECONDS(2)), 0);
	pool_signal(&pool, SIGHUP);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).draining == 1));
	ck_assert(ask("echo the successor serves\n"));
	ck_assert_int_eq(send(fd, "go\n", 3, MSG_NOSIGNAL), 3);
	ck_assert_int_eq(echo_read(fd, answer, sizeof answer, SECONDS(1)), 9);
	ck_assert(eventually(SECONDS(1), full() && pool_restarts_for(&pool, RESTART_RELOAD) == 1));
}
END_TEST

/* --- reload --- */

START_TEST(sighup_replaces_everybody_and_no_request_fails)
{
	pid_t before[HARNESS_PIDS], after[HARNESS_PIDS], client[3];

	pool.conf.workers = 3;
	pool_start(&pool, &service);
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, before), 3);
	load_start(client);
	for (uint64_t round = 1; round <= 20; round++) {
		pool_signal(&pool, SIGHUP);
		ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_RELOAD) == 3 * round));
		ck_assert(eventually(
			SECONDS(5), pool_view(&pool, GROUP_OPS).restarts[RESTART_RELOAD] == 2 * round));
		ck_assert(eventually(
			SECONDS(5), pool_view(&pool, GROUP_LOGIN).restarts[RESTART_RELOAD] == round));
	}
	ck_assert_int_eq(load_stop(client), 0);
	ck_assert(eventually(SECONDS(1), full()));
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, after), 3);
	for (int i = 0; i < 9; i++)
		ck_assert_int_ne(before[i / 3], after[i % 3]);
	ck_assert_int_eq(file_bytes(&pool, "reloaded"), 0); /* the hook made it, */
	ck_assert_int_eq(access(pool_path(&pool, "reloaded"), F_OK), 0);
}
END_TEST

START_TEST(reloads_at_once_end_with_everybody_of_the_last)
{
	pid_t client[3];

	pool_start(&pool, &service);
	load_start(client);
	for (int i = 0; i < 5; i++)
		pool_signal(&pool, SIGHUP);
	ck_assert(eventually(SECONDS(2), pool_restarts_for(&pool, RESTART_RELOAD) >= 2));
	ck_assert(eventually(SECONDS(2), full()));
	ck_assert_int_eq(load_stop(client), 0);
	ck_assert(ask("echo a\n"));
	ck_assert_int_eq(pool_restarts_for(&pool, RESTART_RELOAD), pool_restarts(&pool, GROUP_MAIN));
}
END_TEST

START_TEST(a_reload_while_draining_changes_nothing)
{
	char answer[64];

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hold\n");
	ck_assert_int_gt(echo_read_line(fd, answer, sizeof answer, SECONDS(2)), 0);
	int64_t starts = file_bytes(&pool, "starts");
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), pool_log_has(&pool, "draining")));
	pool_signal(&pool, SIGHUP);
	ck_assert_int_eq(pool_wait_exit(&pool, MILLIS(300)), -1);
	ck_assert_int_eq(send(fd, "go\n", 3, MSG_NOSIGNAL), 3);
	ck_assert_int_eq(echo_read(fd, answer, sizeof answer, SECONDS(1)), 9);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
	ck_assert_int_eq(file_bytes(&pool, "starts"), starts);
}
END_TEST

START_TEST(a_drain_during_a_reload_ends_the_pool)
{
	pool.conf.workers = 8;
	pool_start(&pool, &service);
	pool_signal(&pool, SIGHUP);
	ck_assert(eventually(SECONDS(2), pool_restarts_for(&pool, RESTART_RELOAD) >= 1));
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(2)), 0);
}
END_TEST

START_TEST(when_the_new_generation_crashes_the_old_one_serves_on)
{
	pid_t before[HARNESS_PIDS], after[HARNESS_PIDS];

	pool_start(&pool, &service);
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, before), 2);
	pool_touch(&pool, "crash-start");
	pool_signal(&pool, SIGHUP);
	ck_assert(eventually(SECONDS(10), pool_log_has(&pool, "gave up replacing the workers of main")));
	ck_assert_int_eq(unlink(pool_path(&pool, "crash-start")), 0);
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, after), 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(before[i], after[i]);
	ck_assert_int_eq(pool_restarts_for(&pool, RESTART_RELOAD), 0);
	for (int i = 0; i < 20; i++)
		ck_assert(ask("echo a\n"));
	pool_signal(&pool, SIGHUP); /* a later one works */
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_RELOAD) == 2));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		workers_are_replaced_after_max_requests_and_no_request_fails,
		max_requests_0_replaces_nobody,
		one_at_a_time_and_never_fewer_than_configured,
		a_predecessor_finishes_its_request,
		sighup_replaces_everybody_and_no_request_fails,
		reloads_at_once_end_with_everybody_of_the_last,
		a_reload_while_draining_changes_nothing,
		a_drain_during_a_reload_ends_the_pool,
		when_the_new_generation_crashes_the_old_one_serves_on,
	};

	return pool_suite_run("replace", tests, ARRAY_SIZE(tests), setup, teardown);
}
