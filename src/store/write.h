/*
 * A write: one transaction in two round trips.
 *
 *   store_write_begin(db, &writer);                 BEGIN, the key's lock and stored answer, the session's row
 *   store_lot_lock_send(db, …);                     the reads this write depends on, locked in id order
 *   TRY(store_write_check(db, &writer, &ret));      first round trip
 *   … look at what was read, decide, build the answer …
 *   store_event_insert_send(db, …);                 the changes
 *   TRY(store_write_commit(db, &writer, &answer));  second round trip: changes, the stored answer, COMMIT
 *
 * Whatever goes wrong in between, db_finish() rolls it back. -ERR_UNAVAILABLE from the commit leaves open whether it
 * happened: only a repetition with the same Idempotency-Key is safe.
 */
#ifndef STORE_WRITE_H
#define STORE_WRITE_H

#include <stdint.h>

#include "crypto/digest.h"
#include "store/session.h"
#include "store/store.h"

struct writer {
	uint8_t access_hash[SHA256_SIZE]; /* whose session it is: checked again inside the transaction */
	struct uuid user_id;
	const char *key;                  /* Idempotency-Key, NULL without */
	uint8_t fingerprint[SHA256_SIZE]; /* of method, path and body */
	int64_t now;                      /* wall us */

	/* For the audit log, where each write leaves one row. */
	struct uuid organization_id; /* the user's, nil for none */
	const char *request_id;
	const char *action;      /* "PATCH /v1/lots/{id}" */
	struct uuid object_id;   /* what was written; set by the handler, as all that follows */
	const char *before;      /* JSON, NULL where there was nothing */
	const char *reason;      /* as given, or NULL */
	bool after_is_elsewhere; /* the object is itself append-only: its content is not kept twice */
};

struct answer {
	int status;
	const char *location; /* may be NULL */
	const char *body;
};

void store_write_begin(struct db *db, const struct writer *w);

/* -ERR_UNAUTHENTICATED: the session ended meanwhile. -ERR_REPLAYED: *ret_answer is what the first request with this key was
 * answered. -ERR_KEY_REUSED, -ERR_IN_PROGRESS. With 0, -ERR_REPLAYED and -ERR_KEY_REUSED *ret_session is the session as it
 * stands now. */
MUST_CHECK int store_write_check(
	struct db *db, const struct writer *w, struct session *ret_session, struct answer *ret_answer);

MUST_CHECK int store_write_commit(
	struct db *db, const struct writer *w, const struct answer *answer, int changes);

#endif
