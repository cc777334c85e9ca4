/* The way to a connection: passwords, addresses of a name, refusals and the pauses between attempts. TLS is in check_tls.c. */
#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/err.h"
#include "database.h"
#include "relay.h"

static bool has_two_addresses; /* what the name server says of any name: nobody listens at the first */

/* This program's own name server stands before the C library's. */
int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };

	(void)mode, (void)n, (void)event;
	ck_assert_int_eq(getaddrinfo("127.0.0.1", NULL, &hints, &list[0]->ar_result), 0);
	if (has_two_addresses) {
		struct addrinfo *second = list[0]->ar_result;
		ck_assert_int_eq(getaddrinfo("127.0.0.2", NULL, &hints, &list[0]->ar_result), 0);
		list[0]->ar_result->ai_next = second;
	}
	return 0;
}

int gai_error(struct gaicb *request)
{
	(void)request;
	return 0;
}

static int port(void)
{
	return (int)strtol(PQport(peer), NULL, 10);
}

static int ask(struct db *db, int ms)
{
	begin(db, ms);
	DB_SEND(db, SCHEMA_VERSION);
	TRY(db_flush(db));
	return db_result(db, NULL);
}

/* What the callbacks of one connection know, and what they were asked. */
struct secret {
	const char *now, *next;
	int asked, reloaded;
};

static const char *password(void *self)
{
	struct secret *s = self;

	s->asked++;
	return s->now;
}

static bool reload(void *self)
{
	struct secret *s = self;

	s->reloaded++;
	s->now = s->next;
	return true;
}

static struct db *open_with(struct secret *secret)
{
	struct db_options options = app_options();

	options.url = app_url_at("127.0.0.1", port(), "");
	options.password = password;
	options.reload_password = reload;
	options.self = secret;
	return new_db(&options);
}

START_TEST(the_password_is_asked_for_at_each_connect)
{
	struct secret secret = { .now = PQpass(peer) };
	struct db *db = open_with(&secret);

	ck_assert_ok(ask(db, PATIENT_MS));
	ck_assert_ok(ask(db, PATIENT_MS));
	ck_assert_int_eq(secret.asked, 1);
	ck_assert_int_eq(secret.reloaded, 0);
	db_free(db);
}
END_TEST

START_TEST(a_password_refused_is_read_again_once)
{
	struct secret secret = { .now = "of yesterday", .next = PQpass(peer) };
	struct db *db = open_with(&secret);

	ck_assert_ok(ask(db, PATIENT_MS));
	ck_assert_int_eq(secret.reloaded, 1);
	db_free(db);

	secret = (struct secret){ .now = "of yesterday", .next = "of the day before" };
	db = open_with(&secret);
	ck_assert_err(ask(db, PATIENT_MS), UNAVAILABLE);
	ck_assert_int_eq(secret.reloaded, 1);
	ck_assert_ptr_ne(strstr(db_why(db), "password authentication failed"), NULL);
	ck_assert_ptr_eq(strstr(db_why(db), "of yesterday"), NULL);
	db_free(db);
}
END_TEST

START_TEST(a_refusal_that_is_not_of_the_password_reads_no_secret_again)
{
	struct secret secret = { .now = PQpass(peer), .next = PQpass(peer) };
	struct db_options options = app_options();

	options.url = arena_printf(&memory, "postgresql://agrobridge_app@127.0.0.1:%d/nosuch", port());
	options.password = password;
	options.reload_password = reload;
	options.self = &secret;
	struct db *db = new_db(&options);
	ck_assert_err(ask(db, PATIENT_MS), UNAVAILABLE);
	ck_assert_int_eq(secret.reloaded, 0);
	db_free(db);
}
END_TEST

START_TEST(an_address_that_is_no_url_is_refused_without_repeating_it)
{
	static const char *const urls[] = { "", "postgresql://u:hunter2@[::1", "mysql://u:hunter2@h/d" };

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct db_options options = app_options();
		struct db *db;
		const char *why;
		options.url = urls[i];
		ck_assert_err(db_new(&options, &db, &why), INVALID);
		ck_assert_ptr_eq(strstr(why, "hunter2"), NULL);
	}
}
END_TEST

