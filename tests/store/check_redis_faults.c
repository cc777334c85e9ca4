/*
 * Redis away, frozen, slow, in the wrong state or talking nonsense: every call ends in its time, the breaker spares the
 * next ones, and nobody gets another's answer. Fakes answer what each test's script says.
 */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/suite.h"
#include "base/err.h"
#include "redis_client.h"
#include "redis_server.h"
#include "session/channel.h"

enum { QUICK_MS = 50 }; /* the product's limit for one exchange */

static char dir[SERVER_PATH_SIZE], path[SERVER_PATH_SIZE + 16], url[SERVER_PATH_SIZE + 32];
static struct redis_server server;
static struct fake_redis fake;

static void setup(void)
{
	private_dir_make(dir);
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(url, sizeof url, "unix:%s", path);
}

static void teardown(void)
{
	client_close();
	redis_server_stop(&server);
	fake_redis_stop(&fake);
	private_dir_remove(dir);
}

static void start_real(void)
{
	const char *const options[] = { "--port", "0", "--unixsocket", path, NULL };

	redis_server_start(&server, options);
}

static void open_real(int operation_ms)
{
	start_real();
	client_open(url, "", "", "", operation_ms);
	ask_until_answered("SET key value"); /* on a busy machine the first may take longer than it may */
}

static void open_fake(const struct fake_script *script, int operation_ms)
{
	fake_redis_start(&fake, path, script);
	client_open(url, "", "", "", operation_ms);
}

/* One request while Redis is away: unavailable, and well before a person would call it slow. Returns its time in us. */
static int64_t ask_in_vain(const char *command)
{
	int64_t start = clock_now();
	ck_assert_int_eq(ask(command), -ERR_UNAVAILABLE);
	int64_t took = clock_now() - start;
	ck_assert_int_lt(took, US_PER_SECOND);
	return took;
}

START_TEST(a_frozen_server_costs_two_waits_and_then_none)
{
	open_real(QUICK_MS);
	kill(server.pid, SIGSTOP);
	redis_waited(redis);
	int64_t took = ask_in_vain("GET key");
	ck_assert_int_ge(took, QUICK_MS * US_PER_MS);
	int64_t waited = redis_waited(redis);
	ck_assert_int_le(waited, took);
	ck_assert_int_ge(waited, took / 2);
	ck_assert_int_eq(redis_waited(redis), 0);
	ask_in_vain("GET key");
	int64_t start = clock_now();
	for (int i = 0; i < 100; i++) /* 5 s if each waited */
		ask_in_vain("GET key");
	ck_assert_int_lt(clock_now() - start, 2 * US_PER_SECOND);
	kill(server.pid, SIGCONT);
	ask_until_answered("GET key");
	ck_assert_str_eq(value.text, "value");
}
END_TEST

/* While the breaker probes, requests do not wait for the probe as they would for an answer. */
START_TEST(a_probe_costs_a_request_next_to_nothing)
{
	struct deadline end;
	int short_waits = 0, long_waits = 0;

	open_real(QUICK_MS);
	kill(server.pid, SIGSTOP);
	ask_in_vain("GET key");
	ask_in_vain("GET key");
	redis_waited(redis);
	for (end = deadline_in(US_PER_SECOND); deadline_left(end);) {
		ask_in_vain("GET key");
		int64_t waited = redis_waited(redis);
		short_waits += waited > 0 && waited < QUICK_MS * US_PER_MS;
		long_waits += waited >= QUICK_MS * US_PER_MS;
	}
	ck_assert_int_gt(short_waits, long_waits);
	kill(server.pid, SIGCONT);
	ask_until_answered("GET key");
}
END_TEST

START_TEST(after_an_answer_one_failure_is_forgiven_again)
{
	static const char no[] = "-LOADING wait\r\n", yes[] = "+OK\r\n";

	open_fake(&(struct fake_script){ "+PONG\r\n", { no, no, yes, no, yes }, 5, false, 0 }, PATIENT_MS);
	ask_in_vain("GET key");
	ask_in_vain("GET key");
	ask_until_answered("GET key");
	ask_in_vain("GET key");
	expect_text("GET key", "OK");
}
END_TEST

