/* One round trip: statements appended, flushed together, results taken in order; and what happens when one fails. */
#include <endian.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/db_error.h"
#include "store/db_internal.h"
#include "store/store.h"

#define EPOCH_US   (INT64_C(946684800) * US_PER_SECOND) /* PostgreSQL counts from 2000-01-01 */
#define EPOCH_DAYS 10957

/* Parameters as libpq wants them. Text and numeric go as text, the rest in binary, big-endian. */
struct params {
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];
	union {
		uint64_t wide;
		uint32_t word;
		uint8_t byte;
		struct uuid uuid;
	} scratch[DB_PARAMS_MAX];
};

static void param_set(struct params *p, int i, const void *data, size_t n)
{
	p->values[i] = data;
	p->lengths[i] = (int)n;
	p->formats[i] = 1;
}

static void param_encode(struct params *p, int i, const struct db_value *v)
{
	if (v->null)
		return;
	switch (v->type) {
	case DB_TEXT:
	case DB_NUMERIC:
		p->values[i] = v->text;
		break;
	case DB_BYTES:
		param_set(p, i, v->bytes.data, v->bytes.n);
		break;
	case DB_UUID:
		p->scratch[i].uuid = v->uuid;
		param_set(p, i, &p->scratch[i], sizeof p->scratch[i].uuid);
		break;
	case DB_BOOL:
		p->scratch[i].byte = v->integer != 0;
		param_set(p, i, &p->scratch[i], 1);
		break;
	case DB_DATE:
		p->scratch[i].word = htobe32((uint32_t)(v->integer - EPOCH_DAYS));
		param_set(p, i, &p->scratch[i], 4);
		break;
	case DB_TIME:
		p->scratch[i].wide = htobe64((uint64_t)(v->integer - EPOCH_US));
		param_set(p, i, &p->scratch[i], 8);
		break;
	case DB_INT:
		p->scratch[i].wide = htobe64((uint64_t)v->integer);
		param_set(p, i, &p->scratch[i], 8);
		break;
	case DB_VOID:
		break;
	}
}

static void push(struct db *db, enum db_item_kind kind, enum query query)
{
	db->items[db->count++] = (struct db_item){ kind, query };
}

static bool send_prepare(struct db *db, enum query query)
{
	const struct query_info *q = &queries[query];
	Oid types[DB_PARAMS_MAX];
	int n = 0;

	for (; q->in[n]; n++)
		types[n] = db_type_oid(q->in[n]);
	if (!PQsendPrepare(db->conn, q->name, q->sql, n, types))
		return false;
	push(db, ITEM_PREPARE, query);
	return true;
}

static bool send_statement(struct db *db, enum query query, const struct db_value *values)
{
	const struct query_info *q = &queries[query];
	struct params p = { .values = { NULL } };
	int n = 0;

	for (; q->in[n]; n++) {
		if (values[n].type != q->in[n])
			return false;
		param_encode(&p, n, &values[n]);
	}
	if (!PQsendQueryPrepared(db->conn, q->name, n, p.values, p.lengths, p.formats, 1))
		return false;
	push(db, ITEM_STATEMENT, query);
	return true;
}

static bool append(struct db *db, enum query query, const struct db_value *values)
{
	if ((!db->prepared[query] && !send_prepare(db, query)) || !send_statement(db, query, values))
		return false;
	db->prepared[query] = true;
	return true;
}

void db_start(struct db *db, struct arena *arena, struct deadline d)
{
	rows_clear(&db->rows);
	if (db->count || db->in_transaction)
		db_drop(db); /* an earlier request was broken off */
	db->arena = arena;
	db->deadline = d;
	db->err = 0;
	db->lost_once = false;
	if (db->conn)
		db->why[0] = '\0'; /* without a connection the reason still holds */
}

