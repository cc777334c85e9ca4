/*
 * Redis by TLS and by name: who is believed, who is refused, and which of a name's addresses is taken. A real server, with
 * a certificate of an authority made for the test; names are answered here, before the C library.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../unit/suite.h"
#include "base/err.h"
#include "redis_client.h"
#include "redis_server.h"
#include "session/channel.h"

static char dir[SERVER_PATH_SIZE], port[8], url[64];
static struct redis_server server;

/* What the names of this test stand for, in this order. */
static const char *addresses[2];
static size_t address_count, lookups;
static bool names_are_silent;

static struct addrinfo *address_before(const char *text, struct addrinfo *next)
{
	struct piece { /* as freeaddrinfo() takes it: the C library makes each in one piece */
		struct addrinfo info;
		struct sockaddr_in four;
	} *piece = calloc(1, sizeof *piece);

	piece->info = (struct addrinfo){
		.ai_family = AF_INET, .ai_addr = (struct sockaddr *)(void *)&piece->four, .ai_next = next
	};
	ck_assert_int_eq(inet_pton(AF_INET, text, &piece->four.sin_addr), 1);
	return &piece->info;
}

int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	(void)mode, (void)n, (void)event;
	lookups++;
	list[0]->ar_result = NULL;
	for (size_t i = address_count; i; i--)
		list[0]->ar_result = address_before(addresses[i - 1], list[0]->ar_result);
	return 0;
}

int gai_error(struct gaicb *request)
{
	(void)request;
	return names_are_silent ? EAI_INPROGRESS : 0;
}

int gai_suspend(const struct gaicb *const list[], int n, const struct timespec *timeout)
{
	(void)list, (void)n;
	nanosleep(timeout, NULL);
	return EAI_AGAIN;
}

/* PATH of a file in the test's directory. */
static const char *in_dir(const char *name)
{
	static char paths[4][SERVER_PATH_SIZE + 32];
	static unsigned next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static void make_authority(const char *key, const char *certificate)
{
	const char *const argv[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=Test authority", "-keyout",
		in_dir(key), "-out", in_dir(certificate), NULL };

	run_program(argv);
}

/* Of the first authority, for `hosts`: "DNS:…,IP:…". */
static void make_certificate(const char *key, const char *certificate, const char *hosts)
{
	char alternatives[128];
	const char *const argv[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=redis.test", "-CA",
		in_dir("ca.pem"), "-CAkey", in_dir("ca.key"), "-addext", alternatives, "-addext",
		"basicConstraints=critical,CA:FALSE", "-keyout", in_dir(key), "-out", in_dir(certificate),
		NULL };

	snprintf(alternatives, sizeof alternatives, "subjectAltName=%s", hosts);
	run_program(argv);
}

static void start_tls(const char *hosts)
{
	make_certificate("server.key", "server.pem", hosts);
	const char *const options[] = { "--bind", "127.0.0.1", "--port", "0", "--tls-port", port,
		"--tls-cert-file", in_dir("server.pem"), "--tls-key-file", in_dir("server.key"),
		"--tls-ca-cert-file", in_dir("ca.pem"), "--tls-auth-clients", "no", NULL };
	redis_server_start(&server, options);
}

static void start_plain(void)
{
	const char *const options[] = { "--bind", "127.0.0.1", "--port", port, NULL };

	redis_server_start(&server, options);
}

static void open_client(const char *scheme, const char *host, const char *ca)
{
	snprintf(url, sizeof url, "%s://%s:%s", scheme, host, port);
	client_open(url, "", "", *ca ? in_dir(ca) : "", PATIENT_MS);
}

static void setup(void)
{
	private_dir_make(dir);
	snprintf(port, sizeof port, "%d", free_port());
	make_authority("ca.key", "ca.pem");
	addresses[0] = "127.0.0.1";
	address_count = 1;
	lookups = 0;
	names_are_silent = false;
}

static void teardown(void)
{
	client_close();
	redis_server_stop(&server);
	private_dir_remove(dir);
}

static void expect_refusal(const char *why)
{
	int64_t start = clock_now();

	ck_assert_int_eq(connect_now(), -ERR_UNAVAILABLE);
	ck_assert_str_eq(redis_why(redis), why);
	ck_assert_int_lt(clock_now() - start, 2 * US_PER_SECOND);
	ck_assert(!redis_is_up(redis));
	client_close();
}

START_TEST(a_server_of_our_authority_and_the_right_name_is_believed)
{
	static const char *const hosts[] = { "redis.test", "127.0.0.1" };
	static char large[500000];

	start_tls("DNS:redis.test,IP:127.0.0.1");
	memset(large, 'x', sizeof large);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		open_client("rediss", hosts[i], "ca.pem");
		expect_text("SET key value", "OK");
		expect_text("GET key", "value");
		redis_command(redis, "SET large %b", large, sizeof large);
		redis_command(redis, "GET large");
		ck_assert_int_eq(redis_send(redis, deadline_in(PATIENT_MS * US_PER_MS)), 0);
		ck_assert_int_eq(reply(), 0);
		ck_assert_int_eq(reply(), 0);
		ck_assert_uint_eq(value.length, sizeof large);
		ck_assert_mem_eq(value.text, large, sizeof large);
		client_close();
	}
}
END_TEST

