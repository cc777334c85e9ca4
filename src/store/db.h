/*
 * One connection to PostgreSQL, by libpq in pipeline mode and never blocking: statements are sent without waiting, results
 * read in order, every wait a poll() that ends at the deadline.
 *
 *   db_start(db, arena, deadline);
 *   DB_SEND(db, LOT_BY_ID, db_uuid(id), db_uuid(organization), db_bool(false));
 *   TRY(db_flush(db));                        one round trip: everything sent since the last flush
 *   TRY(db_result(db, &rows));                the first statement's rows
 *   if (db_row(rows)) lot.id = db_read_uuid(rows), lot.code = db_read_text(rows), …
 *
 * Errors. A failed exchange is finished by the callee: what follows is skipped, an open transaction rolled back, the
 * connection dropped where it cannot be trusted. -ERR_TRY_AGAIN: nothing was committed, run the whole request once more (at
 * most thrice; the caller counts); only a lone statement outside a transaction may have been done, so it must be one that may
 * be done twice. -ERR_UNAVAILABLE: the server or the time is gone. A client deadline never cancels politely: it
 * closes the connection (PQfinish), because a cancel would have to wait. A login that the server has begun to answer is the
 * exception: the next request goes on with it, until 2 s pass without an answer.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/uuid.h"

enum query {
#define QUERY(name, in, out, sql) QUERY_##name,
#include "store/queries.def"
#undef QUERY
	QUERY_COUNT
};

enum db_type { DB_VOID, DB_UUID, DB_TEXT, DB_INT, DB_BOOL, DB_TIME, DB_DATE, DB_NUMERIC, DB_BYTES };

enum { DB_PARAMS_MAX = 16, DB_COLUMNS_MAX = 40 };

/* A row of queries.def. */
struct query_info {
	const char *name, *sql;
	enum db_type in[DB_PARAMS_MAX], out[DB_COLUMNS_MAX]; /* DB_VOID ends the list */
};
extern const struct query_info queries[QUERY_COUNT];
unsigned db_type_oid(enum db_type type); /* PostgreSQL's number of the type (pg_type.dat) */

/* One parameter. Made by the functions below; texts and bytes must live until the flush. */
struct db_value {
	enum db_type type;
	bool null;
	union {
		struct uuid uuid;
		const char *text;
		int64_t integer; /* INT, BOOL, TIME, DATE */
		struct {
			const void *data;
			size_t n;
		} bytes;
	};
};

struct db_value db_uuid(struct uuid id);         /* nil is NULL */
struct db_value db_text(const char *text);       /* NULL is NULL */
struct db_value db_numeric(const char *decimal); /* NULL is NULL */
struct db_value db_int(int64_t value);
struct db_value db_bool(bool value);
struct db_value db_time(int64_t wall); /* NO_TIME is NULL */
struct db_value db_date(int32_t days); /* NO_DATE is NULL */
struct db_value db_bytes(const void *data, size_t n);

#define DB_NO_TIME INT64_MIN
#define DB_NO_DATE INT32_MIN

struct db_options {
	const char *url;
	const char *(*password)(void *self); /* asked at each connect: "" for none */
	bool (*reload_password)(
		void *self); /* after it was refused (28P01): true when there is a new one; may be NULL */
	const char *ca_file; /* "" : as the URL says; else verify-full against it */
	int64_t statement_timeout_ms; /* the server's own limit, behind the client's */
	int required_schema;          /* number of the newest migration this program needs; 0: any */
	void (*waiting)(void *self, const char *query); /* told which statement is waited for; may be NULL */
	void *self;
};

struct db;
struct rows;

MUST_CHECK int db_new(const struct db_options *options, struct db **ret_db, const char **ret_why);
void db_free(struct db *db);

/* Connects now if it is not connected; for warming up and for `check`. A server that is silent for 2 s is given up, one that
 * goes on answering the login at `d`. `ret_why`, if not NULL, gets the reason of a failure, in words for an operator,
 * valid until the next call. */
MUST_CHECK int db_connect(struct db *db, struct deadline d, const char **ret_why);

/* Begins a request: its deadline, and the arena that results are copied to. Clears what an earlier one left. */
void db_start(struct db *db, struct arena *arena, struct deadline d);

/* Appends a statement to the exchange. A failure shows at db_flush(). */
#define DB_SEND(db, name, ...)                                                                               \
	db_send((db), QUERY_##name, (const struct db_value[DB_PARAMS_MAX]){ __VA_ARGS__ })
void db_send(struct db *db, enum query query, const struct db_value values[DB_PARAMS_MAX]);
MUST_CHECK int db_flush(struct db *db);

/* The next statement's result, in the order they were sent. `ret_rows` may be NULL where there are none to read. */
MUST_CHECK int db_result(struct db *db, struct rows **ret_rows);
/* The same for `n` statements that give no rows. */
MUST_CHECK int db_results(struct db *db, int n);

/* Rows are read front to back, columns left to right, in the types queries.def names; texts are copied into the arena. */
bool db_row(struct rows *rows);                 /* steps to the next row; false after the last */
void db_skip_to(struct rows *rows, int column); /* of the same row, from 0; it is read next */
int64_t db_affected(const struct rows *rows);
struct uuid db_read_uuid(struct rows *rows);
const char *db_read_text(struct rows *rows);
int64_t db_read_int(struct rows *rows);
bool db_read_bool(struct rows *rows);
int64_t db_read_time(struct rows *rows);
int32_t db_read_date(struct rows *rows);
/* Exactly `n` bytes, or zeros where the column is NULL or of another length. */
void db_read_bytes(struct rows *rows, void *to, size_t n);

/* Runs text of many statements at once, without parameters (migrations), until `d`. */
MUST_CHECK int db_execute(struct db *db, const char *sql, struct deadline d, const char **ret_why);

/* Rolls back what is open and drops what was left unread. Called when a request is over, after its answer was sent. */
void db_finish(struct db *db);

/* Why the last failure was, in words for the operators' log; "" when there was none. */
const char *db_why(const struct db *db);
bool db_is_up(const struct db *db);
int64_t db_waited(struct db *db); /* us spent waiting since it was last asked */

#endif
