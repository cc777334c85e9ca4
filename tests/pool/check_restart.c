/* How workers are replaced when they die or hang: at once after a request, slowly after a failed start, counted by reason. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo_service.h"

#define START_US (POOL_START_MS * US_PER_MS)

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

/* The C library's fork() with a fault to order: the master's next forks fail while the file `no-fork` is there. */
pid_t fork(void)
{
	if (*pool.dir && access(pool_path(&pool, "no-fork"), F_OK) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return _Fork();
}

static bool full(void)
{
	struct group_view view = pool_view(&pool, GROUP_MAIN);

	return view.workers == view.configured && view.idle == view.configured;
}

static pid_t ask_pid(void)
{
	char answer[64];

	ck_assert(echo_ask(&pool, GROUP_MAIN, "pid\n", answer, sizeof answer));
	return (pid_t)strtol(answer, NULL, 10);
}

/* --- deaths in a request --- */

START_TEST(a_crash_costs_one_request_and_is_counted)
{
	char answer[64];
	uint64_t served;

	pool_start(&pool, &service);
	for (int i = 0; i < 10; i++)
		ck_assert(echo_ask(&pool, GROUP_MAIN, "echo a\n", answer, sizeof answer));
	served = pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS];
	ck_assert_int_eq(served, 10);
	ck_assert(!echo_ask(&pool, GROUP_MAIN, "crash\n", answer, sizeof answer));
	ck_assert(eventually(MILLIS(500), pool_restarts_for(&pool, RESTART_CRASH) == 1 && full()));
	ck_assert(echo_ask(&pool, GROUP_MAIN, "echo b\n", answer, sizeof answer));
	ck_assert(eventually(MILLIS(500), pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS] == 11));
	ck_assert(pool_log_has(&pool, "died (crash): signal 11 Segmentation fault"));
	ck_assert(pool_log_has(&pool, "in crash, stage handler, query LOT_BY_ID"));
}
END_TEST

START_TEST(totals_never_fall_while_workers_are_killed)
{
	char answer[64];
	uint64_t last = 0;

	pool_start(&pool, &service);
	for (int i = 0; i < 200; i++) {
		echo_ask(&pool, GROUP_MAIN, "echo a\n", answer, sizeof answer);
		if (i % 20 == 0) {
			pid_t pids[HARNESS_PIDS];
			if (pool_pids(&pool, GROUP_MAIN, pids) > 0)
				kill(pids[0], SIGKILL);
		}
		uint64_t now = pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS];
		ck_assert_int_ge(now, last);
		last = now;
	}
	ck_assert_int_ge(last, 180);
	ck_assert(eventually(SECONDS(1), full()));
	ck_assert_int_eq(pool_restarts_for(&pool, RESTART_UNKNOWN), pool_restarts(&pool, GROUP_MAIN));
}
END_TEST

static volatile sig_atomic_t load_over;

static void end_load(int signal)
{
	(void)signal;
	load_over = 1;
}

/* A client that asks until SIGTERM. Exits with the number of requests that failed. */
static void ask_until_told(void)
{
	char answer[64];
	int failed = 0;

	while (!load_over)
		failed += !echo_ask(&pool, GROUP_MAIN, "sleep 2\n", answer, sizeof answer);
	_exit(failed);
}

START_TEST(under_load_no_more_requests_fail_than_workers_are_killed)
{
	pid_t client[3], pids[HARNESS_PIDS];
	int failed = 0, kills = 0;

	pool.conf.workers = 4;
	pool_start(&pool, &service);
	signal(SIGTERM, end_load);
	for (int i = 0; i < 3; i++)
		if ((client[i] = _Fork()) == 0)
			ask_until_told();
	for (int i = 0; i < 20; i++) {
		int n = pool_pids(&pool, GROUP_MAIN, pids);
		if (n > 0 && kill(pids[i % n], SIGKILL) == 0)
			kills++;
		ck_assert_msg(eventually(MILLIS(300), full() || pool_view(&pool, GROUP_MAIN).busy > 0),
			"not replaced");
		poll(NULL, 0, 40);
	}
	for (int i = 0; i < 3; i++) {
		int status;
		kill(client[i], SIGTERM);
		ck_assert_int_eq(waitpid(client[i], &status, 0), client[i]);
		ck_assert(WIFEXITED(status));
		failed += WEXITSTATUS(status);
	}
	ck_assert_int_gt(failed, 0); /* or the load was none */
	ck_assert_int_le(failed, kills);
	ck_assert_int_gt(pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS], 500);
}
END_TEST

