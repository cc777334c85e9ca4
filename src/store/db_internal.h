/*
 * What the files of one connection share: db_connect.c makes it, db_exchange.c talks over it, db_rows.c reads results.
 */
#ifndef STORE_DB_INTERNAL_H
#define STORE_DB_INTERNAL_H

#include <libpq-fe.h>

#include "base/resolve.h"
#include "store/db.h"

/* A write's second exchange is the longest: three or four statements, each perhaps with its PREPARE, COMMIT and the sync. */
enum { DB_ITEMS_MAX = 32, DB_WHY_SIZE = 256 };

/* What the server still owes an answer to. */
struct db_item {
	enum db_item_kind { ITEM_PREPARE, ITEM_STATEMENT, ITEM_SYNC } kind;
	enum query query;
};

struct rows {
	PGresult *result; /* owned here, so that a jump out of the arena cannot lose it */
	int row, column;
	enum query query;
	struct arena *arena;
};

struct db {
	struct db_options options;
	PQconninfoOption *conninfo;
	struct resolver resolver;

	PGconn *conn;   /* NULL: not connected */
	PGconn *making; /* the last attempt at one; it is over when `step` is FAILED */
	PostgresPollingStatusType step;
	int64_t patience; /* us that its next answer may still be waited for */
	bool heard;       /* it has had one: it goes on in the next request, when this one's time is over */
	bool farewell;    /* the server has said that it ends this session */
	bool prepared[QUERY_COUNT];
	int failures;       /* connects that failed in a row */
	int64_t not_before; /* monotonic us: no connect is tried until then */
	int refused;        /* what the last attempt came to, told again until then */

	/* The request under way. */
	struct arena *arena;
	struct deadline deadline;
	struct db_item items[DB_ITEMS_MAX];
	int first, count;
	int err;             /* of this exchange: sticky until the next */
	bool in_transaction; /* BEGIN was sent, no COMMIT or ROLLBACK is confirmed */
	bool committing;     /* this exchange holds COMMIT: losing it leaves the outcome open */
	bool lost_once;      /* this request has already used up its one reconnect */
	struct rows rows;
	int64_t waited;
	char why[DB_WHY_SIZE];
};

/* db_connect.c */
MUST_CHECK int db_ready(struct db *db); /* connected, and not found dead: else connects */
void db_drop(struct db *db);
/* Waits for the socket: 0, or -ERR_UNAVAILABLE when the deadline passed. */
MUST_CHECK int db_wait(struct db *db, short events, struct deadline d);
void db_set_why(struct db *db, const char *text);

/* db_exchange.c */
MUST_CHECK int db_take(
	struct db *db, PGresult **ret_result); /* the next result, waited for; NULL ends a statement */

/* db_rows.c */
void rows_clear(struct rows *rows);

#endif