START_TEST(a_certificate_for_another_name_or_address_is_refused)
{
	start_tls("DNS:redis.test,IP:127.0.0.9");
	open_client("rediss", "other.test", "ca.pem");
	expect_refusal("hostname mismatch");
	open_client("rediss", "127.0.0.1", "ca.pem");
	expect_refusal("IP address mismatch");
	open_client("rediss", "redis.test", "ca.pem");
	expect_text("PING", "PONG");
}
END_TEST

/* OpenSSL keeps a queue of errors a thread, which a later call of another connection would take for its own. */
START_TEST(one_connections_failure_is_not_anothers)
{
	start_tls("DNS:redis.test");
	open_client("rediss", "redis.test", "ca.pem");
	struct redis *good = redis;
	expect_text("CLIENT SETNAME good", "OK");
	arena_release(&arena);
	open_client("rediss", "other.test", "ca.pem");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(connect_now(), -ERR_UNAVAILABLE);
		ck_assert_str_eq(redis_why(redis), "hostname mismatch");
	}
	redis_free(redis);
	redis = good;
	expect_text("CLIENT GETNAME", "good"); /* still the same connection */
}
END_TEST

/* Shakes hands with what listens on `port`, as `host`. */
static int shake_hands(struct channel *c, struct tls_trust *trust, const char *host)
{
	int err;

	channel_init(c);
	ck_assert_int_eq(channel_open_tcp(c, "127.0.0.1", (int)strtol(port, NULL, 10)), 0);
	while ((err = channel_finish(c)) == -ERR_TRY_AGAIN)
		ck_assert_int_gt(deadline_poll(c->fd, c->wants, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(channel_secure(c, trust, host), 0);
	while ((err = channel_handshake(c)) == -ERR_TRY_AGAIN)
		ck_assert_int_gt(deadline_poll(c->fd, c->wants, deadline_in(US_PER_SECOND)), 0);
	return err;
}

/* A server of two names shows the certificate of the second only to who asks for it (SNI). */
START_TEST(the_name_is_sent)
{
	struct tls_trust *trust;
	struct channel c;

	make_certificate("first.key", "first.pem", "DNS:first.test");
	make_certificate("second.key", "second.pem", "DNS:second.test");
	const char *const argv[] = { "openssl", "s_server", "-accept", port, "-www", "-cert",
		in_dir("first.pem"), "-key", in_dir("first.key"), "-servername", "second.test", "-cert2",
		in_dir("second.pem"), "-key2", in_dir("second.key"), NULL };
	program_start(&server, argv, "ACCEPT");
	ck_assert_int_eq(tls_trust_new(in_dir("ca.pem"), &trust), 0);
	ck_assert_int_eq(shake_hands(&c, trust, "second.test"), 0);
	channel_close(&c);
	ck_assert_int_eq(shake_hands(&c, trust, "third.test"), -ERR_UNAVAILABLE);
	channel_close(&c);
	tls_trust_free(trust);
}
END_TEST

START_TEST(a_server_of_another_authority_is_refused)
{
	make_authority("other.key", "other.pem");
	start_tls("DNS:redis.test");
	open_client("rediss", "redis.test", "other.pem");
	expect_refusal("self-signed certificate in certificate chain");
	open_client("rediss", "redis.test", ""); /* the system's authorities do not know it either */
	expect_refusal("self-signed certificate in certificate chain");
}
END_TEST

/* Either may wait for more of what it takes for a command or a record: the deadline ends it. */
START_TEST(a_server_without_tls_is_no_connection_nor_the_other_way_round)
{
	start_plain();
	open_client("rediss", "redis.test", "ca.pem");
	ck_assert_int_eq(redis_connect(redis, deadline_in(200 * US_PER_MS)), -ERR_UNAVAILABLE);
	ck_assert(!redis_is_up(redis));
	client_close();
	redis_server_stop(&server);
	start_tls("DNS:redis.test");
	open_client("redis", "redis.test", "");
	ck_assert_int_eq(redis_connect(redis, deadline_in(200 * US_PER_MS)), -ERR_UNAVAILABLE);
	ck_assert(!redis_is_up(redis));
}
END_TEST

START_TEST(a_tls_server_that_freezes_or_restarts_is_found_again)
{
	start_tls("DNS:redis.test");
	open_client("rediss", "redis.test", "ca.pem");
	expect_integer("INCR n", 1);
	kill(server.pid, SIGSTOP);
	redis_command(redis, "INCR n");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(redis_reply(redis, &arena, deadline_in(50 * US_PER_MS), &value), -ERR_UNAVAILABLE);
	ck_assert_int_eq(redis_connect(redis, deadline_in(50 * US_PER_MS)), -ERR_UNAVAILABLE);
	kill(server.pid, SIGCONT);
	expect_integer("INCR n", 3); /* the one without an answer was done, once */
	redis_server_stop(&server);
	start_tls("DNS:redis.test");
	expect_integer("INCR n", 1);
}
END_TEST

START_TEST(writing_by_tls_neither_blocks_nor_kills)
{
	static char large[100000];
	struct tls_trust *trust;
	struct channel c;
	size_t n;
	int err = 0;

	start_tls("DNS:redis.test");
	ck_assert_int_eq(tls_trust_new(in_dir("ca.pem"), &trust), 0);
	ck_assert_int_eq(shake_hands(&c, trust, "redis.test"), 0);
	kill(server.pid, SIGSTOP);
	for (int i = 0; i < 1000 && err == 0; i++) /* until what lies between is full */
		err = channel_write(&c, large, sizeof large, &n);
	ck_assert_int_eq(err, -ERR_TRY_AGAIN);
	ck_assert_int_eq(c.wants, POLLOUT);
	signal(SIGPIPE, SIG_DFL);
	shutdown(c.fd, SHUT_WR);
	ck_assert_int_eq(
		channel_write(&c, large, sizeof large, &n), -ERR_UNAVAILABLE); /* EPIPE, not SIGPIPE */
	channel_close(&c);
	tls_trust_free(trust);
}
END_TEST

/* As localhost is ::1 and 127.0.0.1, and a server may listen on the second only. */
START_TEST(the_next_address_of_a_name_is_tried_in_the_same_call)
{
	addresses[0] = "127.0.0.2";
	addresses[1] = "127.0.0.1";
	address_count = 2;
	start_plain();
	open_client("redis", "redis.test", "");
	expect_integer("INCR n", 1);
	ck_assert_uint_eq(lookups, 2);
	redis_server_stop(&server);
	ck_assert_int_eq(ask("INCR n"), -ERR_UNAVAILABLE);
	ck_assert_str_eq(redis_why(redis), "Connection refused");
	start_plain();
	expect_integer("INCR n", 1);
}
END_TEST

START_TEST(a_server_that_moves_is_looked_up_again)
{
	start_plain();
	open_client("redis", "redis.test", "");
	expect_integer("INCR n", 1);
	redis_server_stop(&server);
	const char *const options[] = { "--bind", "127.0.0.3", "--port", port, NULL };
	redis_server_start(&server, options);
	addresses[0] = "127.0.0.3";
	expect_integer("INCR n", 1);
	ck_assert_uint_eq(lookups, 2);
}
END_TEST

START_TEST(a_silent_name_server_costs_its_time_and_its_answer_is_not_lost)
{
	start_plain();
	open_client("redis", "redis.test", "");
	names_are_silent = true;
	int64_t start = clock_now();
	ck_assert_int_eq(redis_connect(redis, deadline_in(50 * US_PER_MS)), -ERR_UNAVAILABLE);
	ck_assert_int_ge(redis_waited(redis), 50 * US_PER_MS);
	ck_assert_int_lt(clock_now() - start, US_PER_SECOND);
	ck_assert_str_eq(redis_why(redis), "connecting takes longer than this request may");
	names_are_silent = false;
	expect_integer("INCR n", 1);
	ck_assert_uint_eq(lookups, 1);
}
END_TEST

START_TEST(a_name_without_an_address_is_unavailable)
{
	address_count = 0;
	open_client("redis", "redis.test", "");
	ck_assert_int_eq(ask("INCR n"), -ERR_UNAVAILABLE);
	ck_assert_str_eq(redis_why(redis), "the server's name could not be resolved");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_server_of_our_authority_and_the_right_name_is_believed,
		a_certificate_for_another_name_or_address_is_refused,
		one_connections_failure_is_not_anothers,
		the_name_is_sent,
		a_server_of_another_authority_is_refused,
		a_server_without_tls_is_no_connection_nor_the_other_way_round,
		a_tls_server_that_freezes_or_restarts_is_found_again,
		writing_by_tls_neither_blocks_nor_kills,
		the_next_address_of_a_name_is_tried_in_the_same_call,
		a_server_that_moves_is_looked_up_again,
		a_silent_name_server_costs_its_time_and_its_answer_is_not_lost,
		a_name_without_an_address_is_unavailable,
	};

	return suite_run_with("redis_tls", tests, ARRAY_SIZE(tests), setup, teardown);
}