START_TEST(a_killed_worker_is_replaced_within_100_ms)
{
	int64_t took[5];

	pool_start(&pool, &service);
	for (int i = 0; i < 5; i++) {
		pid_t victim = ask_pid();
		int64_t start = clock_now();
		ck_assert_int_eq(kill(victim, SIGKILL), 0);
		ck_assert(eventually(
			SECONDS(2), pool_restarts(&pool, GROUP_MAIN) == (uint64_t)i + 1 && full()));
		took[i] = clock_now() - start;
	}
	int fast = 0;
	for (int i = 0; i < 5; i++)
		fast += took[i] < MILLIS(100);
	ck_assert_int_ge(fast, 3); /* the median */
}
END_TEST

START_TEST(a_flood_of_crashing_requests_is_bounded_and_the_master_lives)
{
	char answer[64];

	pool_start(&pool, &service);
	struct deadline end = deadline_in(SECONDS(2));
	while (deadline_left(end))
		echo_ask(&pool, GROUP_MAIN, "crash\n", answer, sizeof answer);
	/* 2 at the start, 2 of login and ops' 1: 5; then 32 at once and 32 a second. */
	ck_assert_int_gt(file_bytes(&pool, "starts"), 40);
	ck_assert_int_le(file_bytes(&pool, "starts"), 5 + 32 + 2 * 32 + 2);
	ck_assert(echo_ask(&pool, GROUP_OPS, "echo ops\n", answer, sizeof answer));
	ck_assert(eventually(SECONDS(1), echo_ask(&pool, GROUP_MAIN, "echo main\n", answer, sizeof answer)));
}
END_TEST

START_TEST(a_worker_that_leaves_unasked_is_replaced)
{
	char answer[64];

	pool_start(&pool, &service);
	ck_assert(!echo_ask(&pool, GROUP_MAIN, "exit 0\n", answer, sizeof answer));
	ck_assert(eventually(SECONDS(1), pool_restarts_for(&pool, RESTART_UNKNOWN) == 1 && full()));
	ck_assert_int_eq(kill(ask_pid(), SIGTERM), 0);
	ck_assert(eventually(SECONDS(1), pool_restarts_for(&pool, RESTART_UNKNOWN) == 2 && full()));
}
END_TEST

/* --- deaths before ready --- */

START_TEST(a_pool_whose_workers_cannot_start_gives_up_with_exit_1)
{
	pool_touch(&pool, "fail-start");
	pool_launch(&pool, &service);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(10)), 1);
	ck_assert(pool_log_has(&pool, "giving up: no worker of"));
	/* Three groups with a spare slot each have 8 slots; none is tried a sixth time. */
	ck_assert_int_ge(file_bytes(&pool, "starts"), 5);
	ck_assert_int_le(file_bytes(&pool, "starts"), 8 * 5);
	ck_assert_int_ne(access(pool_path(&pool, "main.sock"), F_OK), 0);
}
END_TEST

START_TEST(after_a_good_start_failing_starts_slow_down_and_never_end_the_pool)
{
	char answer[64];

	pool_start(&pool, &service);
	pool_touch(&pool, "crash-start");
	int64_t before = file_bytes(&pool, "starts");
	ck_assert(!echo_ask(&pool, GROUP_MAIN, "crash\n", answer, sizeof answer));
	/* Delays of half of 100, 200, 400, 800, 1600 and then 2000 ms in the mean: about six tries in 3 s, in two slots. */
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(3)), -1);
	ck_assert_int_gt(file_bytes(&pool, "starts") - before, 2);
	ck_assert_int_lt(file_bytes(&pool, "starts") - before, 40);
	ck_assert(echo_ask(&pool, GROUP_MAIN, "echo the other worker\n", answer, sizeof answer));
	ck_assert_int_eq(unlink(pool_path(&pool, "crash-start")), 0);
	ck_assert(eventually(SECONDS(3), full()));
}
END_TEST