START_TEST(a_send_that_nobody_reads_ends_in_its_time)
{
	static char large[1000000];

	open_real(QUICK_MS);
	kill(server.pid, SIGSTOP);
	int64_t start = clock_now();
	redis_command(redis, "SET large %b", large, sizeof large);
	ck_assert_int_eq(redis_send(redis, deadline_in(5 * US_PER_SECOND)), -ERR_UNAVAILABLE);
	ck_assert_int_lt(clock_now() - start, US_PER_SECOND);
	ck_assert_int_eq(reply(), -ERR_UNAVAILABLE);
	kill(server.pid, SIGCONT);
	ask_until_answered("STRLEN large");
	ck_assert_int_eq(value.integer, 0);
}
END_TEST

START_TEST(a_server_that_is_not_there_costs_nothing_and_is_found_when_it_comes)
{
	client_open(url, "", "", "", QUICK_MS);
	int64_t start = clock_now();
	for (int i = 0; i < 100; i++)
		ask_in_vain("GET key");
	ck_assert_int_lt(clock_now() - start, US_PER_SECOND);
	ck_assert_str_eq(redis_why(redis), "No such file or directory");
	start_real();
	ask_until_answered("INCR n");
	ck_assert_int_eq(value.integer, 1);
}
END_TEST

START_TEST(a_refused_port_is_unavailable_at_once)
{
	char tcp[64];

	snprintf(tcp, sizeof tcp, "redis://127.0.0.1:%d", free_port());
	client_open(tcp, "", "", "", PATIENT_MS);
	ask_in_vain("GET key");
	ck_assert_str_eq(redis_why(redis), "Connection refused");
}
END_TEST

START_TEST(a_server_in_the_wrong_state_is_left_and_looked_up_again)
{
	static const char *const states[][2] = {
		{ "-READONLY You can't write against a read only replica.\r\n", "READONLY" },
		{ "-LOADING Redis is loading the dataset in memory\r\n", "LOADING" },
		{ "-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN" },
		{ "-NOAUTH Authentication required.\r\n", "NOAUTH" },
		{ "-MOVED 866 10.0.0.7:6379\r\n", "MOVED" },
		{ "-CLUSTERDOWN The cluster is down\r\n", "CLUSTERDOWN" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		char why[64];
		open_fake(&(struct fake_script){ "+PONG\r\n", { states[i][0], "+OK\r\n" }, 2, false, 0 },
			PATIENT_MS);
		ask_in_vain("SET key value");
		ck_assert(!redis_is_up(redis));
		snprintf(why, sizeof why, "redis answered a command with %s", states[i][1]);
		ck_assert_str_eq(redis_why(redis), why);
		expect_text("SET key value", "OK");
		ck_assert_int_eq(fake.counts->connections, 2);
		client_close();
		fake_redis_stop(&fake);
	}
}
END_TEST

START_TEST(any_other_error_is_an_answer)
{
	static const char *const errors[] = { "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
		"-ERR READONLY is no prefix\r\n", "-READONLYISH\r\n", "-\r\n" };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		open_fake(&(struct fake_script){ "+PONG\r\n", { errors[i] }, 1, false, 0 }, PATIENT_MS);
		for (int n = 0; n < 3; n++) {
			ck_assert_int_eq(ask("SET key value"), 0);
			ck_assert_int_eq(value.type, REDIS_ERROR);
		}
		ck_assert_int_eq(fake.counts->connections, 1);
		client_close();
		fake_redis_stop(&fake);
	}
}
END_TEST

/* The greeting succeeds each time: it alone must not close the breaker. */
START_TEST(a_server_that_stays_read_only_is_not_stormed)
{
	open_fake(&(struct fake_script){ "+PONG\r\n", { "-READONLY no\r\n" }, 1, false, 0 }, PATIENT_MS);
	for (int i = 0; i < 500; i++)
		ask_in_vain("SET key value");
	ck_assert_int_ge(fake.counts->commands, 2);
	ck_assert_int_lt(fake.counts->commands, 100);
}
END_TEST

START_TEST(a_server_that_still_loads_is_no_connection)
{
	open_fake(&(struct fake_script){ "-LOADING wait\r\n", { "+OK\r\n" }, 1, false, 0 }, PATIENT_MS);
	ck_assert_int_eq(connect_now(), -ERR_UNAVAILABLE);
	ck_assert(!redis_is_up(redis));
	ck_assert_int_eq(fake.counts->commands, 0);
}
END_TEST

/* As happens to a client that is connected to its own port. */
START_TEST(an_echo_is_no_server)
{
	open_fake(&(struct fake_script){ "*1\r\n$4\r\nPING\r\n", { "+OK\r\n" }, 1, false, 0 }, PATIENT_MS);
	ck_assert_int_eq(connect_now(), -ERR_UNAVAILABLE);
}
END_TEST