START_TEST(every_address_of_a_name_is_tried)
{
	has_two_addresses = true;
	struct db *db = app_new_at(app_url_at("database.example", port(), PQpass(peer)));

	ck_assert_ok(ask(db, PATIENT_MS));
	run(peer, "SELECT pg_terminate_backend(%d)", backend_pid());
	ck_assert(eventually(PATIENT_MS, backends() == 0));
	ck_assert_ok(ask(db, PATIENT_MS));
	db_free(db);
}
END_TEST

START_TEST(a_silent_address_is_passed_over_the_next_time)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port()) };
	int silent = socket(AF_INET, SOCK_STREAM, 0);

	has_two_addresses = true;
	inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
	ck_assert_int_eq(bind(silent, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(silent, 8), 0);
	struct db *db = app_new_at(app_url_at("database.example", port(), PQpass(peer)));
	ck_assert_err(ask(db, 100), UNAVAILABLE);
	ck_assert(eventually(PATIENT_MS, ask(db, 1000) == 0));
	db_free(db);
	close(silent);
}
END_TEST

static int listening_port(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof address;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

START_TEST(a_refused_connection_fails_at_once_and_says_why)
{
	int nobody = socket(AF_INET, SOCK_STREAM, 0);
	struct db *db = app_new_at(app_url_at("127.0.0.1", listening_port(nobody), "x"));

	for (int i = 0; i < 20; i++) {
		int64_t start = clock_now();
		ck_assert_err(ask(db, PATIENT_MS), UNAVAILABLE);
		ck_assert_int_lt(clock_now() - start, US_PER_SECOND);
		ck_assert_ptr_ne(strstr(db_why(db), "refused"), NULL);
		ck_assert(!db_is_up(db));
	}
	db_free(db);
	close(nobody);
}
END_TEST

/* Uniform pauses of up to 50, 100, 200, 400 and then 800 ms: the fifth attempt is rarely within half a second, the twentieth
 * never (15 pauses of up to 2 s would have to add up to less). */
START_TEST(attempts_are_spaced_out)
{
	int silent = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), attempts = 0;
	struct db *db = app_new_at(app_url_at("127.0.0.1", listening_port(silent), "x"));
	struct deadline end = deadline_in(500 * US_PER_MS);

	ck_assert_int_eq(listen(silent, 128), 0);
	while (deadline_left(end))
		ck_assert_err(ask(db, 1), UNAVAILABLE);
	for (int fd; (fd = accept(silent, NULL, NULL)) >= 0; attempts++)
		close(fd);
	ck_assert_int_ge(attempts, 2);
	ck_assert_int_lt(attempts, 20);
	db_free(db);
	close(silent);
}
END_TEST

/* A login has three answers or more: here the time is over after the second. */
static struct db *begin_login(const struct relay *relay)
{
	struct db *db = app_new_at(relay_url(relay));

	relay->state->answer_ms = 300;
	ck_assert_err(ask(db, 700), UNAVAILABLE);
	relay->state->answer_ms = 0;
	ck_assert(!db_is_up(db));
	return db;
}

