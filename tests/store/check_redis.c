/* Redis as it should be, and as it restarts or asks for more: a real server. */
#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "../unit/suite.h"
#include "base/err.h"
#include "redis_client.h"
#include "redis_server.h"

static char dir[SERVER_PATH_SIZE], path[SERVER_PATH_SIZE + 16], url[SERVER_PATH_SIZE + 32];
static struct redis_server server;

static void start(const char *option, const char *setting)
{
	const char *const options[] = { "--port", "0", "--unixsocket", path, option, setting, NULL };

	redis_server_start(&server, options);
}

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
	private_dir_remove(dir);
}

static void open_plain(void)
{
	start(NULL, NULL);
	client_open(url, "", "", "", PATIENT_MS);
}

START_TEST(replies_come_in_the_order_of_their_commands)
{
	open_plain();
	redis_command(redis, "SET %s %b", "key", "a\0b c", (size_t)5);
	redis_command(redis, "GET key");
	redis_command(redis, "GET %s", "none");
	redis_command(redis, "INCR n");
	redis_command(redis, "MGET key none n");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(reply(), 0);
	ck_assert_str_eq(value.text, "OK");
	ck_assert_int_eq(reply(), 0);
	ck_assert_uint_eq(value.length, 5);
	ck_assert_mem_eq(value.text, "a\0b c", 6);
	ck_assert_int_eq(reply(), 0);
	ck_assert_int_eq(value.type, REDIS_NIL);
	ck_assert_int_eq(reply(), 0);
	ck_assert_int_eq(value.integer, 1);
	ck_assert_int_eq(reply(), 0);
	ck_assert_int_eq(value.type, REDIS_ARRAY);
	ck_assert_uint_eq(value.count, 3);
	ck_assert_int_eq(value.elements[1].type, REDIS_NIL);
	ck_assert_str_eq(value.elements[2].text, "1");
	ck_assert_int_eq(reply(), -ERR_UNAVAILABLE); /* nothing more is owed */
	ck_assert(redis_is_up(redis));
}
END_TEST

START_TEST(forgotten_replies_do_not_shift_later_ones)
{
	open_plain();
	expect_text("SET key wanted", "OK");
	redis_command(redis, "INCR n");
	redis_command(redis, "INCR n");
	redis_command(redis, "GET key");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	redis_forget(redis, 2);
	ck_assert_int_eq(reply(), 0);
	ck_assert_str_eq(value.text, "wanted");
	redis_command(redis, "INCR n");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	redis_forget(redis, 100); /* no more than is owed */
	redis_reset(redis);
	ck_assert(redis_is_up(redis));
	expect_text("GET key", "wanted");
	expect_integer("INCR n", 4);
}
END_TEST

START_TEST(a_wrong_type_is_an_answer_and_keeps_the_connection)
{
	open_plain();
	expect_integer("LPUSH list a", 1);
	ck_assert_int_eq(ask("GET list"), 0);
	ck_assert_int_eq(value.type, REDIS_ERROR);
	ck_assert_int_eq(strncmp(value.text, "WRONGTYPE ", 10), 0);
	ck_assert(redis_is_up(redis));
	expect_integer("LPUSH list b", 2);
}
END_TEST

START_TEST(a_reply_past_one_mebibyte_drops_the_connection_only)
{
	static char large[1 << 20];

	open_plain();
	memset(large, 'x', sizeof large);
	redis_command(redis, "SET half %b", large, sizeof large / 2);
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(reply(), 0);
	ck_assert_int_eq(ask("GET half"), 0);
	ck_assert_uint_eq(value.length, sizeof large / 2);
	ck_assert_int_eq(ask("MGET half half half"), -ERR_UNAVAILABLE);
	ck_assert(!redis_is_up(redis));
	expect_integer("STRLEN half", sizeof large / 2);
}
END_TEST

START_TEST(the_database_of_the_url_is_selected)
{
	char other[sizeof url + 8];

	open_plain();
	expect_text("SET key zero", "OK");
	client_close();
	snprintf(other, sizeof other, "%s?db=3", url);
	client_open(other, "", "", "", PATIENT_MS);
	ck_assert_int_eq(ask("GET key"), 0);
	ck_assert_int_eq(value.type, REDIS_NIL);
	expect_text("SET key three", "OK");
	expect_text("SELECT 0", "OK");
	expect_text("GET key", "zero");
}
END_TEST

START_TEST(a_database_that_is_not_there_is_a_failure_to_connect)
{
	char other[sizeof url + 8];

	start(NULL, NULL);
	snprintf(other, sizeof other, "%s?db=99", url);
	client_open(other, "", "", "", PATIENT_MS);
	ck_assert_int_eq(connect_now(), -ERR_UNAVAILABLE);
	ck_assert_str_eq(redis_why(redis), "redis answered the greeting with ERR");
}
END_TEST

START_TEST(the_password_must_be_right_and_is_never_repeated)
{
	static const struct {
		const char *password;
		int err;
		const char *why;
	} rows[] = {
		{ "open sesame", 0, "" },
		{ "open barley", -ERR_UNAVAILABLE, "redis answered the greeting with WRONGPASS" },
		{ "", -ERR_UNAVAILABLE, "redis answered a command with NOAUTH" },
	};

	start("--requirepass", "open sesame");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		client_open(url, "", rows[i].password, "", PATIENT_MS);
		ck_assert_int_eq(connect_now(), rows[i].err);
		ck_assert_str_eq(redis_why(redis), rows[i].why);
		client_close();
	}
	client_open(url, "", "open sesame", "", PATIENT_MS);
	expect_text("SET key value", "OK");
}
END_TEST

