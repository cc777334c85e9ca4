/* What the FastCGI protocol allows and nginx never sends, and what it forbids, on the real program with its stores
 * unreachable. The law of all of it: no worker dies or hangs, and a request of which a part is missing runs nothing.
 * AGROBRIDGE_BIN names the program. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/routes.h"
#include "fcgi_client.h"
#include "http/request.h"
#include "pool_harness.h"

static struct pool pool;
static struct fcgi_client client;
static pid_t before[HARNESS_PIDS];

/* Nothing listens on port 1: a refused connection, at once. */
static char *environment[] = {
	"AGROBRIDGE_DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing",
	"AGROBRIDGE_REDIS_URL=redis://127.0.0.1:1/0",
	"AGROBRIDGE_WORKERS=2",
	"AGROBRIDGE_LOGIN_WORKERS=1",
	"AGROBRIDGE_RATE_API_PER_MINUTE=0",
	"AGROBRIDGE_QUEUE_TIMEOUT_MS=60000", /* nothing here is refused for its age */
	NULL,
};

static void client_open(struct fcgi_client *c)
{
	ck_assert_int_eq(fcgi_open(c, pool_path(&pool, "main.sock")), 0);
}

static void client_again(void)
{
	fcgi_close(&client);
	client_open(&client);
}

static void setup(void)
{
	pool_prepare(&pool);
	pool_launch_program(&pool, environment);
	pool_wait_ready(&pool);
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, before), 2);
	client_open(&client);
}

/* Whatever a test sent: the same two workers are idle again, and both serve. */
static void expect_same_workers(void)
{
	pid_t after[HARNESS_PIDS];

	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).idle == 2));
	ck_assert_int_eq(pool_pids(&pool, GROUP_MAIN, after), 2);
	ck_assert_mem_eq(after, before, 2 * sizeof after[0]);
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
	for (int i = 0; i < 4; i++) {
		client_again();
		fcgi_send_request(&client, "GET", "/livez", NULL);
		ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_ANSWERED);
		ck_assert_int_eq(fcgi_status(&client), 200);
	}
}

static void teardown(void)
{
	fcgi_close(&client);
	pool_finish(&pool);
}

/* Counted once the answer is written: only who waits for idle workers sees all of them. */
static uint64_t served(void)
{
	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).idle == 2));
	return pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS];
}

static uint64_t answered;

static void expect_status(int status)
{
	answered++;
	ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&client), status);
}

/* The connection is closed without a byte of an answer, and no request was counted. */
static void expect_refused(void)
{
	enum fcgi_outcome outcome = fcgi_read(&client, SECONDS(5));

	ck_assert_msg(outcome == FCGI_CLOSED || outcome == FCGI_CUT, "outcome %d, status %d", outcome,
		fcgi_status(&client));
	ck_assert_uint_eq(client.out_length, 0);
	ck_assert_uint_eq(served(), answered);
}

/* --- records of other requests and of none --- */

/* May requests share a connection? */
static const char question[] = "\17\0FCGI_MPXS_CONNS";
enum { QUESTION_SIZE = sizeof question - 1 };

/* Of request 2, or of none: as they may stand between any two records of request 1. None is empty, and the one of an unknown
 * type has no content: libfcgi would lose the next record of request 1 over the former and add the latter's content to it.
 * The padding spares it a wait for the next record. */
static void send_strangers(void)
{
	static const unsigned char responder[8] = { 0, FCGI_RESPONDER };

	fcgi_send_record(&client, FCGI_BEGIN_REQUEST, 2, responder, sizeof responder, 0);
	fcgi_send_record(&client, FCGI_PARAMS, 2, "\16\6REQUEST_METHODDELETE", 22, 3);
	fcgi_send_record(&client, FCGI_STDIN, 2, "not yours", 9, 0);
	fcgi_send_record(&client, FCGI_ABORT_REQUEST, 3, "!", 1, 0);
	fcgi_send_record(&client, FCGI_GET_VALUES, 0, question, QUESTION_SIZE, 7);
	fcgi_send_record(&client, 99, 0, NULL, 0, 5);
}

START_TEST(strangers_records_change_nothing)
{
	fcgi_send_begin(&client);
	send_strangers();
	fcgi_send_params(&client, "POST", "/v1/auth/refresh", 4);
	send_strangers();
	fcgi_send_body(&client, "[1", 2);
	send_strangers();
	fcgi_send_body(&client, "2]", 2);
	send_strangers();
	fcgi_send_end(&client);
	expect_status(422); /* an array of four bytes, whole: no object */
	ck_assert_uint_eq(
		client.others, 4 * 3); /* each time: no multiplexing, the values, the unknown type */
	ck_assert_uint_eq(served(), 1);
	expect_same_workers();
}
END_TEST