START_TEST(a_login_under_way_goes_on_in_the_next_request)
{
	struct relay relay;

	relay_start(&relay);
	struct db *db = begin_login(&relay);
	ck_assert_ok(ask(db, PATIENT_MS));
	ck_assert_int_eq(relay.state->connections, 1);
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(a_login_under_way_whose_server_falls_silent_is_given_up)
{
	struct deadline end = deadline_in(3 * US_PER_SECOND);
	struct relay relay;

	relay_start(&relay);
	struct db *db = begin_login(&relay);
	ck_assert_int_eq(kill(relay.pid, SIGSTOP), 0);
	while (deadline_left(end))
		ck_assert_err(ask(db, 100), UNAVAILABLE);
	ck_assert_int_eq(kill(relay.pid, SIGCONT), 0);
	ck_assert(eventually(PATIENT_MS, ask(db, 1000) == 0));
	ck_assert_int_ge(relay.state->connections, 2);
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(a_login_under_way_that_is_lost_begins_again_at_once)
{
	struct relay relay;

	relay_start(&relay);
	struct db *db = begin_login(&relay);
	relay_cut(&relay, FROM_SERVER, 0);
	ck_assert_ok(ask(db, PATIENT_MS));
	ck_assert_int_eq(relay.state->cuts, 1);
	ck_assert_int_eq(relay.state->connections, 2);
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(a_server_that_is_full_is_asked_again_when_it_has_room)
{
	run(owner, "ALTER DATABASE agrobridge CONNECTION LIMIT 1");
	struct db *db = app_new();

	ck_assert_err(ask(db, PATIENT_MS), UNAVAILABLE);
	ck_assert_ptr_ne(strstr(db_why(db), "too many connections"), NULL);
	run(owner, "ALTER DATABASE agrobridge CONNECTION LIMIT -1");
	ck_assert(eventually(PATIENT_MS, ask(db, PATIENT_MS) == 0));
	db_free(db);
}
END_TEST

START_TEST(warming_up_tells_the_reason_of_a_failure)
{
	int nobody = socket(AF_INET, SOCK_STREAM, 0);
	struct db *db = app_new_at(app_url_at("127.0.0.1", listening_port(nobody), "x"));
	const char *why = NULL;

	ck_assert_err(db_connect(db, deadline_in(US_PER_SECOND), &why), UNAVAILABLE);
	ck_assert_ptr_ne(strstr(why, "refused"), NULL);
	ck_assert_ptr_eq(strchr(why, '\n'), NULL);
	db_free(db);
	close(nobody);
}
END_TEST

/* Three answers or more, 900 ms each: longer in all than the 2 s that a server may be silent. */
START_TEST(warming_up_waits_for_a_login_that_is_slowly_answered)
{
	struct relay relay;

	relay_start(&relay);
	relay.state->answer_ms = 900;
	struct db *db = app_new_at(relay_url(&relay));
	ck_assert_err(db_connect(db, deadline_in(1400 * US_PER_MS), NULL), UNAVAILABLE);
	db_free(db);
	db = app_new_at(relay_url(&relay));
	ck_assert_ok(db_connect(db, deadline_in(PATIENT_MS * US_PER_MS), NULL));
	ck_assert_int_eq(relay.state->connections, 2);
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(warming_up_gives_up_a_server_that_falls_silent)
{
	struct relay relay;
	struct deadline soon = deadline_in(4 * US_PER_SECOND);

	relay_start(&relay);
	struct db *db = begin_login(&relay);
	ck_assert_int_eq(kill(relay.pid, SIGSTOP), 0);
	ck_assert_err(db_connect(db, deadline_in(30 * US_PER_SECOND), NULL), UNAVAILABLE);
	ck_assert(deadline_left(soon) > 0);
	ck_assert_int_eq(kill(relay.pid, SIGCONT), 0);
	db_free(db);
	relay_stop(&relay);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_password_is_asked_for_at_each_connect,
		a_password_refused_is_read_again_once,
		a_refusal_that_is_not_of_the_password_reads_no_secret_again,
		an_address_that_is_no_url_is_refused_without_repeating_it,
		every_address_of_a_name_is_tried,
		a_silent_address_is_passed_over_the_next_time,
		a_refused_connection_fails_at_once_and_says_why,
		attempts_are_spaced_out,
		a_login_under_way_goes_on_in_the_next_request,
		a_login_under_way_whose_server_falls_silent_is_given_up,
		a_login_under_way_that_is_lost_begins_again_at_once,
		a_server_that_is_full_is_asked_again_when_it_has_room,
		warming_up_tells_the_reason_of_a_failure,
		warming_up_waits_for_a_login_that_is_slowly_answered,
		warming_up_gives_up_a_server_that_falls_silent,
	};

	return database_suite_run("connect", tests, ARRAY_SIZE(tests));
}
