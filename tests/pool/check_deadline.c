/* How a stuck worker ends: by its request's own deadline, first SIGABRT, then SIGKILL, a core dump not cut off. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "echo_service.h"

static struct pool pool;
static struct pool_service service;

static void setup(void)
{
	pool_prepare(&pool);
	service = echo_service(&pool);
	/* What a request may take that says nothing else: longer than any test waits. */
	pool.conf.read_timeout_ms = pool.conf.write_timeout_ms = pool.conf.export_timeout_ms = 60000;
	pool.conf.hard_timeout_ms = 400;
}

static void teardown(void)
{
	pool_finish(&pool);
}

/* The C library's open() with a lie to order: while the file `dumping` is there, every process dumps its core. */
int open(const char *path, int flags, ...)
{
	char dumping[128];
	va_list args;

	snprintf(dumping, sizeof dumping, "%s/dumping", pool.dir);
	if (strncmp(path, "/proc/", 6) == 0 && strstr(path, "/status") && access(dumping, F_OK) == 0)
		path = dumping;
	va_start(args, flags);
	unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
	va_end(args);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void dumping_begins(void)
{
	static const char status[] = "Name:\tcheck_deadline\nCoreDumping:\t1\nTHP_enabled:\t1\n";
	int fd = open(pool_path(&pool, "dumping"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, status, sizeof status - 1), sizeof status - 1);
	close(fd);
}

static bool full(void)
{
	struct group_view view = pool_view(&pool, GROUP_MAIN);

	return view.workers == view.configured && view.idle == view.configured;
}

/* Sends a command that gets stuck. Returns how long its worker was left alone, us. */
static int64_t time_to_kill(const char *command)
{
	char answer[64];
	int64_t start = clock_now();
	int fd = echo_open(&pool, GROUP_MAIN, command);

	ck_assert_int_eq(echo_read(fd, answer, sizeof answer, SECONDS(20)), 0);
	return clock_now() - start;
}

/* --- when --- */

START_TEST(a_stuck_request_is_killed_by_its_own_deadline)
{
	pool_start(&pool, &service);
	ck_assert_int_ge(time_to_kill("due 300 spin\n"), MILLIS(300 + 400)); /* and long before 60 s */
	ck_assert(eventually(SECONDS(5), full()));
	ck_assert_uint_eq(pool_restarts_for(&pool, RESTART_DEADLINE), 1);
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 1);
	ck_assert(pool_log_has(&pool, "died (deadline): signal 6 Aborted"));
	ck_assert(pool_log_has(&pool, "in due 300 spin, stage handler, query LOT_BY_ID, request echo-1"));
}
END_TEST

START_TEST(a_worker_shows_as_stuck_by_its_requests_own_deadline)
{
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 300 spin\n");
	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).busy == 1));
	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).stuck == 1)); /* the budget is 60 s */
	close(fd);
}
END_TEST

START_TEST(without_a_deadline_it_may_take_the_longest_budget)
{
	pool.conf.export_timeout_ms = 1000;
	pool.conf.read_timeout_ms = pool.conf.write_timeout_ms = 100;
	pool_start(&pool, &service);
	ck_assert_int_ge(time_to_kill("spin\n"), MILLIS(1000 + 400));
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_DEADLINE) == 1 && full()));
}
END_TEST

START_TEST(a_deadline_beyond_reason_is_brought_within)
{
	pool.conf.read_timeout_ms = pool.conf.write_timeout_ms = pool.conf.export_timeout_ms = 300;
	pool_start(&pool, &service);
	ck_assert_int_ge(time_to_kill("due 3600000 spin\n"), MILLIS(300 + 400));
	ck_assert_int_ge(time_to_kill("due -3600000 spin\n"), MILLIS(400));
	ck_assert_int_ge(time_to_kill("due 9000000000000000 spin\n"), MILLIS(300 + 400));
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_DEADLINE) == 3 && full()));
}
END_TEST

START_TEST(a_deadline_ends_with_its_request)
{
	char answer[64];

	pool.conf.workers = 1;
	pool_start(&pool, &service);
	ck_assert(echo_ask(&pool, GROUP_MAIN, "due 1 echo quick\n", answer, sizeof answer));
	int fd = echo_open(&pool, GROUP_MAIN, "sleep 900\n");
	struct deadline end = deadline_in(MILLIS(800));
	while (deadline_left(end)) {
		pool_signal(&pool, SIGCHLD); /* the master looks now, not within a second */
		nap();
	}
	ck_assert_int_eq(echo_read(fd, answer, sizeof answer, SECONDS(5)), 6);
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

/* --- how --- */

START_TEST(one_that_survives_sigabrt_is_killed_and_others_do_not_notice)
{
	char answer[64];
	uint64_t served = 0;

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 100 deaf spin\n");
	while (pool_restarts_for(&pool, RESTART_DEADLINE) == 0) {
		ck_assert(echo_ask(&pool, GROUP_MAIN, "echo unaffected\n", answer, sizeof answer));
		served++;
	}
	ck_assert_uint_gt(served, 10);
	ck_assert(pool_log_has(&pool, "past its deadline"));
	ck_assert(pool_log_has(&pool, "died (deadline): signal 9 Killed"));
	ck_assert(eventually(SECONDS(5), full()));
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 1);
	close(fd);
}
END_TEST

START_TEST(a_core_dump_is_waited_for)
{
	pool_start(&pool, &service);
	dumping_begins();
	int fd = echo_open(&pool, GROUP_MAIN, "due 100 deaf spin\n");
	ck_assert(eventually(SECONDS(10), pool_log_has(&pool, "past its deadline")));
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(2)), -1); /* four times the grace without one */
	ck_assert_uint_eq(pool_restarts_for(&pool, RESTART_DEADLINE), 0);
	ck_assert_int_eq(unlink(pool_path(&pool, "dumping")), 0);
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_DEADLINE) == 1 && full()));
	close(fd);
}
END_TEST

START_TEST(a_core_dump_is_not_waited_for_for_ever)
{
	pool_start(&pool, &service);
	dumping_begins();
	ck_assert_int_ge(time_to_kill("due 100 deaf spin\n"), MILLIS(100 + 400) + SECONDS(10));
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_DEADLINE) == 1 && full()));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_stuck_request_is_killed_by_its_own_deadline,
		a_worker_shows_as_stuck_by_its_requests_own_deadline,
		without_a_deadline_it_may_take_the_longest_budget,
		a_deadline_beyond_reason_is_brought_within,
		a_deadline_ends_with_its_request,
		one_that_survives_sigabrt_is_killed_and_others_do_not_notice,
		a_core_dump_is_waited_for,
		a_core_dump_is_not_waited_for_for_ever,
	};

	return pool_suite_run("deadline", tests, ARRAY_SIZE(tests), setup, teardown);
}
