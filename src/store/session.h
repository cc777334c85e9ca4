/*
 * Logins as PostgreSQL keeps them, which is the truth about them. Tokens are known by their SHA-256 only.
 */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "store/store.h"

/* Order as in the table app_user's check. */
enum role { ROLE_ADMIN, ROLE_PRODUCER, ROLE_PACKER, ROLE_EXPORTER, ROLE_CERTIFIER, ROLE_BUYER, ROLE_COUNT };
extern const char *const role_names[ROLE_COUNT + 1]; /* NULL at the end */

/* Who is asking, for as long as one request. */
struct session {
	struct uuid id, user_id;
	struct uuid organization_id; /* nil for an administrator */
	enum role role;
	bool approved;      /* its organization may write */
	bool password_due;  /* it must change its password before anything else */
	int64_t expires_at; /* of the access token, wall us */
};

struct token_pair {
	uint8_t access_hash[SHA256_SIZE], refresh_hash[SHA256_SIZE];
	int64_t access_expires_at, refresh_expires_at;
};

/* The session an access token opens now; -ERR_UNAUTHENTICATED if none. */
MUST_CHECK int store_session_get(
	struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now, struct session *ret_session);
/* The two halves of the same, for a transaction's exchange. */
void store_session_send(struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now);
MUST_CHECK int store_session_take(struct db *db, struct session *ret_session);

/* Somebody who has given a password, and the hash it was held against. */
struct credentials {
	struct uuid user_id;
	const char *password_hash; /* NULL: no such user, or switched off */
};

/* Hashes of access tokens of sessions that ended, one after another: copies to be forgotten. */
struct ended {
	const uint8_t *access_hashes;
	size_t count;
};

/* A user's newest are in force, no more: so all of them can be listed and ended at once, whoever made them. */
enum { SESSIONS_MAX = 1000 };

/* A login. *ret_ended are those it pushed beyond SESSIONS_MAX, at most a hundred. -ERR_TRY_AGAIN: the user was given another
 * password, or switched off, since `who` was read. */
MUST_CHECK int store_session_insert(struct db *db, struct arena *arena, const struct credentials *who,
	const struct token_pair *tokens, int64_t now, struct ended *ret_ended);

/* Trades a refresh token for a new pair. *ret_old_access is the hash of an access token that died by it, whatever is
 * returned: forget its copy. -ERR_UNAUTHENTICATED: unknown, expired, or used before; then its whole family is revoked. */
MUST_CHECK int store_session_rotate(struct db *db, const uint8_t refresh_hash[SHA256_SIZE],
	const struct token_pair *tokens, int64_t now, uint8_t ret_old_access[SHA256_SIZE]);

/* Ends the family the access token belongs to. Ending it twice is no error. */
MUST_CHECK int store_session_revoke(struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now);

/* A login as its user sees it, through all the tokens that came of it. */
struct own_session {
	struct uuid id;
	int64_t created_at, refreshed_at, expires_at; /* the last: where it is not refreshed before */
	bool current;                                 /* the one that asks; the caller's to say */
};

/* Those of a user that are in force, newest first. */
MUST_CHECK int store_session_list(struct db *db, struct arena *arena, struct uuid user_id, int64_t now,
	struct page page, struct own_session **ret_sessions, int *ret_count);

/* Locks one of a user's own, in force, to end it; -ERR_NOT_FOUND for any other. */
void store_session_lock_send(struct db *db, struct uuid id, struct uuid user_id, int64_t now);
MUST_CHECK int store_session_lock_take(
	struct db *db, struct own_session *ret_session, uint8_t ret_access_hash[SHA256_SIZE]);
void store_session_end_send(struct db *db, struct uuid id, int64_t now);

/* Which sessions of a user end: all but `kept`, and every one where that is nil. */
struct ending {
	struct uuid user_id, kept;
	int64_t now;
};

/* Within a write that has locked the user, in a round trip of its own. */
MUST_CHECK int store_session_revoke_of_user(
	struct db *db, struct arena *arena, const struct ending *ending, struct ended *ret_ended);

#endif
