/* The client itself, against bytes written by hand: what later tests conclude from it must be true. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "pool_harness.h"

static struct fcgi_client client;
static int server;

static void setup(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcgi_attach(&client, fds[0]);
	server = fds[1];
}

static void teardown(void)
{
	fcgi_close(&client);
	if (server >= 0)
		close(server);
}

static void server_says(const char *bytes, size_t n)
{
	ck_assert_int_eq(send(server, bytes, n, MSG_NOSIGNAL), (int)n);
}

static void server_closes(void)
{
	close(server);
	server = -1;
}

static void expect_bytes(const char *bytes, size_t n)
{
	char got[4096];

	ck_assert_int_eq(recv(server, got, n, MSG_WAITALL), (int)n);
	ck_assert_mem_eq(got, bytes, n);
}

#define SAYS(literal)    server_says(literal, sizeof(literal) - 1)
#define EXPECTS(literal) expect_bytes(literal, sizeof(literal) - 1)

/* STDOUT of 29 and 10 bytes, the second record padded; then the end. */
#define HEAD_RECORD "\1\6\0\1\0\35\0\0Status: 201 Created\r\nA: b c\r\n"
#define BODY_RECORD "\1\6\0\1\0\12\3\0\r\nbody {1}xxx"
#define END_OF_OUT  "\1\6\0\1\0\0\0\0"
#define END_REQUEST "\1\3\0\1\0\10\0\0\0\0\0\7\0\0\0\0"

START_TEST(records_are_as_the_specification_draws_them)
{
	fcgi_send_begin(&client);
	EXPECTS("\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0");
	client.padding = 3;
	fcgi_send_body(&client, "hello", 5);
	EXPECTS("\1\5\0\1\0\5\3\0hello\xa5\xa5\xa5");
	fcgi_send_end(&client);
	EXPECTS("\1\5\0\1\0\0\0\0");
	fcgi_send_abort(&client);
	EXPECTS("\1\2\0\1\0\0\0\0");
	fcgi_send_cut(&client, FCGI_PARAMS, 513, "hello", 5, 10);
	EXPECTS("\1\4\2\1\0\5\0\0he");
}
END_TEST

START_TEST(pairs_have_short_and_long_and_false_lengths)
{
	static struct fcgi_pairs pairs;
	char value[201];

	memset(value, 'v', 200);
	value[200] = '\0';
	fcgi_pairs_add(&pairs, "NAME", "value");
	fcgi_pairs_add(&pairs, "LONG", value);
	fcgi_pairs_lie(&pairs, 0x7fffffff, 0x10, "abc");
	fcgi_send_pairs(&client, &pairs, 0);
	ck_assert_uint_eq(pairs.length, 11 + 5 + 204 + 11);
	EXPECTS("\1\4\0\1\0\347\0\0\4\5NAMEvalue\4\200\0\0\310LONG");
	expect_bytes(value, 200);
	EXPECTS("\377\377\377\377\200\0\0\20"
		"abc");
	fcgi_send_pairs(&client, &pairs, 100);
	EXPECTS("\1\4\0\1\0\144\0\0");
	expect_bytes((const char *)pairs.bytes, 100);
	EXPECTS("\1\4\0\1\0\144\0\0");
}
END_TEST

START_TEST(byte_by_byte_is_the_same_bytes)
{
	client.chunk = 1;
	fcgi_send_begin(&client);
	EXPECTS("\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0");
}
END_TEST

START_TEST(an_answer_is_put_together)
{
	SAYS(HEAD_RECORD BODY_RECORD "\1\7\0\1\0\4\0\0oops" END_OF_OUT END_REQUEST);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&client), 201);
	ck_assert_str_eq(fcgi_header(&client, "a"), "b c");
	ck_assert_ptr_null(fcgi_header(&client, "b"));
	ck_assert_str_eq(fcgi_body(&client), "body {1}");
	ck_assert_str_eq(client.err, "oops");
	ck_assert_uint_eq(client.app_status, 7);
}
END_TEST

START_TEST(an_answer_cut_anywhere_is_not_an_answer)
{
	static const char whole[] = HEAD_RECORD BODY_RECORD END_OF_OUT END_REQUEST;

	teardown();
	for (size_t keep = 0; keep < sizeof whole - 1; keep++) {
		setup();
		server_says(whole, keep);
		server_closes();
		ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), keep ? FCGI_CUT : FCGI_CLOSED);
		fcgi_close(&client);
	}
	setup();
}
END_TEST

START_TEST(silence_is_a_timeout_and_nonsense_is_garbage)
{
	SAYS("\1\6\0\1\0");
	ck_assert_int_eq(fcgi_read(&client, MILLIS(20)), FCGI_TIMEOUT);
	SAYS("\0\0\0");
	SAYS(END_OF_OUT HEAD_RECORD);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_GARBAGE); /* misread by five bytes */
	teardown();
	setup();
	SAYS(END_OF_OUT HEAD_RECORD);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_GARBAGE); /* output after its end */
	teardown();
	setup();
	SAYS("HTTP/1.1 200 OK\r\n");
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_GARBAGE);
}
END_TEST

START_TEST(records_of_others_are_counted_and_do_not_end_it)
{
	SAYS("\1\13\0\0\0\10\0\0\143\0\0\0\0\0\0\0" HEAD_RECORD BODY_RECORD
	     "\1\3\0\2\0\10\0\0\0\0\0\0\1\0\0\0" END_OF_OUT END_REQUEST);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_ANSWERED);
	ck_assert_uint_eq(client.others, 2);
	ck_assert_int_eq(client.protocol_status, 0);
}
END_TEST

START_TEST(a_server_that_has_left_takes_no_more_and_kills_nobody)
{
	server_closes();
	fcgi_send_request(&client, "POST", "/", "body");
	ck_assert_uint_gt(client.unsent, 0);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_CLOSED);
	ck_assert_int_eq(fcgi_status(&client), -1);
	ck_assert_str_eq(fcgi_body(&client), "");
}
END_TEST

START_TEST(a_half_close_lets_the_answer_through)
{
	char end;

	fcgi_half_close(&client);
	ck_assert_int_eq(recv(server, &end, 1, 0), 0);
	SAYS(HEAD_RECORD BODY_RECORD END_OF_OUT END_REQUEST);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(1)), FCGI_ANSWERED);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		records_are_as_the_specification_draws_them,
		pairs_have_short_and_long_and_false_lengths,
		byte_by_byte_is_the_same_bytes,
		an_answer_is_put_together,
		an_answer_cut_anywhere_is_not_an_answer,
		silence_is_a_timeout_and_nonsense_is_garbage,
		records_of_others_are_counted_and_do_not_end_it,
		a_server_that_has_left_takes_no_more_and_kills_nobody,
		a_half_close_lets_the_answer_through,
	};

	return pool_suite_run("fcgi_client", tests, ARRAY_SIZE(tests), setup, teardown);
}
