/* The real program behind FastCGI, its stores unreachable: how it reads what no good client sends, and how it ends meanwhile.
 * AGROBRIDGE_BIN names it. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "pool_harness.h"

static struct pool pool;
static struct fcgi_client client;

/* Nothing listens on port 1: a refused connection, at once. */
static char *environment[] = {
	"AGROBRIDGE_DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing",
	"AGROBRIDGE_REDIS_URL=redis://127.0.0.1:1/0",
	"AGROBRIDGE_WORKERS=2",
	"AGROBRIDGE_LOGIN_WORKERS=1",
	"AGROBRIDGE_READ_TIMEOUT_MS=1000",
	"AGROBRIDGE_WRITE_TIMEOUT_MS=1000",
	"AGROBRIDGE_HARD_TIMEOUT_MS=1000",
	NULL,
};

static void setup(void)
{
	pool_prepare(&pool);
	pool_launch_program(&pool, environment);
	pool_wait_ready(&pool);
	ck_assert_int_eq(fcgi_open(&client, pool_path(&pool, "main.sock")), 0);
}

static void teardown(void)
{
	fcgi_close(&client);
	pool_finish(&pool);
}

static uint64_t served(void)
{
	return pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS];
}

/* The pid of one that is at a connection, or 0. */
static pid_t busy_worker(void)
{
	struct worker_view view;

	for (int i = 0; i < pool_view(&pool, GROUP_MAIN).slots; i++)
		if (view_worker(pool.board, GROUP_MAIN, i, &view) && view.state == WORKER_BUSY)
			return view.pid;
	return 0;
}

/* Another client gets its answer: the worker lives. */
static void expect_alive(void)
{
	struct fcgi_client other;

	ck_assert_int_eq(fcgi_open(&other, pool_path(&pool, "main.sock")), 0);
	fcgi_send_request(&other, "GET", "/livez", NULL);
	ck_assert_int_eq(fcgi_read(&other, SECONDS(5)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&other), 200);
	fcgi_close(&other);
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}

START_TEST(a_request_byte_by_byte_is_answered)
{
	client.chunk = 1;
	fcgi_send_begin(&client); /* without padding: libfcgi refuses it here, and nginx never sends any */
	client.padding = 7;
	fcgi_send_params(&client, "GET", "/livez", 2);
	fcgi_send_body(&client, "{}", 2);
	fcgi_send_end(&client);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&client), 200);
	ck_assert_str_eq(fcgi_header(&client, "Content-Type"), "application/json");
	ck_assert_ptr_eq(strstr(fcgi_body(&client), "{\"status\":\"alive\","), fcgi_body(&client));
}
END_TEST

START_TEST(params_half_closed_anywhere_run_nothing)
{
	static struct fcgi_pairs pairs;

	fcgi_pairs_add(&pairs, "REQUEST_METHOD", "GET");
	fcgi_pairs_add(&pairs, "REQUEST_URI", "/livez");
	for (size_t keep = 0; keep < 8 + pairs.length; keep += 5) {
		fcgi_close(&client);
		ck_assert_int_eq(fcgi_open(&client, pool_path(&pool, "main.sock")), 0);
		fcgi_send_begin(&client);
		fcgi_send_cut(&client, FCGI_PARAMS, FCGI_REQUEST_ID, pairs.bytes, pairs.length, keep);
		fcgi_half_close(&client);
		ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_CLOSED);
	}
	ck_assert_uint_eq(served(), 0);
	expect_alive();
}
END_TEST

START_TEST(half_a_request_gives_the_worker_back_within_the_read_deadline)
{
	fcgi_send_begin(&client);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).busy == 1));
	ck_assert(eventually(SECONDS(4), pool_view(&pool, GROUP_MAIN).idle == 2));
	ck_assert_uint_eq(served(), 0);
	expect_alive();
}
END_TEST

START_TEST(a_peer_that_drips_holds_its_worker_until_the_hard_deadline)
{
	static const char params[16384];

	fcgi_send_begin(&client);
	for (size_t keep = 1; pool_restarts_for(&pool, RESTART_DEADLINE) == 0; keep++) {
		ck_assert_uint_lt(keep, 60); /* 100 ms each: never a second's silence */
		if (keep == 1)
			fcgi_send_cut(&client, FCGI_PARAMS, FCGI_REQUEST_ID, params, sizeof params, 9);
		else
			fcgi_send_bytes(&client, params, 1);
		usleep(100000);
	}
	ck_assert_uint_eq(served(), 0);
}
END_TEST

START_TEST(a_worker_stopped_before_its_request_comes_serves_it)
{
	pid_t worker = 0;

	ck_assert(eventually(SECONDS(5), (worker = busy_worker()) != 0));
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).stuck == 1));
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).stuck == 0));
	fcgi_send_request(&client, "GET", "/livez", NULL);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&client), 200);
	expect_alive();
}
END_TEST

START_TEST(sigterm_while_the_body_arrives_serves_it_whole)
{
	static char body[2000];

	memset(body, ' ', sizeof body);
	fcgi_send_begin(&client);
	fcgi_send_params(&client, "POST", "/v1/no/such/path", sizeof body);
	fcgi_send_body(&client, body, 1000);
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).busy == 1));
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), access(pool_path(&pool, "main.sock"), F_OK) != 0));
	fcgi_send_body(&client, body + 1000, 1000);
	fcgi_send_end(&client);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(2)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&client), 404);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(2)), 0);
}
END_TEST

START_TEST(a_silent_client_does_not_hold_up_the_end)
{
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).busy == 1));
	pool_signal(&pool, SIGTERM);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(4)), 0); /* libfcgi's own loop would never end */
}
END_TEST

START_TEST(false_lengths_cost_no_worker)
{
	static struct fcgi_pairs pairs;

	fcgi_pairs_lie(&pairs, 0x7fffffff, 0x7fffffff, "REQUEST_METHODGET");
	fcgi_send_begin(&client);
	fcgi_send_pairs(&client, &pairs, 0);
	fcgi_send_record(&client, FCGI_PARAMS, FCGI_REQUEST_ID, NULL, 0, 0);
	fcgi_send_end(&client);
	fcgi_half_close(&client);
	enum fcgi_outcome outcome = fcgi_read(&client, SECONDS(5));
	ck_assert(outcome == FCGI_CLOSED || (outcome == FCGI_ANSWERED && fcgi_status(&client) >= 400));
	expect_alive();
}
END_TEST

START_TEST(a_peer_that_never_closes_holds_nobody)
{
	fcgi_send_request(&client, "GET", "/livez", NULL);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(2)), FCGI_ANSWERED);
	ck_assert(eventually(
		MILLIS(500), pool_view(&pool, GROUP_MAIN).idle == 2)); /* libfcgi would linger 2 s */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_request_byte_by_byte_is_answered,
		params_half_closed_anywhere_run_nothing,
		half_a_request_gives_the_worker_back_within_the_read_deadline,
		a_peer_that_drips_holds_its_worker_until_the_hard_deadline,
		a_worker_stopped_before_its_request_comes_serves_it,
		sigterm_while_the_body_arrives_serves_it_whole,
		a_silent_client_does_not_hold_up_the_end,
		false_lengths_cost_no_worker,
		a_peer_that_never_closes_holds_nobody,
	};

	return pool_suite_run("program", tests, ARRAY_SIZE(tests), setup, teardown);
}
