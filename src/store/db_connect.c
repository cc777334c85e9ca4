/* Connecting: name resolved and TCP, TLS and login done within a deadline, failures spaced out by full jitter. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "crypto/random.h"
#include "store/db_internal.h"

enum {
	CONNECT_MS = 2000,   /* without an answer; libpq's own connect_timeout is not for PQconnectPoll() */
	BACKOFF_MIN_MS = 50, /* a failover takes a minute: 50 ms to 2 s between tries of one worker */
	BACKOFF_MAX_MS = 2000,
	SETTINGS_MAX = 64,
};

/* Lasting settings of every connection. A dead peer is noticed in 5 + 2 * 3 s while idle, in 5 s with data on the way. The
 * server ends a transaction whose worker is gone, and a statement whose client has left. */
static const struct setting {
	const char *keyword, *value;
} settings[] = {
	{ "application_name", "agrobridge" },
	{ "keepalives", "1" },
	{ "keepalives_idle", "5" },
	{ "keepalives_interval", "2" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "5000" },
	{ "client_encoding", "UTF8" },
	{ "gssencmode", "disable" },
};

struct connect_list {
	const char *keywords[SETTINGS_MAX], *values[SETTINGS_MAX];
	int count;
};

static void connect_set(struct connect_list *list, const char *keyword, const char *value)
{
	int i = 0;

	while (i < list->count && strcmp(list->keywords[i], keyword) != 0)
		i++;
	if (i == SETTINGS_MAX - 1)
		return;
	list->keywords[i] = keyword;
	list->values[i] = value;
	list->count = MAX(list->count, i + 1);
}

static const char *connect_get(const struct connect_list *list, const char *keyword)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->keywords[i], keyword) == 0)
			return list->values[i];
	return NULL;
}

int db_new(const struct db_options *options, struct db **ret_db, const char **ret_why)
{
	struct db *db = calloc(1, sizeof *db);
	char *why = NULL;

	*ret_why = "out of memory";
	if (!db)
		return -ERR_UNAVAILABLE;
	db->options = *options;
	db->conninfo = PQconninfoParse(options->url, &why);
	PQfreemem(why); /* not passed on: libpq quotes the URL in it, password and all */
	if (!db->conninfo || !*options->url) {
		*ret_why = "the URL is not one of PostgreSQL: postgresql://user@host:5432/name";
		db_free(db);
		return -ERR_INVALID;
	}
	*ret_db = db;
	return 0;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	db_drop(db);
	PQfinish(db->making);
	resolver_release(&db->resolver);
	PQconninfoFree(db->conninfo);
	free(db);
}

void db_drop(struct db *db)
{
	rows_clear(&db->rows);
	PQfinish(db->conn);
	db->conn = NULL;
	db->farewell = false;
	memset(db->prepared, 0, sizeof db->prepared);
	db->count = 0;
	db->in_transaction = false;
}

void db_set_why(struct db *db, const char *text)
{
	size_t n = strcspn(text, "\n");

	snprintf(db->why, sizeof db->why, "%.*s", (int)MIN(n, sizeof db->why - 1), text);
}

static int wait_on(struct db *db, const PGconn *conn, short events, struct deadline d)
{
	int64_t start = clock_now();
	int got = deadline_poll(PQsocket(conn), events, d);

	db->waited += clock_now() - start;
	if (got > 0)
		return 0;
	db_set_why(db, "the deadline passed while waiting for postgres");
	return -ERR_UNAVAILABLE;
}

int db_wait(struct db *db, short events, struct deadline d)
{
	return wait_on(db, db->conn, events, d);
}

