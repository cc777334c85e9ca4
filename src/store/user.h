/*
 * Users and their organizations.
 */
#ifndef STORE_USER_H
#define STORE_USER_H

#include <stdbool.h>

#include "store/session.h"
#include "store/store.h"

struct organization {
	struct uuid id;
	const char *name, *kind;
	bool approved;
};

struct user {
	struct uuid id;
	const char *email, *name, *role;
	struct organization organization; /* id nil for none */
};

struct credentials {
	struct uuid user_id;
	const char *password_hash; /* NULL: no such user, or switched off */
};

/* Two halves, so that the rate limit can be asked for meanwhile. An unknown address is no error: password_hash is NULL. */
void store_user_login_send(struct db *db, const char *email);
MUST_CHECK int store_user_login_take(struct db *db, struct credentials *ret_credentials);

MUST_CHECK int store_user_me(struct db *db, struct uuid id, struct user *ret_user);
/* -ERR_EMAIL_TAKEN. `user->id` is made by the caller. */
MUST_CHECK int store_user_insert(
	struct db *db, const struct user *user, const char *password_hash, int64_t now);
/* Puts a new hash in place of `old_hash`, if that is still the one. */
MUST_CHECK int store_user_rehash(struct db *db, struct uuid id, const char *old_hash, const char *new_hash);

#endif
