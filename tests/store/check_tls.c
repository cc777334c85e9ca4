/* TLS to PostgreSQL: with an authority given, the server must have its certificate, for the very name it was called by. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/err.h"
#include "database.h"

static struct tls_server {
	pid_t pid;
	int end; /* closing it ends the server */
	int port;
	char password[64], ca[256], strangers_ca[256];
} server;

/* Every name is this machine: what differs is what the certificate says. */
int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };

	(void)mode, (void)n, (void)event;
	return getaddrinfo("127.0.0.1", NULL, &hints, &list[0]->ar_result);
}

int gai_error(struct gaicb *request)
{
	(void)request;
	return 0;
}

static int server_start(struct tls_server *s)
{
	const char *source = getenv("AGROBRIDGE_SOURCE");
	int in[2], out[2];
	char script[4096];

	if (!source || pipe(in) || pipe(out))
		return -1;
	snprintf(script, sizeof script, "%s/tests/store/tls_postgres.py", source);
	s->pid = fork();
	if (!s->pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		execlp("python3", "python3", script, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s->end = in[1];
	FILE *said = fdopen(out[0], "r");
	int got = fscanf(said, "%d %63s %255s %255s", &s->port, s->password, s->ca, s->strangers_ca);
	fclose(said);
	return got == 4 ? 0 : -1;
}

static void server_stop(struct tls_server *s)
{
	close(s->end);
	waitpid(s->pid, NULL, 0);
}

/* "NONE", and whether the connection is encrypted; or the error, with its reason in *ret_why. */
static const char *connected(const char *url_rest, const char *host, const char *ca, const char **ret_why)
{
	struct db_options options = app_options();
	const char *why;

	options.url = arena_printf(&memory, "postgresql://agrobridge_app:%s@%s:%d/agrobridge%s",
		server.password, host, server.port, url_rest);
	options.ca_file = ca;
	options.required_schema = 0;
	struct db *db = new_db(&options);
	int err = db_execute(db,
		"DO $$ BEGIN ASSERT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'not "
		"encrypted'; END $$",
		deadline_in(PATIENT_MS * US_PER_MS), &why);
	*ret_why = arena_copy(&memory, why, strlen(why));
	db_free(db);
	return err_name(err);
}

START_TEST(the_right_authority_and_name_are_trusted)
{
	const char *why;

	ck_assert_msg(strcmp(connected("", "localhost", server.ca, &why), "NONE") == 0, "%s", why);
	ck_assert_msg(strcmp(connected("", "127.0.0.1", server.ca, &why), "NONE") == 0, "%s", why);
}
END_TEST

START_TEST(a_strangers_certificate_is_refused)
{
	const char *why;

	ck_assert_str_eq(connected("", "localhost", server.strangers_ca, &why), "UNAVAILABLE");
	ck_assert_ptr_ne(strstr(why, "certificate verify failed"), NULL);
}
END_TEST

START_TEST(a_certificate_for_another_name_is_refused)
{
	const char *why;

	ck_assert_str_eq(connected("", "database.example", server.ca, &why), "UNAVAILABLE");
	ck_assert_ptr_ne(strstr(why, "database.example"), NULL);
}
END_TEST

START_TEST(the_url_cannot_ask_for_less_than_the_authority_given)
{
	const char *why;

	ck_assert_str_eq(connected("?sslmode=disable", "database.example", server.ca, &why), "UNAVAILABLE");
	ck_assert_str_eq(
		connected("?sslmode=require", "localhost", server.strangers_ca, &why), "UNAVAILABLE");
	ck_assert_str_eq(connected("?sslmode=disable", "localhost", server.ca, &why), "NONE");
}
END_TEST

START_TEST(a_server_without_tls_is_refused)
{
	struct db_options options = app_options();
	const char *why;

	options.ca_file = server.ca;
	struct db *db = new_db(&options);
	ck_assert_err(db_connect(db, deadline_in(PATIENT_MS * US_PER_MS), &why), UNAVAILABLE);
	ck_assert_ptr_ne(strstr(why, "SSL"), NULL);
	db_free(db);
}
END_TEST

START_TEST(a_connection_ended_between_requests_costs_none)
{
	struct db_options options = app_options();

	options.url = arena_printf(&memory, "postgresql://agrobridge_app:%s@localhost:%d/agrobridge",
		server.password, server.port);
	options.ca_file = server.ca;
	options.required_schema = 0;
	struct db *db = new_db(&options);
	PGconn *other = raw_open(options.url);
	for (int i = 0; i < 3; i++) {
		begin(db, PATIENT_MS);
		DB_SEND(db, BEGIN);
		DB_SEND(db, COMMIT);
		ck_assert_ok(db_flush(db));
		ck_assert_ok(db_results(db, 2));
		run(other, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
			   " WHERE application_name = 'agrobridge'");
	}
	PQfinish(other);
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_right_authority_and_name_are_trusted,
		a_strangers_certificate_is_refused,
		a_certificate_for_another_name_is_refused,
		the_url_cannot_ask_for_less_than_the_authority_given,
		a_server_without_tls_is_refused,
		a_connection_ended_between_requests_costs_none,
	};
	int status = EXIT_FAILURE;

	if (server_start(&server) == 0)
		status = database_suite_run("tls", tests, ARRAY_SIZE(tests));
	server_stop(&server);
	return status;
}