/* A server that ends a session between two statements says so in an error that nobody asked for: libpq makes a notice of it. */
static void hear_notice(void *self, const PGresult *notice)
{
	struct db *db = self;
	const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

	db->farewell |= severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* A full jitter between nothing and the doubled bound: a thousand workers do not come back at one instant. */
static int64_t backoff_us(int failures)
{
	int64_t bound = MIN((int64_t)BACKOFF_MIN_MS << MIN(failures - 1, 10), BACKOFF_MAX_MS) * US_PER_MS;
	uint32_t random;

	random_bytes(&random, sizeof random);
	return (int64_t)((uint64_t)bound * random >> 32);
}

static bool is_making(const struct db *db)
{
	return db->making && db->step != PGRES_POLLING_FAILED;
}

/* TCP, TLS and login, a step at a time. Once the server has answered, an attempt outlives the request that began it: where
 * many log in at once, each takes longer than a request may, and none would ever be done. -ERR_TRY_AGAIN: it is under way. */
static int connect_poll(struct db *db, struct deadline d)
{
	while (db->step != PGRES_POLLING_OK) {
		short events = db->step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		int64_t began = clock_now();
		int err = wait_on(db, db->making, events, deadline_earlier(d, deadline_in(db->patience)));
		db->patience -= clock_now() - began;
		if (err && db->heard && db->patience > 0)
			return -ERR_TRY_AGAIN;
		db->step = err ? PGRES_POLLING_FAILED : PQconnectPoll(db->making);
		if (!err && db->step == PGRES_POLLING_FAILED)
			db_set_why(db, PQerrorMessage(db->making));
		if (db->step == PGRES_POLLING_FAILED)
			return -ERR_UNAVAILABLE;
		db->heard |= events == POLLIN;
		db->patience = CONNECT_MS * US_PER_MS;
	}
	return 0;
}

/* Name to address outside libpq, whose own look-up has no deadline; `host` stays, for the name in the certificate. */
static int connect_start(struct db *db, struct deadline d)
{
	struct connect_list list = { .count = 0 };
	char address[ADDRESS_TEXT_SIZE], options[192];

	PQfinish(db->making);
	db->making = NULL;
	db->heard = false;
	db->patience = CONNECT_MS * US_PER_MS;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		connect_set(&list, settings[i].keyword, settings[i].value);
	for (const PQconninfoOption *o = db->conninfo; o->keyword; o++)
		if (o->val)
			connect_set(&list, o->keyword, o->val);
	snprintf(options, sizeof options,
		"-c statement_timeout=%d -c lock_timeout=%d -c idle_in_transaction_session_timeout=%d "
		"-c client_connection_check_interval=%d",
		(int)db->options.statement_timeout_ms, (int)db->options.statement_timeout_ms,
		(int)db->options.statement_timeout_ms * 2, CONNECT_MS);
	connect_set(&list, "options", options);
	if (*db->options.ca_file) {
		connect_set(&list, "sslmode", "verify-full");
		connect_set(&list, "sslrootcert", db->options.ca_file);
	}
	const char *host = connect_get(&list, "host");
	if (host && *host != '/' && !connect_get(&list, "hostaddr")) {
		if (resolve(&db->resolver, host, d, address)) {
			db_set_why(db, "the server's name could not be resolved");
			return -ERR_UNAVAILABLE;
		}
		connect_set(&list, "hostaddr", address);
	}
	const char *password = db->options.password ? db->options.password(db->options.self) : "";
	if (*password && !connect_get(&list, "password"))
		connect_set(&list, "password", password);
	db->making = PQconnectStartParams(list.keywords, list.values, 0);
	db->step = PGRES_POLLING_FAILED;
	if (!db->making || PQstatus(db->making) == CONNECTION_BAD) {
		db_set_why(db, db->making ? PQerrorMessage(db->making) : "out of memory");
		return -ERR_UNAVAILABLE;
	}
	PQsetNoticeReceiver(db->making, hear_notice, db);
	/* With the SQLSTATE in its text: a refused login gives no result that could be asked for it. */
	PQsetErrorVerbosity(db->making, PQERRORS_VERBOSE);
	db->step = PGRES_POLLING_WRITING; /* as libpq has it, before the first PQconnectPoll() */
	return 0;
}

static int check_schema(struct db *db, struct deadline d)
{
	struct deadline request = db->deadline;
	struct rows *rows;

	if (!db->options.required_schema)
		return 0;
	db->deadline = deadline_earlier(d, db->deadline);
	DB_SEND(db, SCHEMA_VERSION);
	int err = db_flush(db);
	if (!err)
		err = db_result(db, &rows);
	if (!err && (!db_row(rows) || db_read_int(rows) < db->options.required_schema)) {
		db_set_why(db, "the schema is older than this program: run migrate");
		err = -ERR_SCHEMA_TOO_OLD;
	}
	db->deadline = request;
	return err;
}

/* At the server's addresses in turn. A silent one takes all the time there is; the next attempt then begins behind it. */
static int connect_somewhere(struct db *db, struct deadline d)
{
	int err = is_making(db) ? connect_poll(db, d) : -ERR_UNAVAILABLE;

	if (!err || err == -ERR_TRY_AGAIN)
		return err;
	do {
		err = connect_start(db, d);
		if (!err)
			err = connect_poll(db, d);
	} while (err == -ERR_UNAVAILABLE && resolver_next(&db->resolver) && deadline_left(d));
	return err;
}

static int connect_steps(struct db *db, struct deadline d)
{
	int err = connect_somewhere(db, d);

	bool refused =
		err && db->making && strstr(PQerrorMessage(db->making), " 28P01: "); /* invalid_password */
	if (refused && db->options.reload_password && db->options.reload_password(db->options.self))
		err = connect_somewhere(db, d);
	if (err)
		return err;
	db->conn = db->making;
	db->making = NULL;
	if (PQsetnonblocking(db->conn, 1) || !PQenterPipelineMode(db->conn)) {
		db_set_why(db, PQerrorMessage(db->conn));
		return -ERR_UNAVAILABLE;
	}
	err = check_schema(db, d);
	return !err || err == -ERR_SCHEMA_TOO_OLD ? err : -ERR_UNAVAILABLE;
}

static int connect_now(struct db *db, struct deadline d)
{
	if (!is_making(db)) {
		if (clock_now() < db->not_before)
			return db->refused; /* why stays what the failure before said */
		db->failures++;
	}
	db->not_before = INT64_MAX; /* one that is lost while it is made is not made anew within */
	db->refused = -ERR_UNAVAILABLE;
	int err = connect_steps(db, d);
	if (err == -ERR_TRY_AGAIN)
		return -ERR_UNAVAILABLE;
	db->refused = err;
	if (err) {
		db_drop(db);
		db->not_before = clock_now() + backoff_us(db->failures);
		return err;
	}
	db->failures = 0;
	db->not_before = 0;
	return 0;
}

/* A connection that the server closed while we slept shows as readable. */
static bool is_dead(struct db *db)
{
	struct deadline now = { 0 };

	while (!db->farewell && deadline_poll(PQsocket(db->conn), POLLIN, now) > 0) {
		if (!PQconsumeInput(db->conn) || PQstatus(db->conn) != CONNECTION_OK)
			return true;
		PQisBusy(db->conn); /* reads what has come: perhaps the farewell */
	}
	return db->farewell;
}

int db_ready(struct db *db)
{
	if (db->conn && !is_dead(db))
		return 0;
	db_drop(db);
	return connect_now(db, deadline_earlier(db->deadline, deadline_in(CONNECT_MS * US_PER_MS)));
}

int db_connect(struct db *db, struct deadline d, const char **ret_why)
{
	int err;

	db->deadline = d;
	do
		err = db_ready(db);
	while (err && is_making(db) && deadline_left(d));
	if (ret_why)
		*ret_why = db->why;
	return err;
}

const char *db_why(const struct db *db)
{
	return db->why;
}

bool db_is_up(const struct db *db)
{
	return db->conn;
}
