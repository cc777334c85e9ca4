/* A write: one transaction in two round trips, answered once a key. */
#include "store/write.h"

#include <string.h>

#include "base/err.h"
#include "store/audit.h"

/* Half of a SHA-256 would do; 64 bits are what an advisory lock takes. Of two
 * keys that meet there, one is told that its twin is running. */
static int64_t lock_of(const struct writer *w)
{
	uint8_t text[sizeof w->user_id.b + 256], digest[SHA256_SIZE];
	size_t n = MIN(strlen(w->key), sizeof text - sizeof w->user_id.b);
	int64_t lock;

	memcpy(text, w->user_id.b, sizeof w->user_id.b);
	memcpy(text + sizeof w->user_id.b, w->key, n);
	sha256(text, sizeof w->user_id.b + n, digest);
	memcpy(&lock, digest, sizeof lock);
	return lock;
}

void store_write_begin(struct db *db, const struct writer *w)
{
	DB_SEND(db, BEGIN);
	if (w->key) {
		/* First: it fails at once while a twin runs, and takes the rest of the exchange with it. */
		DB_SEND(db, IDEMPOTENCY_LOCK, db_int(lock_of(w)));
		DB_SEND(db, IDEMPOTENCY_GET, db_uuid(w->user_id), db_text(w->key));
	}
	store_session_send(db, w->access_hash, w->now);
}

static int check_key(struct db *db, const struct writer *w, struct answer *ret_answer)
{
	uint8_t fingerprint[SHA256_SIZE];
	struct rows *rows;

	TRY(db_result(db, NULL));
	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return 0;
	db_read_bytes(rows, fingerprint, sizeof fingerprint);
	struct answer stored = { .status = (int)db_read_int(rows) };
	stored.location = db_read_text(rows);
	stored.body = db_read_text(rows);
	if (memcmp(fingerprint, w->fingerprint, sizeof fingerprint) != 0)
		return -ERR_KEY_REUSED;
	*ret_answer = stored;
	return -ERR_REPLAYED;
}

int store_write_check(
	struct db *db, const struct writer *w, struct session *ret_session, struct answer *ret_answer)
{
	int key_err = 0;

	TRY(db_flush(db));
	TRY(db_result(db, NULL));
	if (w->key) {
		key_err = check_key(db, w, ret_answer);
		if (key_err && key_err != -ERR_REPLAYED && key_err != -ERR_KEY_REUSED)
			return key_err;
	}
	/* Whoever is no longer logged in learns nothing of what a key was used for. */
	TRY(store_session_take(db, ret_session));
	return key_err;
}

static void audit(struct db *db, const struct writer *w, const char *after)
{
	const struct audit row = {
		.at = w->now,
		.user_id = w->user_id,
		.organization_id = w->organization_id,
		.request_id = w->request_id,
		.action = w->action,
		.object_id = w->object_id,
		.before = w->before,
		.after = *after && !w->after_is_elsewhere ? after : NULL,
		.reason = w->reason,
	};

	store_audit_insert_send(db, &row);
}

int store_write_commit(struct db *db, const struct writer *w, const struct answer *answer, int changes)
{
	audit(db, w, answer->body);
	if (w->key) {
		DB_SEND(db, IDEMPOTENCY_PUT, db_uuid(w->user_id), db_text(w->key),
			db_bytes(w->fingerprint, SHA256_SIZE), db_int(answer->status),
			db_text(answer->location), db_text(answer->body), db_time(w->now));
		changes++;
	}
	DB_SEND(db, COMMIT);
	TRY(db_flush(db));
	return db_results(db, changes + 2);
}