void db_send(struct db *db, enum query query, const struct db_value values[DB_PARAMS_MAX])
{
	if (!db->count) {
		db->err = 0;
		/* Nothing was sent yet: a connection found dead is replaced, unless a transaction was open on it. */
		if (!db->in_transaction || !db->conn)
			db->err = db_ready(db);
		db->first = 0; /* connecting has an exchange of its own */
		db->committing = false;
	}
	if (db->err)
		return;
	if (db->count > DB_ITEMS_MAX - 4) {
		db_set_why(db, "too many statements in one exchange");
		db->err = -ERR_INTERNAL;
		return;
	}
	if (!append(db, query, values)) {
		bool lost = PQstatus(db->conn) != CONNECTION_OK;
		db_set_why(db, lost ? PQerrorMessage(db->conn) : queries[query].name);
		db->err = lost ? -ERR_TRY_AGAIN : -ERR_INTERNAL;
		return;
	}
	db->in_transaction |= query == QUERY_BEGIN;
	db->committing |= query == QUERY_COMMIT;
}

/* Writes out what libpq holds, reading meanwhile, so that two full pipes cannot wait for each other. */
static int write_out(struct db *db)
{
	for (;;) {
		int left = PQflush(db->conn);
		if (left == 0)
			return 0;
		if (left > 0)
			TRY(db_wait(db, POLLIN | POLLOUT, db->deadline));
		if (left < 0 || !PQconsumeInput(db->conn)) {
			db_set_why(db, PQerrorMessage(db->conn));
			return -ERR_TRY_AGAIN;
		}
	}
}

/* Closes the connection. The request may run again once, and never when what was lost with it may have been committed. */
static int give_up(struct db *db, int err, bool may_have_committed)
{
	if (err == -ERR_TRY_AGAIN && (db->lost_once || may_have_committed))
		err = -ERR_UNAVAILABLE;
	db->lost_once = true;
	db_drop(db);
	return err;
}

static int send_sync(struct db *db)
{
	if (!PQpipelineSync(db->conn)) {
		db_set_why(db, PQerrorMessage(db->conn));
		return -ERR_TRY_AGAIN;
	}
	push(db, ITEM_SYNC, QUERY_COUNT);
	return write_out(db);
}

int db_flush(struct db *db)
{
	if (!db->err)
		db->err = send_sync(db);
	if (db->err)
		db->err = give_up(db, db->err, db->committing);
	return db->err;
}

int db_take(struct db *db, PGresult **ret_result)
{
	while (PQisBusy(db->conn)) {
		int err = db_wait(db, POLLIN, db->deadline);
		if (err)
			return err;
		if (!PQconsumeInput(db->conn))
			break; /* PQgetResult() then says so */
	}
	*ret_result = PQgetResult(db->conn);
	return 0;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC;
}

/* Reads up to and with the sync; the connection is then clean again. */
static int read_to_sync(struct db *db)
{
	while (db->first < db->count) {
		enum db_item_kind kind = db->items[db->first].kind;
		PGresult *result;
		if (db_take(db, &result))
			return -1;
		bool lost = !result && PQstatus(db->conn) != CONNECTION_OK;
		/* Refused itself, or skipped after something that was. */
		if (result && !is_good(result) && kind == ITEM_PREPARE)
			db->prepared[db->items[db->first].query] = false;
		/* A statement ends with NULL, the sync with itself. */
		if (kind == ITEM_SYNC ? PQresultStatus(result) == PGRES_PIPELINE_SYNC : !result)
			db->first++;
		PQclear(result);
		if (lost)
			return -1;
	}
	db->count = 0;
	return 0;
}

/* On this connection or none: where it fails, closing the connection does the same. */
static int rollback(struct db *db)
{
	db->first = 0;
	db->err = 0;
	db->committing = false;
	db->in_transaction = false; /* a ROLLBACK that is refused is not rolled back */
	if (!append(db, QUERY_ROLLBACK, (const struct db_value[]){ { .type = DB_VOID } }))
		return -ERR_UNAVAILABLE;
	TRY(db_flush(db));
	return db_result(db, NULL);
}

static bool severity_is(const PGresult *result, const char *severity)
{
	const char *found = result ? PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;

	return found && strcmp(found, severity) == 0;
}

