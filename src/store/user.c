/* Users: the table app_user. */
#include "store/user.h"

#include "base/err.h"

void store_user_login_send(struct db *db, const char *email)
{
	DB_SEND(db, USER_FOR_LOGIN, db_text(email));
}

int store_user_login_take(struct db *db, struct credentials *ret_credentials)
{
	struct credentials found = { .password_hash = NULL };
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (db_row(rows)) {
		found.user_id = db_read_uuid(rows);
		const char *hash = db_read_text(rows);
		found.password_hash = db_read_bool(rows) ? hash : NULL;
	}
	*ret_credentials = found;
	return 0;
}

int store_user_me(struct db *db, struct uuid id, struct user *ret_user)
{
	struct user u;
	struct rows *rows;

	DB_SEND(db, USER_ME, db_uuid(id));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_UNAUTHENTICATED;
	u.id = db_read_uuid(rows);
	u.email = db_read_text(rows);
	u.name = db_read_text(rows);
	u.role = db_read_text(rows);
	u.organization.id = db_read_uuid(rows);
	u.organization.name = db_read_text(rows);
	u.organization.kind = db_read_text(rows);
	u.organization.approved = db_read_bool(rows);
	*ret_user = u;
	return 0;
}

int store_user_insert(struct db *db, const struct user *user, const char *password_hash, int64_t now)
{
	DB_SEND(db, USER_INSERT, db_uuid(user->id), db_uuid(user->organization.id), db_text(user->email),
		db_text(user->name), db_text(user->role), db_text(password_hash), db_time(now));
	TRY(db_flush(db));
	return db_result(db, NULL);
}

int store_user_rehash(struct db *db, struct uuid id, const char *old_hash, const char *new_hash)
{
	DB_SEND(db, USER_REHASH, db_uuid(id), db_text(old_hash), db_text(new_hash));
	TRY(db_flush(db));
	return db_result(db, NULL);
}