START_TEST(values_can_be_asked_for_before_a_request)
{
	static const char answer[] = "\1\12\0\0\0\22\6\0\17\1FCGI_MPXS_CONNS0";
	char got[sizeof answer - 1];

	fcgi_send_record(&client, FCGI_GET_VALUES, 0, question, QUESTION_SIZE, 7);
	ck_assert_int_eq(recv(client.fd, got, sizeof got, MSG_WAITALL), (int)sizeof got);
	ck_assert_mem_eq(got, answer, sizeof got);
	fcgi_send_request(&client, "GET", "/livez", NULL);
	ck_assert_int_eq(recv(client.fd, got, 6, MSG_WAITALL), 6); /* the answer's padding */
	expect_status(200);
	expect_same_workers();
}
END_TEST

START_TEST(a_record_of_another_type_in_the_wrong_place_runs_nothing)
{
	for (int type = 0; type <= FCGI_UNKNOWN_TYPE + 1; type++) {
		if (type == FCGI_PARAMS || type == FCGI_BEGIN_REQUEST)
			continue;
		client_again();
		fcgi_send_begin(&client);
		fcgi_send_record(&client, (uint8_t)type, FCGI_REQUEST_ID, "12345678", 8, 0);
		fcgi_send_params(&client, "GET", "/livez", -1);
		fcgi_send_end(&client);
		expect_refused();
	}
	expect_same_workers();
}
END_TEST

/* --- sizes --- */

START_TEST(the_largest_records_and_the_most_padding_are_read)
{
	static char body[REQUEST_BODY_MAX];

	memset(body, ' ', sizeof body);
	fcgi_send_begin(&client);
	client.padding = 255;
	fcgi_send_params(&client, "POST", "/v1/no/such/path", sizeof body);
	fcgi_send_body(&client, body, sizeof body);
	fcgi_send_end(&client);
	expect_status(404);
	ck_assert_uint_eq(client.unsent, 0);
	expect_same_workers();
}
END_TEST

START_TEST(a_parameter_may_reach_over_records)
{
	static const size_t most[] = { 1, 7, 8192, FCGI_RECORD_MAX };
	static struct fcgi_pairs pairs;
	static char token[100000];

	memset(token, 't', sizeof token - 1);
	fcgi_pairs_add(&pairs, "HTTP_AUTHORIZATION", token);
	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		client_again();
		fcgi_send_begin(&client);
		fcgi_send_pairs(&client, &pairs, most[i]);
		fcgi_send_params(&client, "GET", "/livez", -1);
		fcgi_send_end(&client);
		expect_status(200);
	}
	expect_same_workers();
}
END_TEST

START_TEST(empty_records_end_what_they_are_of)
{
	fcgi_send_begin(&client);
	fcgi_send_record(&client, FCGI_PARAMS, FCGI_REQUEST_ID, NULL, 0, 0); /* no parameter at all */
	fcgi_send_end(&client);
	expect_status(400);
	client_again();
	fcgi_send_begin(&client);
	fcgi_send_params(&client, "POST", "/v1/lots", 4);
	fcgi_send_end(&client); /* and four bytes were announced */
	fcgi_send_body(&client, "null", 4);
	expect_status(400);
	client_again();
	fcgi_send_record(&client, FCGI_BEGIN_REQUEST, FCGI_REQUEST_ID, NULL, 0, 0);
	expect_refused();
	expect_same_workers();
}
END_TEST

static void send_false_lengths(uint32_t name, uint32_t value)
{
	static struct fcgi_pairs pairs;

	pairs.length = 0;
	fcgi_pairs_lie(&pairs, name, value, "REQUEST_METHODGET");
	fcgi_send_begin(&client);
	fcgi_send_pairs(&client, &pairs, 0);
	fcgi_send_record(&client, FCGI_PARAMS, FCGI_REQUEST_ID, NULL, 0, 0);
	fcgi_send_end(&client);
}

