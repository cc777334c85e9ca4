/*
 * Users. What goes out of here to be shown never holds a password's hash: that is read alone, where it is compared.
 */
#ifndef STORE_USER_H
#define STORE_USER_H

#include <stdbool.h>

#include "store/organization.h"
#include "store/session.h"
#include "store/store.h"

struct user {
	struct uuid id;
	struct uuid
		organization_id; /* nil: none. An administrator acts for none, but may have been a member of one */
	const char *email, *name, *role;
	bool active;
	bool password_due; /* an administrator has set its password: it must set another before anything else */
	int64_t version, created_at;
};

/* Two halves, so that the rate limit can be asked for meanwhile. An unknown address is no error: password_hash is NULL. */
void store_user_login_send(struct db *db, const char *email);
MUST_CHECK int store_user_login_take(struct db *db, struct credentials *ret_credentials);

/* Who somebody is, and whom they act for: its id is nil for none. -ERR_UNAUTHENTICATED: there is no such user. */
MUST_CHECK int store_user_me(
	struct db *db, struct uuid id, struct user *ret_user, struct organization *ret_organization);

/* Commits with -ERR_EMAIL_TAKEN when there is another with that address, in whatever case it is written. */
void store_user_insert_send(struct db *db, const struct user *user, const char *password_hash);
/* The same outside a transaction. -ERR_EMAIL_TAKEN, -ERR_UNKNOWN_ORGANIZATION. */
MUST_CHECK int store_user_insert(struct db *db, const struct user *user, const char *password_hash);

MUST_CHECK int store_user_get(struct db *db, struct uuid id, struct user *ret_user);
/* The first half of that, for an exchange; the second is store_user_lock_take(). */
void store_user_get_send(struct db *db, struct uuid id);
MUST_CHECK int store_user_list(
	struct db *db, struct arena *arena, struct page page, struct user **ret_users, int *ret_count);

/* Locks a user for a change, then changes it: name, role, active, password_due and version are as in the struct, and the
 * password is another unless `password_hash` is NULL. */
void store_user_lock_send(struct db *db, struct uuid id);
MUST_CHECK int store_user_lock_take(struct db *db, struct user *ret_user);
void store_user_update_send(struct db *db, const struct user *user, const char *password_hash);

/* Who of the active administrators is one still, once no other change of one is under way. */
struct administrators {
	bool actor; /* the one who asks */
	int others; /* beside the one who is asked about */
};

/* Locks every active administrator, in id order, before any other user is locked: two who take each other's place away come one
 * after the other, and the second sees what the first has done. */
void store_user_administrators_lock_send(struct db *db);
MUST_CHECK int store_user_administrators_lock_take(
	struct db *db, struct uuid actor, struct uuid target, struct administrators *ret_administrators);

/* The hash of a user's password, for a password to be held against; after store_user_lock_send() as it is under that lock. */
void store_user_password_send(struct db *db, struct uuid id);
MUST_CHECK int store_user_password_take(struct db *db, const char **ret_hash);

/* Puts a new hash in place of `old_hash`, if that is still the one. */
MUST_CHECK int store_user_rehash(struct db *db, struct uuid id, const char *old_hash, const char *new_hash);

#endif
