/* How a pool ends: what it accepted is served, in time, in order, and nothing is left behind. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
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

/* Does main take no new connection? */
static bool refused(void)
{
	int fd = echo_connect(&pool, GROUP_MAIN);

	if (fd >= 0)
		close(fd);
	return fd == -ENOENT;
}

START_TEST(an_idle_pool_drains_at_once_and_leaves_no_file)
{
	pool_start(&pool, &service);
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
	ck_assert_int_ne(access(pool_path(&pool, "main.sock"), F_OK), 0);
	ck_assert_int_ne(access(pool_path(&pool, "ops.sock"), F_OK), 0);
	ck_assert_int_ne(access(pool_path(&pool, "scoreboard"), F_OK), 0);
	ck_assert_int_eq(file_bytes(&pool, "stops"), 5); /* every worker's service was stopped in order */
}
END_TEST

START_TEST(a_request_being_served_is_finished)
{
	char answer[64];

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hold\n");
	ck_assert_int_gt(echo_read_line(fd, answer, sizeof answer, SECONDS(2)), 0);
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, MILLIS(200)), -1);
	ck_assert_int_eq(send(fd, "go\n", 3, MSG_NOSIGNAL), 3);
	ck_assert_int_eq(echo_read(fd, answer, sizeof answer, SECONDS(2)), 9);
	ck_assert_str_eq(answer, "released\n");
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
}
END_TEST

START_TEST(what_was_queued_is_served_and_what_comes_later_is_refused)
{
	int fds[20];
	char answer[64];

	pool_start(&pool, &service);
	for (int i = 0; i < 20; i++)
		fds[i] = echo_open(&pool, GROUP_MAIN, "sleep 20\n");
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), refused()));
	for (int i = 0; i < 20; i++) {
		ck_assert_int_gt(echo_read(fds[i], answer, sizeof answer, SECONDS(3)), 0);
		ck_assert_str_eq(answer, "slept\n");
	}
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
}
END_TEST

/* One client: asks until it is refused; what was accepted must be answered whole. */
static void ask_until_refused(void)
{
	char answer[64];
	int fd;

	while ((fd = echo_connect(&pool, GROUP_MAIN)) >= 0) {
		if (send(fd, "echo hello\n", 11, MSG_NOSIGNAL) != 11)
			_exit(1);
		if (echo_read(fd, answer, sizeof answer, SECONDS(5)) != 6)
			_exit(2);
	}
	_exit(fd == -ENOENT || fd == -ECONNREFUSED ? 0 : 3);
}

START_TEST(under_load_no_accepted_request_is_lost)
{
	for (int round = 0; round < 15; round++) {
		pid_t client[6];
		pool_start(&pool, &service);
		for (int i = 0; i < 6; i++) {
			client[i] = fork();
			if (client[i] == 0)
				ask_until_refused();
		}
		poll(NULL, 0, 20 + 7 * round % 31);
		pool_signal(&pool, SIGTERM);
		ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(3)), 0);
		for (int i = 0; i < 6; i++) {
			int status;
			ck_assert_int_eq(waitpid(client[i], &status, 0), client[i]);
			ck_assert_msg(status == 0, "client %d of round %d lost a request: %d", i, round,
				WEXITSTATUS(status));
		}
		scoreboard_close(pool.board);
		pool.board = NULL;
	}
}
END_TEST

START_TEST(ops_answers_while_main_drains)
{
	char answer[64];

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hold\n");
	ck_assert_int_gt(echo_read_line(fd, answer, sizeof answer, SECONDS(2)), 0);
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), !pool_is_ready(pool.board)));
	ck_assert(pool_is_alive(pool.board));
	ck_assert(eventually(SECONDS(1), refused()));
	ck_assert(echo_ask(&pool, GROUP_OPS, "echo still here\n", answer, sizeof answer));
	ck_assert_str_eq(answer, "still here\n");
	close(fd);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
}
END_TEST

START_TEST(a_silent_client_holds_it_up_only_for_the_read_deadline_and_costs_nothing)
{
	pid_t pids[HARNESS_PIDS];

	pool_start(&pool, &service);
	int fd = echo_connect(&pool, GROUP_MAIN);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).busy == 1));
	int n = pool_pids(&pool, GROUP_MAIN, pids);
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, MILLIS(500)), -1);
	int64_t cpu = process_cpu(pool.pid);
	for (int i = 0; i < n; i++)
		cpu += process_cpu(pids[i]);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(2)), 0);
	ck_assert_int_lt(cpu, MILLIS(50)); /* a loop without a wait would have taken ten times that */
	close(fd);
}
END_TEST