START_TEST(replies_may_come_byte_by_byte)
{
	static const char answer[] = "*3\r\n$5\r\nhello\r\n:-7\r\n*1\r\n$-1\r\n";

	open_fake(&(struct fake_script){ "+PONG\r\n", { answer }, 1, true, 0 }, PATIENT_MS);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(ask("GET key"), 0);
		ck_assert_uint_eq(value.count, 3);
		ck_assert_str_eq(value.elements[0].text, "hello");
		ck_assert_int_eq(value.elements[1].integer, -7);
		ck_assert_int_eq(value.elements[2].elements[0].type, REDIS_NIL);
	}
	ck_assert_int_eq(fake.counts->connections, 1);
}
END_TEST

START_TEST(nonsense_drops_the_connection_and_only_that)
{
	static const struct {
		const char *answer, *why;
	} rows[] = {
		{ "HTTP/1.1 400 Bad Request\r\n", "a reply is malformed or too large" },
		{ "$-7\r\n", "a reply is malformed or too large" },
		{ "*2147483647\r\n", "a reply is malformed or too large" },
		{ ":x\r\n", "a reply is malformed or too large" },
		{ NULL, "the connection was closed" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		open_fake(&(struct fake_script){ "+PONG\r\n", { rows[i].answer, "+OK\r\n" }, 2, false, 0 },
			PATIENT_MS);
		ask_in_vain("GET key");
		ck_assert_str_eq(redis_why(redis), rows[i].why);
		ck_assert(!redis_is_up(redis));
		expect_text("GET key", "OK");
		ck_assert_int_eq(fake.counts->connections, 2);
		client_close();
		fake_redis_stop(&fake);
	}
}
END_TEST

START_TEST(an_answer_nobody_asked_for_never_becomes_the_next_ones)
{
	open_fake(&(struct fake_script){ "+PONG\r\n", { "+one\r\n+more\r\n", "+two\r\n" }, 2, false, 0 },
		PATIENT_MS);
	expect_text("GET key", "one");
	expect_text("GET key", "two");
	ck_assert_int_eq(fake.counts->connections, 2);
}
END_TEST

START_TEST(a_late_answer_never_becomes_the_next_ones)
{
	open_fake(&(struct fake_script){ "+PONG\r\n", { "", "+two\r\n" }, 2, false, 0 }, PATIENT_MS);
	redis_command(redis, "GET one");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(redis_reply(redis, &arena, deadline_in(20 * US_PER_MS), &value), -ERR_UNAVAILABLE);
	expect_text("GET two", "two");
	ck_assert_int_eq(fake.counts->connections, 2);
}
END_TEST

/* Five requests that had 5 ms left: that Redis did not answer so soon says nothing of Redis. */
START_TEST(a_caller_in_a_hurry_does_not_open_the_breaker)
{
	open_fake(&(struct fake_script){ "+PONG\r\n", { "" }, 1, false, 0 }, PATIENT_MS);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(connect_now(), 0);
		redis_command(redis, "GET key");
		ck_assert_int_eq(redis_send(redis, deadline_in(5 * US_PER_MS)), 0);
		ck_assert_int_eq(
			redis_reply(redis, &arena, deadline_in(5 * US_PER_MS), &value), -ERR_UNAVAILABLE);
	}
	ck_assert_int_eq(fake.counts->connections, 5);
}
END_TEST

START_TEST(an_attempt_to_connect_is_gone_on_with_by_the_next_call)
{
	int late[2];

	ck_assert_int_eq(pipe2(late, O_CLOEXEC), 0);
	open_fake(&(struct fake_script){ "+PONG\r\n", { "+OK\r\n" }, 1, false, late[0] }, PATIENT_MS);
	ck_assert_int_eq(redis_connect(redis, deadline_in(10 * US_PER_MS)), -ERR_UNAVAILABLE);
	redis_command(redis, "GET key");
	ck_assert_int_eq(redis_send(redis, deadline_in(10 * US_PER_MS)), -ERR_UNAVAILABLE);
	redis_forget(redis, 1);
	ck_assert_int_eq(reply(), -ERR_UNAVAILABLE); /* the greeting's replies are nobody's */
	redis_reset(redis);
	ck_assert_int_eq(write(late[1], "", 1), 1);
	expect_text("GET key", "OK");
	ck_assert_int_eq(fake.counts->connections, 1);
	ck_assert_int_eq(fake.counts->commands, 1);
	close(late[0]);
	close(late[1]);
}
END_TEST