START_TEST(a_worker_that_hangs_while_starting_is_killed)
{
	char answer[64];

	pool.conf.hard_timeout_ms = 100;
	pool_start(&pool, &service);
	pool_touch(&pool, "hang-start");
	ck_assert(!echo_ask(&pool, GROUP_MAIN, "crash\n", answer, sizeof answer));
	ck_assert(eventually(START_US + SECONDS(4), pool_restarts_for(&pool, RESTART_DEADLINE) >= 1));
	ck_assert_int_eq(unlink(pool_path(&pool, "hang-start")), 0);
	ck_assert(eventually(START_US + SECONDS(8), full())); /* its successor hangs as long */
}
END_TEST

/* --- stuck ones --- */

static void short_deadlines(void)
{
	pool.conf.read_timeout_ms = pool.conf.write_timeout_ms = pool.conf.export_timeout_ms = 100;
	pool.conf.hard_timeout_ms = 400;
}

START_TEST(a_hung_worker_shows_as_stuck_and_is_killed_and_others_do_not_notice)
{
	char answer[64];

	short_deadlines();
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "spin\n");
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).stuck == 1));
	ck_assert(pool_is_alive(pool.board));
	while (pool_restarts_for(&pool, RESTART_DEADLINE) == 0)
		ck_assert(echo_ask(&pool, GROUP_MAIN, "echo unaffected\n", answer, sizeof answer));
	ck_assert(eventually(SECONDS(1), full()));
	ck_assert(pool_log_has(&pool, "past its deadline"));
	ck_assert_int_eq(pool_restarts(&pool, GROUP_MAIN), 1);
	close(fd);
}
END_TEST

START_TEST(when_every_main_worker_is_stuck_the_pool_is_not_alive_but_ops_answers)
{
	char answer[64];
	int fds[2];

	short_deadlines();
	pool.conf.hard_timeout_ms = 2000;
	pool_start(&pool, &service);
	for (int i = 0; i < 2; i++)
		fds[i] = echo_open(&pool, GROUP_MAIN, "hang\n");
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).stuck == 2));
	ck_assert(!pool_is_alive(pool.board));
	ck_assert(!pool_is_ready(pool.board));
	ck_assert(echo_ask(&pool, GROUP_OPS, "echo ops\n", answer, sizeof answer));
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	ck_assert(eventually(SECONDS(5), full()));
	ck_assert(pool_is_ready(pool.board));
}
END_TEST

START_TEST(a_stopped_worker_is_replaced_busy_or_idle)
{
	short_deadlines();
	pool_start(&pool, &service);
	pid_t idle = ask_pid();
	ck_assert_int_eq(kill(idle, SIGSTOP), 0);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).stuck == 1));
	ck_assert(eventually(SECONDS(3), pool_restarts_for(&pool, RESTART_DEADLINE) == 1 && full()));
	ck_assert(!process_alive(idle));
	int fd = echo_open(&pool, GROUP_MAIN, "sleep 50\n");
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).busy == 1));
	for (int i = 0; i < 3; i++) {
		struct worker_view worker;
		if (view_worker(pool.board, GROUP_MAIN, i, &worker) && worker.state == WORKER_BUSY)
			kill(worker.pid, SIGSTOP);
	}
	ck_assert(eventually(SECONDS(3), pool_restarts_for(&pool, RESTART_DEADLINE) == 2 && full()));
	close(fd);
}
END_TEST

START_TEST(a_worker_stopped_for_a_moment_goes_on)
{
	pool_start(&pool, &service);
	pid_t pid = ask_pid();
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).stuck == 1));
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert(eventually(SECONDS(1), full()));
	ck_assert_int_eq(pool_restarts(&pool, GROUP_MAIN), 0);
	ck_assert(process_alive(pid));
}
END_TEST

/* --- a machine without --- */

