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

static struct user user_read(struct rows *rows)
{
	struct user u;

	u.id = db_read_uuid(rows);
	u.organization_id = db_read_uuid(rows);
	u.email = db_read_text(rows);
	u.name = db_read_text(rows);
	u.role = db_read_text(rows);
	u.active = db_read_bool(rows);
	u.password_due = db_read_bool(rows);
	u.version = db_read_int(rows);
	u.created_at = db_read_time(rows);
	return u;
}

int store_user_me(struct db *db, struct uuid id, struct user *ret_user, struct organization *ret_organization)
{
	struct organization organization;
	struct user user;

	store_user_get_send(db, id);
	DB_SEND(db, ORGANIZATION_OF_USER, db_uuid(id));
	TRY(db_flush(db));
	int err = store_user_lock_take(db, &user);
	if (err)
		return err == -ERR_NOT_FOUND ? -ERR_UNAUTHENTICATED : err;
	err = store_organization_lock_take(db, &organization);
	if (err && err != -ERR_NOT_FOUND)
		return err;
	if (err)
		organization = (struct organization){ .name = NULL };
	*ret_user = user;
	*ret_organization = organization;
	return 0;
}

void store_user_insert_send(struct db *db, const struct user *u, const char *password_hash)
{
	DB_SEND(db, USER_INSERT, db_uuid(u->id), db_uuid(u->organization_id), db_text(u->email),
		db_text(u->name), db_text(u->role), db_text(password_hash), db_time(u->created_at));
}

int store_user_insert(struct db *db, const struct user *user, const char *password_hash)
{
	store_user_insert_send(db, user, password_hash);
	TRY(db_flush(db));
	return db_result(db, NULL);
}

void store_user_get_send(struct db *db, struct uuid id)
{
	DB_SEND(db, USER_BY_ID, db_uuid(id));
}

int store_user_get(struct db *db, struct uuid id, struct user *ret_user)
{
	store_user_get_send(db, id);
	TRY(db_flush(db));
	return store_user_lock_take(db, ret_user);
}

void store_user_lock_send(struct db *db, struct uuid id)
{
	DB_SEND(db, USER_LOCK, db_uuid(id));
}

int store_user_lock_take(struct db *db, struct user *ret_user)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_user = user_read(rows);
	return 0;
}

void store_user_update_send(struct db *db, const struct user *u, const char *password_hash)
{
	DB_SEND(db, USER_UPDATE, db_uuid(u->id), db_text(u->name), db_text(u->role), db_bool(u->active),
		db_bool(u->password_due), db_int(u->version), db_text(password_hash));
}

void store_user_administrators_lock_send(struct db *db)
{
	DB_SEND(db, USER_ADMINISTRATORS_LOCK);
}

int store_user_administrators_lock_take(
	struct db *db, struct uuid actor, struct uuid target, struct administrators *ret_administrators)
{
	struct administrators found = { .actor = false };
	struct rows *rows;

	TRY(db_result(db, &rows));
	while (db_row(rows)) {
		struct uuid id = db_read_uuid(rows);
		found.actor |= uuid_equal(id, actor);
		found.others += !uuid_equal(id, target);
	}
	*ret_administrators = found;
	return 0;
}

int store_user_list(
	struct db *db, struct arena *arena, struct page page, struct user **ret_users, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	DB_SEND(db, USER_LIST, db_uuid(page.after), db_int(page.limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct user *list = arena_array(arena, struct user, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = user_read(rows);
	*ret_users = list;
	*ret_count = n;
	return 0;
}

void store_user_password_send(struct db *db, struct uuid id)
{
	DB_SEND(db, USER_PASSWORD, db_uuid(id));
}

int store_user_password_take(struct db *db, const char **ret_hash)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_hash = db_read_text(rows);
	return 0;
}

int store_user_rehash(struct db *db, struct uuid id, const char *old_hash, const char *new_hash)
{
	DB_SEND(db, USER_REHASH, db_uuid(id), db_text(old_hash), db_text(new_hash));
	TRY(db_flush(db));
	return db_result(db, NULL);
}