START_TEST(params_longer_than_what_came_run_nothing)
{
	static const uint32_t lengths[][2] = {
		{ 0x7fffffff, 0 },
		{ 0, 0x7fffffff },
		{ 0x7fffffff, 0x7fffffff },
		{ 14, 4 },
		{ 18, 0 },
		{ 65536, 65536 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		client_again();
		send_false_lengths(lengths[i][0], lengths[i][1]);
		expect_refused();
	}
	expect_same_workers();
}
END_TEST

/* Two ways to end a process that reads with libfcgi as Debian 12 has it: lengths whose sum is over 2^31 (CVE-2025-23016), and
 * more questions than its answer has room for. nginx sends neither; who could costs himself a request. */
START_TEST(what_libfcgi_dies_of_costs_one_worker)
{
	char questions[30][QUESTION_SIZE];

	send_false_lengths(0x7ffffffe, 0x7ffffffe);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_CLOSED);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		memcpy(questions[i], question, QUESTION_SIZE);
	client_again();
	fcgi_send_record(&client, FCGI_GET_VALUES, 0, questions, sizeof questions, 2);
	ck_assert_int_ne(fcgi_read(&client, SECONDS(5)), FCGI_TIMEOUT);
	for (int i = 0; i < 20; i++) {
		client_again();
		fcgi_send_request(&client, "GET", "/livez", NULL);
		expect_status(200);
	}
	ck_assert_uint_eq(served(), 20);
	ck_assert_uint_le(pool_restarts(&pool, GROUP_MAIN), 2);
}
END_TEST

/* --- what ends in the middle --- */

START_TEST(an_aborted_request_runs_nothing)
{
	enum { IN_PARAMS, BEFORE_BODY, IN_BODY, TIMES };

	for (int when = 0; when < TIMES; when++) {
		client_again();
		fcgi_send_begin(&client);
		if (when == IN_PARAMS)
			fcgi_send_record(
				&client, FCGI_PARAMS, FCGI_REQUEST_ID, "\16\4REQUEST_METHODPOST", 20, 0);
		else
			fcgi_send_params(&client, "POST", "/v1/lots", 4);
		if (when == IN_BODY)
			fcgi_send_body(&client, "nu", 2);
		fcgi_send_abort(&client);
		if (when == IN_PARAMS)
			expect_refused();
		else
			expect_status(400);
	}
	expect_same_workers();
}
END_TEST

/* The bytes of a request that is answered 401 when it comes whole. */
struct wire {
	unsigned char bytes[1024];
	size_t length, params_end;
};

static struct wire request_bytes(void)
{
	struct fcgi_client writer;
	struct wire w;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fcgi_attach(&writer, ends[0]);
	fcgi_send_begin(&writer);
	fcgi_send_params(&writer, "POST", "/v1/lots", 2);
	w.params_end = (size_t)recv(ends[1], w.bytes, sizeof w.bytes, 0);
	fcgi_send_body(&writer, "{}", 2);
	fcgi_send_end(&writer);
	fcgi_close(&writer);
	w.length = w.params_end;
	w.length += (size_t)recv(ends[1], w.bytes + w.length, sizeof w.bytes - w.length, MSG_WAITALL);
	close(ends[1]);
	return w;
}

START_TEST(a_request_cut_at_any_byte_runs_nothing)
{
	const struct wire whole = request_bytes();

	for (size_t keep = 0; keep < whole.length; keep++) {
		client_again();
		fcgi_send_bytes(&client, whole.bytes, keep);
		/* Half closed before it was accepted it would not even be read. */
		ck_assert(eventually(SECONDS(2), pool_view(&pool, GROUP_MAIN).busy == 1));
		fcgi_half_close(&client);
		if (keep < whole.params_end)
			expect_refused();
		else
			expect_status(
				400); /* a body cut short: with a session missing, a whole one is told 401 */
		ck_assert(eventually(SECONDS(2), pool_view(&pool, GROUP_MAIN).busy == 0));
	}
	client_again();
	fcgi_send_bytes(&client, whole.bytes, whole.length);
	expect_status(401);
	expect_same_workers();
}
END_TEST

START_TEST(another_version_in_any_record_runs_nothing)
{
	static const unsigned char versions[] = { 0, 2, 255 };
	struct wire w = request_bytes();

	for (size_t at = 0; at < w.length; at += 8 + ((size_t)w.bytes[at + 4] << 8 | w.bytes[at + 5]))
		for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
			client_again();
			w.bytes[at] = versions[i];
			fcgi_send_bytes(&client, w.bytes, w.length);
			w.bytes[at] = 1;
			if (at < w.params_end)
				expect_refused();
			else
				expect_status(400);
		}
	expect_same_workers();
}
END_TEST

/* --- peers that stay --- */