START_TEST(an_attempt_to_connect_is_given_up_after_a_second)
{
	int never[2];

	ck_assert_int_eq(pipe2(never, O_CLOEXEC), 0);
	open_fake(&(struct fake_script){ "+PONG\r\n", { "+OK\r\n" }, 1, false, never[0] }, PATIENT_MS);
	ck_assert_int_eq(redis_connect(redis, deadline_in(1100 * US_PER_MS)), -ERR_UNAVAILABLE);
	ck_assert_str_eq(redis_why(redis), "connecting takes too long");
	fake_redis_stop(&fake);
	fake_redis_start(&fake, path, &(struct fake_script){ "+PONG\r\n", { "+OK\r\n" }, 1, false, 0 });
	expect_text("GET key", "OK");
	close(never[0]);
	close(never[1]);
}
END_TEST

START_TEST(what_cannot_be_a_server_is_refused_at_the_start)
{
	static const struct {
		const char *url, *ca_file, *why;
	} rows[] = {
		{ "http://cache", "", "it does not begin with redis://, rediss:// or unix:" },
		{ "rediss://cache", "/nowhere/ca.pem", "the file of certificates cannot be read" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct redis_options options = { rows[i].url, "", "", rows[i].ca_file, US_PER_SECOND };
		struct redis *none = NULL;
		const char *why;
		ck_assert_int_eq(redis_new(&options, &none, &why), -ERR_INVALID);
		ck_assert_str_eq(why, rows[i].why);
		ck_assert_ptr_null(none);
	}
}
END_TEST

static int option_of(int fd, int level, int name)
{
	int set = 0;
	socklen_t length = sizeof set;

	ck_assert_int_eq(getsockopt(fd, level, name, &set, &length), 0);
	return set;
}

/* What a worker must be able to rely on, whoever is at the other end. */
START_TEST(a_connection_never_blocks_leaks_or_kills)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct channel c;
	size_t n;
	int err;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)(void *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)(void *)&at, &length), 0);
	channel_init(&c);
	ck_assert_int_eq(channel_open_tcp(&c, "127.0.0.1", ntohs(at.sin_port)), 0);
	while ((err = channel_finish(&c)) == -ERR_TRY_AGAIN)
		ck_assert_int_gt(deadline_poll(c.fd, c.wants, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(err, 0);
	ck_assert_int_ne(fcntl(c.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(c.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(option_of(c.fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(option_of(c.fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_eq(option_of(c.fd, IPPROTO_TCP, TCP_KEEPIDLE), 5);
	ck_assert_int_eq(channel_read(&c, &err, 1, &n), -ERR_TRY_AGAIN);
	signal(SIGPIPE, SIG_DFL);
	shutdown(c.fd, SHUT_WR);
	ck_assert_int_eq(channel_write(&c, "x", 1, &n), -ERR_UNAVAILABLE); /* EPIPE, not SIGPIPE */
	close(accept(listener, NULL, NULL));
	ck_assert_int_gt(deadline_poll(c.fd, POLLIN, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(channel_read(&c, &err, 1, &n), -ERR_UNAVAILABLE);
	channel_close(&c);
	close(listener);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_frozen_server_costs_two_waits_and_then_none,
		a_probe_costs_a_request_next_to_nothing,
		after_an_answer_one_failure_is_forgiven_again,
		a_send_that_nobody_reads_ends_in_its_time,
		a_server_that_is_not_there_costs_nothing_and_is_found_when_it_comes,
		a_refused_port_is_unavailable_at_once,
		a_server_in_the_wrong_state_is_left_and_looked_up_again,
		any_other_error_is_an_answer,
		a_server_that_stays_read_only_is_not_stormed,
		a_server_that_still_loads_is_no_connection,
		an_echo_is_no_server,
		replies_may_come_byte_by_byte,
		nonsense_drops_the_connection_and_only_that,
		an_answer_nobody_asked_for_never_becomes_the_next_ones,
		a_late_answer_never_becomes_the_next_ones,
		a_caller_in_a_hurry_does_not_open_the_breaker,
		an_attempt_to_connect_is_gone_on_with_by_the_next_call,
		an_attempt_to_connect_is_given_up_after_a_second,
		what_cannot_be_a_server_is_refused_at_the_start,
		a_connection_never_blocks_leaks_or_kills,
	};

	return suite_run_with("redis_faults", tests, ARRAY_SIZE(tests), setup, teardown);
}
