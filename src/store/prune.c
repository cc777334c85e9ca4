/* Deleting what is over. */
#include "store/prune.h"

#include "base/clock.h"
#include "store/store.h"

#define DAY_US (24 * 3600 * US_PER_SECOND)

enum { PRUNE_LOCK = 280369450 }; /* beside migrate's; any number nobody else takes */

static const struct kind {
	const char *name;
	enum query query;
	int64_t kept_us; /* beyond the time in its index */
} kinds[PRUNE_COUNT] = {
	[PRUNE_SESSIONS] = { "expired sessions", QUERY_SESSION_PRUNE, 0 },
	[PRUNE_IDEMPOTENCY_KEYS] = { "idempotency keys", QUERY_IDEMPOTENCY_PRUNE, 30 * DAY_US },
	/* The schema keeps a year of it, whatever is asked; a month more, so that a year's report can be late. */
	[PRUNE_AUDIT] = { "audit rows", QUERY_AUDIT_PRUNE, 396 * DAY_US },
};

const char *prune_name(enum prune what)
{
	return kinds[what].name;
}

int store_prune_lock(struct db *db, bool *ret_mine)
{
	struct rows *rows;

	DB_SEND(db, PRUNE_LOCK, db_int(PRUNE_LOCK));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	*ret_mine = db_row(rows) && db_read_bool(rows);
	return 0;
}

int store_prune(struct db *db, enum prune what, int64_t now, int limit, int64_t *ret_count)
{
	const struct db_value values[DB_PARAMS_MAX] = { db_time(now - kinds[what].kept_us), db_int(limit) };
	struct rows *rows;

	db_send(db, kinds[what].query, values);
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	*ret_count = db_affected(rows);
	return 0;
}