START_TEST(a_peer_that_sends_nonsense_and_stays_holds_nobody)
{
	struct fcgi_client other;

	client_open(&other);
	fcgi_send_begin(&client);
	fcgi_send_end(&client); /* in the place of PARAMS */
	fcgi_send_bytes(&other, "GET / HTTP/1.1\r\n\r\n", 18);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_CLOSED);
	ck_assert_int_ne(fcgi_read(&other, SECONDS(5)), FCGI_TIMEOUT);
	ck_assert(eventually(
		MILLIS(500), pool_view(&pool, GROUP_MAIN).idle == 2)); /* libfcgi would linger 2 s */
	fcgi_close(&other);
	expect_same_workers();
}
END_TEST

START_TEST(clients_that_want_to_be_kept_are_not)
{
	static const unsigned char kept[8] = { 0, FCGI_RESPONDER, FCGI_KEEP_CONN };
	struct fcgi_client idle[8];

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		client_open(&idle[i]);
		fcgi_send_record(&idle[i], FCGI_BEGIN_REQUEST, FCGI_REQUEST_ID, kept, sizeof kept, 0);
		fcgi_send_params(&idle[i], "GET", "/livez", -1);
		fcgi_send_end(&idle[i]);
		ck_assert_int_eq(fcgi_read(&idle[i], SECONDS(5)), FCGI_ANSWERED);
		ck_assert_int_eq(fcgi_status(&idle[i]), 200);
	}
	expect_same_workers();
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		ck_assert_int_eq(fcgi_read(&idle[i], SECONDS(5)), FCGI_CLOSED);
		fcgi_close(&idle[i]);
	}
}
END_TEST

/* --- a body where none is wanted --- */

/* The row's path with something in the place of each {parameter}. */
static const char *example_path(const char *pattern)
{
	static char path[128];
	size_t n = 0;

	for (const char *at = pattern; *at; at++) {
		if (*at == '{') {
			at = strchr(at, '}');
			path[n++] = 'x';
		} else
			path[n++] = *at;
	}
	path[n] = '\0';
	return path;
}

static int status_of(const char *method, const char *path, const char *body, size_t n)
{
	client_again();
	fcgi_send_begin(&client);
	fcgi_send_params(&client, method, path, (int64_t)n);
	fcgi_send_body(&client, body, n);
	fcgi_send_end(&client);
	ck_assert_msg(fcgi_read(&client, SECONDS(5)) == FCGI_ANSWERED, "%s %s", method, path);
	ck_assert_msg(client.unsent == 0, "%s %s: the body was not taken", method, path);
	ck_assert_int_eq((int)strlen(fcgi_body(&client)),
		(int)strtol(fcgi_header(&client, "Content-Length"), NULL, 10));
	return fcgi_status(&client);
}

static void expect_body_read(const char *method, const char *path)
{
	static char body[2 * REQUEST_BODY_MAX];

	memset(body, ' ', sizeof body);
	ck_assert_int_eq(status_of(method, path, body, REQUEST_BODY_MAX), status_of(method, path, body, 1));
	ck_assert_int_eq(status_of(method, path, body, sizeof body), 413);
	ck_assert_int_eq(status_of("GET", "/livez", body, 0), 200);
}

START_TEST(a_body_is_read_to_its_end_whoever_wants_it)
{
	for (size_t i = 0; i < route_count; i++)
		expect_body_read(http_method_name(routes[i].method), example_path(routes[i].path));
	expect_body_read("GET", "/v1/no/such/path");
	expect_body_read("DELETE", "/v1/lots"); /* 405 */
	expect_body_read("BREW", "/v1/lots");
	expect_body_read("GET", "no path");
	expect_same_workers();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		strangers_records_change_nothing,
		values_can_be_asked_for_before_a_request,
		a_record_of_another_type_in_the_wrong_place_runs_nothing,
		the_largest_records_and_the_most_padding_are_read,
		a_parameter_may_reach_over_records,
		empty_records_end_what_they_are_of,
		params_longer_than_what_came_run_nothing,
		what_libfcgi_dies_of_costs_one_worker,
		an_aborted_request_runs_nothing,
		a_request_cut_at_any_byte_runs_nothing,
		another_version_in_any_record_runs_nothing,
		a_peer_that_sends_nonsense_and_stays_holds_nobody,
		clients_that_want_to_be_kept_are_not,
		a_body_is_read_to_its_end_whoever_wants_it,
	};

	return pool_suite_run("wire", tests, ARRAY_SIZE(tests), setup, teardown);
}