START_TEST(when_no_process_can_be_forked_the_pool_waits_and_recovers)
{
	char answer[64];

	pool_start(&pool, &service);
	pool_touch(&pool, "no-fork");
	ck_assert(!echo_ask(&pool, GROUP_MAIN, "crash\n", answer, sizeof answer));
	ck_assert(eventually(SECONDS(1), pool_log_has(&pool, "could not fork a worker of main")));
	int64_t cpu = process_cpu(pool.pid);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), -1);
	ck_assert_int_lt(process_cpu(pool.pid) - cpu, MILLIS(50));
	ck_assert(echo_ask(&pool, GROUP_MAIN, "echo the other worker\n", answer, sizeof answer));
	ck_assert_int_eq(unlink(pool_path(&pool, "no-fork")), 0);
	ck_assert(eventually(SECONDS(4), full()));
	ck_assert(pool_log_has(&pool, "can be forked again"));
}
END_TEST

START_TEST(a_worker_without_descriptors_waits_for_one_without_spinning)
{
	const struct rlimit none = { 3, 1024 }, some = { 1024, 1024 };
	char answer[64];

	pool.conf.workers = 1;
	pool_start(&pool, &service);
	pid_t pid = ask_pid();
	ck_assert(eventually(SECONDS(1), full()));
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &none, NULL), 0);
	int fd = echo_open(&pool, GROUP_MAIN, "echo patience\n");
	ck_assert(eventually(SECONDS(1), pool_log_has(&pool, "could not accept: Too many open files")));
	int64_t cpu = process_cpu(pid);
	ck_assert_int_eq(pool_wait_exit(&pool, MILLIS(500)), -1);
	ck_assert_int_lt(process_cpu(pid) - cpu, MILLIS(25));
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &some, NULL), 0);
	ck_assert_int_gt(echo_read(fd, answer, sizeof answer, SECONDS(1)), 0);
	ck_assert_str_eq(answer, "patience\n");
	ck_assert_int_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

/* --- queue, orphans, descriptors --- */

START_TEST(with_all_workers_busy_status_is_there_and_the_queue_is_what_was_sent)
{
	int held[2], queued[7];
	char answer[64];

	pool_start(&pool, &service);
	for (int i = 0; i < 2; i++) {
		held[i] = echo_open(&pool, GROUP_MAIN, "hold\n");
		ck_assert_int_gt(echo_read_line(held[i], answer, sizeof answer, SECONDS(2)), 0);
	}
	for (int i = 0; i < 7; i++)
		queued[i] = echo_open(&pool, GROUP_MAIN, "echo queued\n");
	struct group_view view = pool_view(&pool, GROUP_MAIN);
	ck_assert_int_eq(view.busy, 2);
	ck_assert_int_eq(view.idle, 0);
	ck_assert_int_eq(view.queue.depth, 7);
	ck_assert_int_eq(view.queue.limit, 300); /* 3 x 2 workers / 5 ms x 250 ms */
	ck_assert_int_gt(view.queue_age_us, 0);
	ck_assert_int_lt(view.queue_age_us, SECONDS(2));
	for (int i = 0; i < 2; i++)
		close(held[i]);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(echo_read(queued[i], answer, sizeof answer, SECONDS(2)), 7);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).queue.depth == 0));
	ck_assert_int_eq(pool_view(&pool, GROUP_MAIN).queue_age_us, 0);
}
END_TEST

START_TEST(requests_whose_clients_have_left_the_queue_are_not_run)
{
	int held[2];
	char answer[64];

	pool_start(&pool, &service);
	for (int i = 0; i < 2; i++) {
		held[i] = echo_open(&pool, GROUP_MAIN, "hold\n");
		ck_assert_int_gt(echo_read_line(held[i], answer, sizeof answer, SECONDS(2)), 0);
	}
	for (int i = 0; i < 9; i++)
		close(echo_open(&pool, GROUP_MAIN, "echo gone\n"));
	for (int i = 0; i < 2; i++)
		close(held[i]);
	ck_assert(eventually(SECONDS(2), pool_view(&pool, GROUP_MAIN).total.at[TALLY_SHED] == 9));
	ck_assert_int_eq(file_bytes(&pool, "runs"), 2);
}
END_TEST