START_TEST(a_user_logs_in_with_few_rights)
{
	open_plain();
	expect_text("ACL SETUSER app on >pass ~s:* +get +set", "OK");
	client_close();
	client_open(url, "app", "pass", "", PATIENT_MS);
	expect_text("SET s:1 value", "OK"); /* although it may not PING */
	ck_assert_int_eq(ask("SET other value"), 0);
	ck_assert_int_eq(value.type, REDIS_ERROR);
	ck_assert_int_eq(strncmp(value.text, "NOPERM ", 7), 0);
	client_close();
	client_open(url, "app", "wrong", "", PATIENT_MS);
	ck_assert_int_eq(ask("GET s:1"), -ERR_UNAVAILABLE);
	client_close();
	client_open(url, "nobody", "pass", "", PATIENT_MS);
	ck_assert_int_eq(ask("GET s:1"), -ERR_UNAVAILABLE);
}
END_TEST

/* By TCP and a name of the hosts file; the URL can hold user and password then. */
START_TEST(what_the_url_holds_wins)
{
	char port[8], tcp[64], open_url[64];

	snprintf(port, sizeof port, "%d", free_port());
	snprintf(tcp, sizeof tcp, "redis://app:p%%40ss@localhost:%s/2", port);
	const char *const options[] = { "--bind", "127.0.0.1", "--port", port, NULL };
	redis_server_start(&server, options);
	snprintf(open_url, sizeof open_url, "redis://127.0.0.1:%s", port);
	client_open(open_url, "", "", "", PATIENT_MS);
	expect_text("ACL SETUSER app on >p@ss ~* +@all", "OK");
	client_close();
	client_open(tcp, "other", "wrong", "", PATIENT_MS);
	expect_text("ACL WHOAMI", "app");
	ck_assert_int_eq(ask("CLIENT INFO"), 0);
	ck_assert_ptr_nonnull(strstr(value.text, " db=2 "));
}
END_TEST

START_TEST(a_restarted_server_costs_no_request)
{
	open_plain();
	expect_text("SET key value", "OK");
	for (int i = 0; i < 3; i++) {
		redis_server_stop(&server);
		start(NULL, NULL);
		expect_integer("INCR n", 1); /* the dead connection is seen before anything is sent */
	}
	redis_command(redis, "INCR n");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	redis_forget(redis, 1);
	redis_server_stop(&server);
	start(NULL, NULL);
	expect_integer("INCR n", 1); /* also with a reply owed that nobody wants */
}
END_TEST

START_TEST(a_server_that_closes_idle_connections_costs_no_request)
{
	open_plain();
	expect_text("SET key value", "OK");
	for (int i = 0; i < 3; i++) {
		struct redis *mine = redis;
		const struct redis_options options = {
			.url = url, .user = "", .password = "", .ca_file = "", .operation_us = US_PER_SECOND
		};
		const char *why;
		ck_assert_int_eq(redis_new(&options, &redis, &why), 0);
		ck_assert_int_eq(ask("CLIENT KILL TYPE normal"), 0);
		redis_free(redis);
		redis = mine;
		expect_text("GET key", "value");
	}
}
END_TEST

START_TEST(a_request_broken_off_leaves_nothing_to_the_next)
{
	open_plain();
	expect_text("SET a 1", "OK");
	redis_command(redis, "SET a 2"); /* not sent */
	redis_reset(redis);
	expect_text("GET a", "1");
	redis_command(redis, "GET a"); /* sent, not taken */
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	redis_reset(redis);
	expect_text("SET a 3", "OK");
	expect_text("GET a", "3");
}
END_TEST

START_TEST(an_exhausted_arena_breaks_off_one_request_only)
{
	jmp_buf exhausted;
	struct arena small;
	static char text[8192];

	open_plain();
	memset(text, 'x', sizeof text);
	ck_assert_int_eq(arena_init(&small, 4096), 0);
	small.exhausted = &exhausted;
	redis_command(redis, "SET large %b", text, sizeof text);
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	ck_assert_int_eq(reply(), 0);
	redis_command(redis, "MGET large large");
	ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), 0);
	if (!setjmp(exhausted)) {
		(void)!redis_reply(redis, &small, deadline_in(US_PER_SECOND), &value);
		ck_abort_msg("8 KiB came out of 4");
	}
	redis_reset(redis);
	arena_release(&small);
	expect_integer("STRLEN large", sizeof text);
}
END_TEST

START_TEST(a_command_that_is_too_long_is_dropped_and_counts_for_nothing)
{
	static char text[(1 << 20) + 1];

	open_plain();
	for (int i = 0; i < 3; i++) {
		redis_command(redis, "SET a %b", text, sizeof text);
		ck_assert_int_eq(redis_send(redis, deadline_in(US_PER_SECOND)), -ERR_UNAVAILABLE);
		ck_assert_int_eq(reply(), -ERR_UNAVAILABLE);
	}
	expect_text("SET a 1", "OK");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		replies_come_in_the_order_of_their_commands,
		forgotten_replies_do_not_shift_later_ones,
		a_wrong_type_is_an_answer_and_keeps_the_connection,
		a_reply_past_one_mebibyte_drops_the_connection_only,
		the_database_of_the_url_is_selected,
		a_database_that_is_not_there_is_a_failure_to_connect,
		the_password_must_be_right_and_is_never_repeated,
		a_user_logs_in_with_few_rights,
		what_the_url_holds_wins,
		a_restarted_server_costs_no_request,
		a_server_that_closes_idle_connections_costs_no_request,
		a_request_broken_off_leaves_nothing_to_the_next,
		an_exhausted_arena_breaks_off_one_request_only,
		a_command_that_is_too_long_is_dropped_and_counts_for_nothing,
	};

	return suite_run_with("redis", tests, ARRAY_SIZE(tests), setup, teardown);
}
