/* The database under test: connections, people and lots to play with, processes that begin together. */
#include "database.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "store/migrate.h"

enum { TEST_SECONDS = 60 };

struct arena memory;
PGconn *owner, *peer;

static const char *needed(const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		fprintf(stderr, "%s is not set: tests/run starts a PostgreSQL and sets it\n", name);
		exit(EXIT_FAILURE);
	}
	return value;
}

const char *app_url(void)
{
	return needed("AGROBRIDGE_DATABASE_URL");
}

const char *owner_url(void)
{
	return needed("AGROBRIDGE_OWNER_DATABASE_URL");
}

const char *app_url_at(const char *host, int port, const char *password)
{
	return arena_printf(&memory, "postgresql://agrobridge_app%s%s@%s:%d/agrobridge", *password ? ":" : "",
		password, host, port);
}

/* --- connections ------------------------------------------------------------------------------------------------------- */

struct db_options app_options(void)
{
	return (struct db_options){
		.url = app_url(),
		.ca_file = "",
		.statement_timeout_ms = PATIENT_MS,
		.required_schema = migrate_newest(),
	};
}

struct db *new_db(const struct db_options *options)
{
	struct db *db;
	const char *why;

	ck_assert_int_eq(db_new(options, &db, &why), 0);
	return db;
}

struct db *app_new_at(const char *url)
{
	struct db_options options = app_options();

	options.url = url;
	return new_db(&options);
}

struct db *app_new(void)
{
	return app_new_at(app_url());
}

void begin(struct db *db, int ms)
{
	db_start(db, &memory, deadline_in(ms * US_PER_MS));
}

struct db *app_open(void)
{
	struct db *db = app_new();
	const char *why = "";

	begin(db, PATIENT_MS);
	ck_assert_msg(db_connect(db, deadline_in(PATIENT_MS * US_PER_MS), &why) == 0, "%s", why);
	begin(db, PATIENT_MS);
	return db;
}

static void no_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

PGconn *raw_open(const char *url)
{
	PGconn *conn = PQconnectdb(url);

	ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
	PQsetNoticeProcessor(conn, no_notice, NULL);
	return conn;
}

static PGresult *execute(PGconn *conn, const char *fmt, va_list args)
{
	char *sql;

	ck_assert_int_ge(vasprintf(&sql, fmt, args), 0);
	PGresult *result = PQexec(conn, sql);
	free(sql);
	return result;
}

static PGresult *succeed(PGconn *conn, const char *fmt, va_list args)
{
	PGresult *result = execute(conn, fmt, args);

	ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK,
		"%s: %s", fmt, PQresultErrorMessage(result));
	return result;
}

void run(PGconn *conn, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	PQclear(succeed(conn, fmt, args));
	va_end(args);
}

static const char *first_value(PGresult *result)
{
	const char *value = PQntuples(result) ? PQgetvalue(result, 0, 0) : "";
	const char *copy = arena_copy(&memory, value, strlen(value));

	PQclear(result);
	return copy;
}

const char *text(PGconn *conn, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	const char *value = first_value(succeed(conn, fmt, args));
	va_end(args);
	return value;
}

int64_t number(PGconn *conn, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	const char *value = first_value(succeed(conn, fmt, args));
	va_end(args);
	return strtoll(value, NULL, 10);
}

const char *refusal(PGconn *conn, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	PGresult *result = execute(conn, fmt, args);
	va_end(args);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *copy = state ? arena_copy(&memory, state, strlen(state)) : "";
	PQclear(result);
	return copy;
}

