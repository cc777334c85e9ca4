/* Logins: the table session, and session_spent for refresh tokens already used. */
#include "store/session.h"

#include <string.h>

#include "base/err.h"
#include "crypto/random.h"

const char *const role_names[ROLE_COUNT + 1] = { "ADMIN", "PRODUCER", "PACKER", "EXPORTER", "CERTIFIER",
	"BUYER", NULL };

/* The role named `name`; ROLE_COUNT, which no policy admits, for any other. */
static enum role role_of(const char *name)
{
	int role = 0;

	while (role < ROLE_COUNT && (!name || strcmp(name, role_names[role]) != 0))
		role++;
	return (enum role)role;
}

void store_session_send(struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now)
{
	DB_SEND(db, SESSION_BY_ACCESS, db_bytes(access_hash, SHA256_SIZE), db_time(now));
}

int store_session_take(struct db *db, struct session *ret_session)
{
	struct rows *rows;
	struct session s;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_UNAUTHENTICATED;
	s.id = db_read_uuid(rows);
	s.user_id = db_read_uuid(rows);
	s.role = role_of(db_read_text(rows));
	s.organization_id = db_read_uuid(rows);
	s.approved = db_read_bool(rows);
	s.password_due = db_read_bool(rows);
	s.expires_at = db_read_time(rows);
	*ret_session = s;
	return 0;
}

int store_session_get(
	struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now, struct session *ret_session)
{
	store_session_send(db, access_hash, now);
	TRY(db_flush(db));
	return store_session_take(db, ret_session);
}

static int ended_take(struct db *db, struct arena *arena, struct ended *ret_ended)
{
	struct rows *rows;
	size_t n = 0;

	TRY(db_result(db, &rows));
	uint8_t *hashes = arena_alloc(arena, SHA256_SIZE * (size_t)db_affected(rows) + 1);
	while (db_row(rows))
		db_read_bytes(rows, hashes + SHA256_SIZE * n++, SHA256_SIZE);
	*ret_ended = (struct ended){ hashes, n };
	return 0;
}

int store_session_insert(struct db *db, struct arena *arena, const struct credentials *who,
	const struct token_pair *tokens, int64_t now, struct ended *ret_ended)
{
	struct rows *rows;

	DB_SEND(db, SESSION_INSERT, db_uuid(random_uuid()), db_uuid(who->user_id),
		db_bytes(tokens->access_hash, SHA256_SIZE), db_time(tokens->access_expires_at),
		db_bytes(tokens->refresh_hash, SHA256_SIZE), db_time(tokens->refresh_expires_at),
		db_time(now), db_text(who->password_hash));
	DB_SEND(db, SESSION_REVOKE_EXCESS, db_uuid(who->user_id), db_int(SESSIONS_MAX), db_time(now));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	bool made = db_affected(rows) == 1;
	TRY(ended_take(db, arena, ret_ended));
	return made ? 0 : -ERR_TRY_AGAIN;
}

int store_session_rotate(struct db *db, const uint8_t refresh_hash[SHA256_SIZE],
	const struct token_pair *tokens, int64_t now, uint8_t ret_old_access[SHA256_SIZE])
{
	struct rows *rows;
	struct uuid id = { 0 };

	memset(ret_old_access, 0, SHA256_SIZE);
	DB_SEND(db, BEGIN);
	DB_SEND(db, SESSION_BY_REFRESH_LOCK, db_bytes(refresh_hash, SHA256_SIZE), db_time(now));
	DB_SEND(db, SESSION_REVOKE_REUSED, db_bytes(refresh_hash, SHA256_SIZE), db_time(now));
	TRY(db_flush(db));
	TRY(db_result(db, NULL));
	TRY(db_result(db, &rows));
	bool known = db_row(rows);
	if (known) {
		id = db_read_uuid(rows);
		db_read_bytes(rows, ret_old_access, SHA256_SIZE);
	}
	TRY(db_result(db, &rows));
	if (db_row(rows)) {
		(void)db_read_uuid(rows);
		db_read_bytes(rows, ret_old_access, SHA256_SIZE);
	}
	if (known)
		DB_SEND(db, SESSION_ROTATE, db_uuid(id), db_bytes(tokens->access_hash, SHA256_SIZE),
			db_time(tokens->access_expires_at), db_bytes(tokens->refresh_hash, SHA256_SIZE),
			db_time(tokens->refresh_expires_at), db_time(now));
	DB_SEND(db, COMMIT);
	TRY(db_flush(db));
	TRY(db_results(db, known ? 2 : 1));
	return known ? 0 : -ERR_UNAUTHENTICATED;
}

int store_session_revoke(struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now)
{
	DB_SEND(db, SESSION_REVOKE, db_bytes(access_hash, SHA256_SIZE), db_time(now));
	TRY(db_flush(db));
	return db_result(db, NULL);
}

int store_session_revoke_of_user(
	struct db *db, struct arena *arena, const struct ending *ending, struct ended *ret_ended)
{
	DB_SEND(db, SESSION_REVOKE_OF_USER, db_uuid(ending->user_id), db_uuid(ending->kept),
		db_time(ending->now));
	TRY(db_flush(db));
	return ended_take(db, arena, ret_ended);
}

static struct own_session own_session_read(struct rows *rows)
{
	struct own_session s = { .current = false };

	s.id = db_read_uuid(rows);
	s.created_at = db_read_time(rows);
	s.refreshed_at = db_read_time(rows);
	s.expires_at = db_read_time(rows);
	return s;
}

int store_session_list(struct db *db, struct arena *arena, struct uuid user_id, int64_t now, struct page page,
	struct own_session **ret_sessions, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	DB_SEND(db, SESSION_LIST, db_uuid(user_id), db_time(now), db_uuid(page.after),
		db_int(page.limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct own_session *list = arena_array(arena, struct own_session, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = own_session_read(rows);
	*ret_sessions = list;
	*ret_count = n;
	return 0;
}

void store_session_lock_send(struct db *db, struct uuid id, struct uuid user_id, int64_t now)
{
	DB_SEND(db, SESSION_LOCK, db_uuid(id), db_uuid(user_id), db_time(now));
}

int store_session_lock_take(
	struct db *db, struct own_session *ret_session, uint8_t ret_access_hash[SHA256_SIZE])
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_session = own_session_read(rows);
	db_read_bytes(rows, ret_access_hash, SHA256_SIZE);
	return 0;
}

void store_session_end_send(struct db *db, struct uuid id, int64_t now)
{
	DB_SEND(db, SESSION_END, db_uuid(id), db_time(now));
}