START_TEST(a_second_sigterm_gives_up_the_queue_but_not_the_request)
{
	int held[2], queued;
	char answer[64];

	pool_start(&pool, &service);
	for (int i = 0; i < 2; i++) {
		held[i] = echo_open(&pool, GROUP_MAIN, "hold\n");
		ck_assert_int_gt(echo_read_line(held[i], answer, sizeof answer, SECONDS(2)), 0);
	}
	queued = echo_open(&pool, GROUP_MAIN, "echo queued\n");
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), pool_log_has(&pool, "draining")));
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), pool_log_has(&pool, "given up")));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(send(held[i], "go\n", 3, MSG_NOSIGNAL), 3);
		ck_assert_int_eq(echo_read(held[i], answer, sizeof answer, SECONDS(2)), 9);
	}
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
	ck_assert_int_le(echo_read(queued, answer, sizeof answer, SECONDS(1)), 0);
	ck_assert_int_eq(file_bytes(&pool, "runs"), 2);
}
END_TEST

START_TEST(a_worker_that_never_finishes_is_killed_and_the_pool_exits_0)
{
	pool.conf.export_timeout_ms = 50;
	pool.conf.read_timeout_ms = 50;
	pool.conf.write_timeout_ms = 50;
	pool.conf.hard_timeout_ms = 300;
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hang\n");
	ck_assert(eventually(SECONDS(1), file_bytes(&pool, "runs") == 1));
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(2)), 0);
	close(fd);
}
END_TEST

START_TEST(workers_that_ignore_being_told_to_leave_are_killed)
{
	pool.conf.export_timeout_ms = pool.conf.read_timeout_ms = pool.conf.write_timeout_ms = 50;
	pool.conf.hard_timeout_ms = 300;
	pool_touch(&pool, "hang-stop");
	pool_start(&pool, &service);
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(3)), 0); /* ops follow main: twice 50 + 300 ms */
	ck_assert(pool_log_has(&pool, "past its deadline"));
}
END_TEST

START_TEST(sigquit_ends_at_once)
{
	pid_t pids[HARNESS_PIDS];

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hang\n");
	ck_assert(eventually(SECONDS(1), file_bytes(&pool, "runs") == 1));
	int n = pool_pids(&pool, GROUP_MAIN, pids);
	pool_signal(&pool, SIGQUIT);
	ck_assert_int_eq(pool_wait_exit(&pool, MILLIS(500)), 0);
	for (int i = 0; i < n; i++)
		ck_assert(!process_alive(pids[i]));
	close(fd);
}
END_TEST

START_TEST(workers_die_with_a_killed_master_and_the_sockets_can_be_used_again)
{
	pid_t pids[3 * HARNESS_PIDS];
	char answer[64];
	int n = 0;

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hang\n");
	for (int g = 0; g < GROUP_COUNT; g++)
		n += pool_pids(&pool, (enum group)g, pids + n);
	ck_assert_int_eq(n, 5);
	pool_signal(&pool, SIGKILL);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 128 + SIGKILL);
	for (int i = 0; i < n; i++)
		ck_assert(eventually(SECONDS(1), !process_alive(pids[i])));
	close(fd);
	ck_assert(!pool_is_alive(pool.board));
	scoreboard_close(pool.board);
	ck_assert_int_eq(scoreboard_open_read(pool.dir, &pool.board), -ESRCH);
	pool.board = NULL;
	pool_start(&pool, &service);
	ck_assert(echo_ask(&pool, GROUP_MAIN, "echo again\n", answer, sizeof answer));
}
END_TEST

START_TEST(a_second_pool_in_the_same_directory_is_refused_and_the_first_serves_on)
{
	struct pool second = pool;
	char answer[64];

	pool_start(&pool, &service);
	pool_launch(&second, &service);
	ck_assert_int_eq(pool_wait_exit(&second, SECONDS(2)), 1);
	ck_assert(pool_log_has(&pool, "another process is listening there"));
	ck_assert(echo_ask(&pool, GROUP_MAIN, "echo first\n", answer, sizeof answer));
	ck_assert(pool_is_ready(pool.board));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_idle_pool_drains_at_once_and_leaves_no_file,
		a_request_being_served_is_finished,
		what_was_queued_is_served_and_what_comes_later_is_refused,
		under_load_no_accepted_request_is_lost,
		ops_answers_while_main_drains,
		a_silent_client_holds_it_up_only_for_the_read_deadline_and_costs_nothing,
		a_second_sigterm_gives_up_the_queue_but_not_the_request,
		a_worker_that_never_finishes_is_killed_and_the_pool_exits_0,
		workers_that_ignore_being_told_to_leave_are_killed,
		sigquit_ends_at_once,
		workers_die_with_a_killed_master_and_the_sockets_can_be_used_again,
		a_second_pool_in_the_same_directory_is_refused_and_the_first_serves_on,
	};

	return pool_suite_run("drain", tests, ARRAY_SIZE(tests), setup, teardown);
}