int64_t backends(void)
{
	return number(peer, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'agrobridge'");
}

int backend_pid(void)
{
	/* A server process of the test before may still be ending. */
	ck_assert(eventually(PATIENT_MS, backends() == 1));
	return (int)number(peer, "SELECT pid FROM pg_stat_activity WHERE application_name = 'agrobridge'");
}

/* --- people and lots --------------------------------------------------------------------------------------------------- */

const char *uuid_text(struct uuid id)
{
	char *copy = arena_alloc(&memory, UUID_TEXT_SIZE);

	uuid_to_text(id, copy);
	return copy;
}

static const char *bytes_text(const void *bytes, size_t n)
{
	char *copy = arena_alloc(&memory, HEX_SIZE(64));

	hex_encode(bytes, n, copy);
	return copy;
}

struct farm farm_new(void)
{
	struct farm f = {
		.organization_id = random_uuid(),
		.user_id = random_uuid(),
		.session_id = random_uuid(),
		.product_id = random_uuid(),
		.location_id = random_uuid(),
		.lot_id = random_uuid(),
		.now = clock_wall(),
	};
	f.who = (struct credentials){ f.user_id, "x" };
	char *code = arena_alloc(&memory, 11);
	uint8_t link[SHA256_SIZE], random[6];
	uint64_t digits = 0;

	random_base62(code, 10);
	random_bytes(random, sizeof random);
	memcpy(&digits, random, sizeof random);
	f.public_code = code;
	f.gtin = arena_printf(&memory, "%014llu", (unsigned long long)(digits % 100000000000000));
	random_bytes(f.access_hash, sizeof f.access_hash);
	random_bytes(f.refresh_hash, sizeof f.refresh_hash);
	sha256(f.lot_id.b, sizeof f.lot_id.b, link);
	const char *organization = uuid_text(f.organization_id), *user = uuid_text(f.user_id),
		   *product = uuid_text(f.product_id), *place = uuid_text(f.location_id);
	run(owner,
		"INSERT INTO organization (id, name, kind, approved, created_at) VALUES ('%s', 'Finca', "
		"'farm', true, now())",
		organization);
	run(owner,
		"INSERT INTO app_user (id, organization_id, email, name, role, password_hash, created_at)"
		" VALUES ('%s', '%s', '%s@example.com', 'Ana', 'PRODUCER', 'x', now())",
		user, organization, user);
	run(owner,
		"INSERT INTO session (id, user_id, access_hash, access_expires_at, refresh_hash, "
		"refresh_expires_at, created_at,"
		" refreshed_at) VALUES ('%s', '%s', '\\x%s', now() + interval '15 min', '\\x%s', now() + "
		"interval '7 d', now(), now())",
		uuid_text(f.session_id), user, bytes_text(f.access_hash, SHA256_SIZE),
		bytes_text(f.refresh_hash, SHA256_SIZE));
	run(owner,
		"INSERT INTO product (id, organization_id, name, commodity, gtin, created_at)"
		" VALUES ('%s', '%s', 'Hass', 'avocado', '%s', now())",
		product, organization, f.gtin);
	run(owner,
		"INSERT INTO location (id, organization_id, name, kind, region, country, created_at)"
		" VALUES ('%s', '%s', 'Campo', 'farm', 'Huila', 'CO', now())",
		place, organization);
	run(owner,
		"INSERT INTO lot (id, organization_id, product_id, origin_id, public_code, code, quantity, "
		"uom, chain_head, created_at)"
		" VALUES ('%s', '%s', '%s', '%s', '%s', 'L-1', 12.50, 'KGM', '\\x%s', now())",
		uuid_text(f.lot_id), organization, product, place, code, bytes_text(link, sizeof link));
	return f;
}

/* --- processes --------------------------------------------------------------------------------------------------------- */

void nap(void)
{
	usleep(2000);
}

void at_once(int count, int (*body)(int i, void *context), void *context, int *ret_statuses)
{
	pid_t pids[64];
	int gate[2];
	char byte;

	ck_assert_int_eq(pipe(gate), 0);
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[1]);
		(void)!read(gate[0], &byte, 1); /* ends when the parent opens the gate by closing it */
		_exit(body(i, context));
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < count; i++) {
		int status;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_msg(WIFEXITED(status), "process %d ended by signal %d", i, WTERMSIG(status));
		ret_statuses[i] = WEXITSTATUS(status);
	}
}

const char *err_name(int err)
{
	static const char *const names[ERR_COUNT] = {
		"NONE",
#define ERR(name, status, code, en, es) [ERR_##name] = #name,
#include "base/err.def"
#undef ERR
	};

	return -err >= 0 && -err < ERR_COUNT ? names[-err] : "no error of the list";
}

/* --- programs ---------------------------------------------------------------------------------------------------------- */

static void open_all(void)
{
	ck_assert_int_eq(arena_init(&memory, ARENA_SIZE), 0);
	owner = raw_open(owner_url());
	peer = raw_open(app_url());
}

static void close_all(void)
{
	PQfinish(owner);
	PQfinish(peer);
	arena_release(&memory);
}

static void empty_database(void)
{
	open_all();
	run(owner, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

static void no_progress(const char *name)
{
	(void)name;
}

static int migrate(void)
{
	const struct db_options options = { .url = owner_url(), .ca_file = "" };
	struct deadline d = deadline_in(PATIENT_MS * US_PER_MS);
	const char *why;
	struct db *db;

	if (db_new(&options, &db, &why) == 0 && migrate_run(db, d, no_progress, &why) == 0) {
		db_free(db);
		return 0;
	}
	fprintf(stderr, "could not migrate: %s\n", why);
	return -1;
}

static int suite_run(const char *name, const TTest *const *tests, size_t count, void (*setup)(void))
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, close_all);
	tcase_set_timeout(all, TEST_SECONDS);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int database_suite_run(const char *name, const TTest *const *tests, size_t count)
{
	return migrate() ? EXIT_FAILURE : suite_run(name, tests, count, open_all);
}

int empty_database_suite_run(const char *name, const TTest *const *tests, size_t count)
{
	return suite_run(name, tests, count, empty_database);
}
