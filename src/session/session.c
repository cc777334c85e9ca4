/* Who is asking: the copy in Redis, and PostgreSQL behind it. */
#include "session/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "session/keys.h"

#define MINUTE_US (60 * US_PER_SECOND)

enum { FORGET_AT_ONCE = 64 };

/* The copy and the count of its user in one round trip. A copy begins with the user's id (36 characters). Without a copy
 * nothing is counted: that happens once in 30 s a token. */
static const char open_script[] =
	"local copy = redis.call('GET', KEYS[1])\n"
	"if not copy then return {false, 0} end\n"
	"local key = '" KEY_RATE_USER "' .. string.sub(copy, 1, 36) .. ':' .. ARGV[1]\n"
	"local n = redis.call('INCR', key)\n"
	"if n == 1 then redis.call('PEXPIRE', key, 120000) end\n"
	"return {copy, n}";

void token_new(char ret_text[TOKEN_TEXT_SIZE], uint8_t ret_hash[SHA256_SIZE])
{
	uint8_t bytes[TOKEN_BYTES];

	random_bytes(bytes, sizeof bytes);
	base64url_encode(bytes, sizeof bytes, ret_text);
	sha256(ret_text, TOKEN_TEXT_SIZE - 1, ret_hash);
}

int token_hash(const char *text, uint8_t ret_hash[SHA256_SIZE])
{
	uint8_t bytes[TOKEN_BYTES];

	if (base64url_decode(text, bytes, sizeof bytes))
		return -ERR_UNAUTHENTICATED;
	sha256(text, TOKEN_TEXT_SIZE - 1, ret_hash);
	return 0;
}

/* "USER ROLE FLAGS ORGANIZATION SESSION EXPIRES": fixed widths, so that a damaged one does not parse. */
enum { FLAG_APPROVED = 1, FLAG_PASSWORD_DUE = 2 };
static const char copy_format[] = "%36s %d %d %36s %36s %" SCNd64 "%n";

static bool copy_parse(const struct redis_value *value, int64_t now, struct session *ret_session)
{
	char user[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	int role, flags, end = -1;
	struct session s;

	if (value->type != REDIS_STRING ||
		sscanf(value->text, copy_format, user, &role, &flags, organization, id, &s.expires_at,
			&end) != 6 ||
		end != (int)value->length)
		return false;
	if (uuid_parse(user, &s.user_id) || uuid_parse(organization, &s.organization_id) ||
		uuid_parse(id, &s.id))
		return false;
	if (role < 0 || role >= ROLE_COUNT || flags & ~(FLAG_APPROVED | FLAG_PASSWORD_DUE) ||
		s.expires_at <= now)
		return false;
	s.role = (enum role)role;
	s.approved = flags & FLAG_APPROVED;
	s.password_due = flags & FLAG_PASSWORD_DUE;
	*ret_session = s;
	return true;
}

static void copy_keep(const struct session_stores *s, const char *hex, const struct session *session)
{
	char user[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	int64_t life_ms = MIN((session->expires_at - s->now) / US_PER_MS, SESSION_COPY_MS);

	if (!s->redis || life_ms <= 0)
		return;
	uuid_to_text(session->user_id, user);
	uuid_to_text(session->organization_id, organization);
	uuid_to_text(session->id, id);
	int flags = (session->approved ? FLAG_APPROVED : 0) | (session->password_due ? FLAG_PASSWORD_DUE : 0);
	const char *copy = arena_printf(s->arena, "%s %d %d %s %s %" PRId64, user, session->role, flags,
		organization, id, session->expires_at);
	redis_command(s->redis, "SET " KEY_SESSION " %s PX %lld", hex, copy, (long long)life_ms);
	if (redis_send(s->redis, s->deadline) == 0)
		redis_forget(s->redis, 1);
}

/* The copy, and how many requests its user has made this minute; NULL when Redis cannot say. */
static const struct redis_value *ask_redis(
	const struct session_stores *s, const char *hex, int64_t *ret_count)
{
	struct redis_value *value = arena_new(s->arena, struct redis_value);

	*ret_count = 0;
	if (!s->redis)
		return NULL;
	if (s->rate_per_minute)
		redis_command(s->redis, "EVAL %s 1 " KEY_SESSION " %lld", open_script, hex,
			(long long)(s->now / MINUTE_US));
	else
		redis_command(s->redis, "GET " KEY_SESSION, hex);
	if (redis_send(s->redis, s->deadline) || redis_reply(s->redis, s->arena, s->deadline, value))
		return NULL;
	if (value->type != REDIS_ARRAY)
		return value;
	if (value->count != 2 || value->elements[1].type != REDIS_INTEGER)
		return NULL;
	*ret_count = value->elements[1].integer;
	return &value->elements[0];
}

int session_open(
	const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE], struct session *ret_session)
{
	char hex[HEX_SIZE(SHA256_SIZE)];
	int64_t count;

	hex_encode(access_hash, SHA256_SIZE, hex);
	const struct redis_value *copy = ask_redis(s, hex, &count);
	if (copy && copy_parse(copy, s->now, ret_session))
		return s->rate_per_minute && count > s->rate_per_minute ? -ERR_TOO_MANY_REQUESTS : 0;
	return session_open_again(s, access_hash, ret_session);
}

int session_open_again(
	const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE], struct session *ret_session)
{
	char hex[HEX_SIZE(SHA256_SIZE)];

	TRY(store_session_get(s->db, access_hash, s->now, ret_session));
	hex_encode(access_hash, SHA256_SIZE, hex);
	copy_keep(s, hex, ret_session);
	return 0;
}

/* Some at a time, so that commands and replies stay small. Where it fails, the copies die by themselves. */
void session_forget(struct redis *redis, struct arena *arena, const struct ended *ended, struct deadline d)
{
	char hex[HEX_SIZE(SHA256_SIZE)];
	struct redis_value deleted;

	for (size_t i = 0, sent; redis && i < ended->count; i += sent) {
		for (sent = 0; sent < FORGET_AT_ONCE && i + sent < ended->count; sent++) {
			hex_encode(ended->access_hashes + SHA256_SIZE * (i + sent), SHA256_SIZE, hex);
			redis_command(redis, "DEL " KEY_SESSION, hex);
		}
		if (redis_send(redis, d))
			return;
		for (size_t k = 0; k < sent; k++)
			if (redis_reply(redis, arena, d, &deleted))
				return;
	}
}