/* The exchange has failed with `result` (NULL: the connection or the time is gone). Leaves the connection clean or closed. */
static int fail(struct db *db, PGresult *result, int timed_out)
{
	struct db_error e = { ERR_UNAVAILABLE, true };
	enum query query = db->items[db->first].query;

	if (!timed_out) {
		e = db_error_of(result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL,
			result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL);
		db_set_why(db, result ? PQresultErrorMessage(result) : PQerrorMessage(db->conn));
	}
	if (result && db->items[db->first].kind == ITEM_PREPARE)
		db->prepared[query] = false;
	/* An ERROR (not FATAL: the session's end) is the statement's, and the COMMIT behind it was skipped. */
	bool may_have_committed = db->committing && !severity_is(result, "ERROR");
	PQclear(result);
	int err = -(int)e.err;
	if (e.drop)
		err = give_up(db, err, may_have_committed);
	else if (read_to_sync(db) || (db->in_transaction && rollback(db)))
		db_drop(db);
	db->err = err;
	return err;
}

/* The answer to the item at the head of the queue, whole. */
static int take_item(struct db *db, PGresult **ret_result)
{
	PGresult *result, *end = NULL;
	int timed_out = db_take(db, &result);

	if (timed_out || !result || !is_good(result))
		return fail(db, timed_out ? NULL : result, timed_out);
	if (db->items[db->first].kind != ITEM_SYNC) {
		timed_out = db_take(db, &end);
		PQclear(end);
		if (timed_out) {
			PQclear(result);
			return fail(db, NULL, timed_out);
		}
	}
	db->first++;
	*ret_result = result;
	return 0;
}

static int take_and_clear(struct db *db)
{
	PGresult *result;
	int err = take_item(db, &result);

	if (!err)
		PQclear(result);
	return err;
}

int db_result(struct db *db, struct rows **ret_rows)
{
	PGresult *result;
	int err = 0;

	if (db->err)
		return db->err;
	rows_clear(&db->rows);
	enum query query =
		db->items[db->first].query; /* its PREPARE, if one goes before it, bears the same */
	if (db->options.waiting)
		db->options.waiting(db->options.self, queries[query].name);
	while (db->items[db->first].kind == ITEM_PREPARE && !err)
		err = take_and_clear(db);
	if (err)
		return err;
	err = take_item(db, &result);
	if (err)
		return err;
	db->rows = (struct rows){ .result = result, .row = -1, .query = query, .arena = db->arena };
	if (query == QUERY_COMMIT || query == QUERY_ROLLBACK)
		db->in_transaction = false;
	if (db->items[db->first].kind == ITEM_SYNC) {
		err = take_and_clear(db);
		if (err)
			return err;
		db->count = 0;
	}
	if (ret_rows)
		*ret_rows = &db->rows;
	return 0;
}

int db_results(struct db *db, int n)
{
	int err = 0;

	while (n-- && !err)
		err = db_result(db, NULL);
	return err;
}

void db_finish(struct db *db)
{
	rows_clear(&db->rows);
	if (!db->conn)
		return;
	/* What a handler did not want to know any more was answered all the same, unless it was never sent out. */
	bool unsent = db->count && db->items[db->count - 1].kind != ITEM_SYNC;
	if (unsent || (db->count && read_to_sync(db)) || (db->in_transaction && rollback(db)))
		db_drop(db);
}

int db_execute(struct db *db, const char *sql, struct deadline d, const char **ret_why)
{
	int err = 0;

	db->deadline = d;
	db->why[0] = '\0';
	err = db_ready(db);
	if (!err && (!PQexitPipelineMode(db->conn) || !PQsendQuery(db->conn, sql) || write_out(db)))
		err = -ERR_UNAVAILABLE;
	while (!err) {
		PGresult *result;
		err = db_take(db, &result);
		if (err || !result)
			break;
		if (!is_good(result)) {
			db_set_why(db, PQresultErrorMessage(result));
			err = -ERR_INTERNAL;
		}
		PQclear(result);
	}
	if (!err && !PQenterPipelineMode(db->conn))
		err = -ERR_UNAVAILABLE;
	if (err)
		db_drop(db);
	*ret_why = db->why;
	return err;
}

int64_t db_waited(struct db *db)
{
	int64_t waited = db->waited;

	db->waited = 0;
	return waited;
}