START_TEST(orphans_left_to_the_master_are_reaped)
{
	char answer[64];

	pool.as_reaper = true; /* what PID 1 of a container is */
	pool_start(&pool, &service);
	ck_assert(echo_ask(&pool, GROUP_MAIN, "orphan\n", answer, sizeof answer));
	pid_t orphan = (pid_t)strtol(answer, NULL, 10);
	/* Not even a zombie: its entry is gone. */
	ck_assert(eventually(SECONDS(2), kill(orphan, 0) < 0 && errno == ESRCH));
	ck_assert_int_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

START_TEST(a_program_run_by_a_worker_has_only_the_standard_descriptors)
{
	char answer[256];

	pool_start(&pool, &service);
	ck_assert(echo_ask(&pool, GROUP_MAIN, "fds\n", answer, sizeof answer));
	ck_assert_str_eq(answer, "0 1 2 \n");
}
END_TEST

START_TEST(workers_go_before_the_master_when_memory_runs_out)
{
	char path[64], text[16];
	int score[2] = { 0 };

	pool_start(&pool, &service);
	const pid_t both[] = { pool.pid, ask_pid() };
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)both[i]);
		FILE *file = fopen(path, "re");
		ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
		fclose(file);
		score[i] = (int)strtol(text, NULL, 10);
	}
	ck_assert_int_gt(score[1], score[0]);
}
END_TEST

/* What a worker of the group waits for its next request with. */
static bool policy_is(enum group group, int policy)
{
	pid_t pids[HARNESS_PIDS];
	char answer[64];

	ck_assert(echo_ask(&pool, group, "echo awake\n", answer, sizeof answer));
	int n = pool_pids(&pool, group, pids);
	for (int i = 0; i < n; i++)
		if (sched_getscheduler(pids[i]) == policy)
			return true;
	return false;
}

START_TEST(a_woken_worker_preempts_nobody_but_a_login)
{
	char answer[64];

	pool_start(&pool, &service);
	ck_assert(eventually(SECONDS(5), policy_is(GROUP_MAIN, SCHED_BATCH)));
	ck_assert(!policy_is(GROUP_MAIN, SCHED_OTHER));
	int login = echo_open(&pool, GROUP_LOGIN, "hold\n");
	ck_assert_int_gt(echo_read_line(login, answer, sizeof answer, SECONDS(2)), 0);
	ck_assert(eventually(SECONDS(5), policy_is(GROUP_MAIN, SCHED_OTHER)));
	close(login);
	ck_assert(eventually(SECONDS(5), !policy_is(GROUP_MAIN, SCHED_OTHER)));
	ck_assert(eventually(SECONDS(5), policy_is(GROUP_LOGIN, SCHED_BATCH)));
	ck_assert(!policy_is(GROUP_OPS, SCHED_BATCH));
	ck_assert_int_eq(sched_getscheduler(pool.pid), SCHED_OTHER);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_crash_costs_one_request_and_is_counted,
		totals_never_fall_while_workers_are_killed,
		under_load_no_more_requests_fail_than_workers_are_killed,
		a_killed_worker_is_replaced_within_100_ms,
		a_flood_of_crashing_requests_is_bounded_and_the_master_lives,
		a_worker_that_leaves_unasked_is_replaced,
		a_pool_whose_workers_cannot_start_gives_up_with_exit_1,
		after_a_good_start_failing_starts_slow_down_and_never_end_the_pool,
		a_worker_that_hangs_while_starting_is_killed,
		a_hung_worker_shows_as_stuck_and_is_killed_and_others_do_not_notice,
		when_every_main_worker_is_stuck_the_pool_is_not_alive_but_ops_answers,
		a_stopped_worker_is_replaced_busy_or_idle,
		a_worker_stopped_for_a_moment_goes_on,
		when_no_process_can_be_forked_the_pool_waits_and_recovers,
		a_worker_without_descriptors_waits_for_one_without_spinning,
		with_all_workers_busy_status_is_there_and_the_queue_is_what_was_sent,
		requests_whose_clients_have_left_the_queue_are_not_run,
		orphans_left_to_the_master_are_reaped,
		a_program_run_by_a_worker_has_only_the_standard_descriptors,
		workers_go_before_the_master_when_memory_runs_out,
		a_woken_worker_preempts_nobody_but_a_login,
	};

	return pool_suite_run("restart", tests, ARRAY_SIZE(tests), setup, teardown);
}
