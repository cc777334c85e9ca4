/* Who is asking: the copy in Redis, and PostgreSQL behind it. */
#include "session/session.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "session/copy.h"
#include "session/keys.h"
#include "session/scripts.h"

enum { FORGET_AT_ONCE = 64 };

/* The copy, and one request counted: for the user named where a copy begins (session/copy.h), where there is one, else for
 * the address. One round trip. */
static const char open_script[] =
	SCRIPT_RATE SCRIPT_TAKE "local copy=redis.call('GET',KEYS[1])\n"
				"local key=copy and '" KEY_RATE_USER "'..string.sub(copy,1,36) or KEYS[2]\n"
				"return {copy,take(key,ARGV[1],ARGV[2])}";

/* PostgreSQL has found the session: its copy is kept, and the request is the user's, no longer the address's. */
static const char found_script[] =
	SCRIPT_RATE SCRIPT_TAKE SCRIPT_GIVE "redis.call('SET',KEYS[1],ARGV[3],'PX',ARGV[4])\n"
					    "give(KEYS[2],ARGV[2])\n"
					    "return take(KEYS[3],ARGV[1],ARGV[2])";

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

static long long copy_life(const struct session_stores *s, const struct session *session)
{
	return MAX(MIN((session->expires_at - s->now) / US_PER_MS, SESSION_COPY_MS), 1);
}

/* One look for a session: the keys it touches, and who counts it. */
struct look {
	const struct session_stores *s;
	char copy[LIMIT_KEY_SIZE], address[LIMIT_KEY_SIZE];
	bool local; /* the worker, for Redis gave no answer */
};

static struct look look_for(const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE])
{
	struct look k = { .s = s };
	char hex[HEX_SIZE(SHA256_SIZE)];

	hex_encode(access_hash, SHA256_SIZE, hex);
	snprintf(k.copy, sizeof k.copy, KEY_SESSION, hex);
	limit_address_key(s->address, k.address);
	return k;
}

/* The copy, and what is left to whom the request was counted for. -ERR_UNAVAILABLE: Redis cannot say. */
static int ask_redis(const struct look *k, struct redis_value *ret_copy, struct quota *ret_quota)
{
	const struct limiter *l = k->s->limiter;
	struct rate rate = k->s->rate;
	struct redis_value v;

	if (rate.limit)
		redis_command(l->redis, "EVAL %s 2 %s %s %lld %lld", open_script, k->copy, k->address,
			(long long)rate.limit, (long long)rate.window);
	else
		redis_command(l->redis, "GET %s", k->copy);
	TRY(redis_send(l->redis, k->s->deadline));
	TRY(redis_reply(l->redis, l->arena, k->s->deadline, &v));
	if (!rate.limit) {
		*ret_copy = v;
		return 0;
	}
	if (v.type != REDIS_ARRAY || v.count != 2 || !limit_read(rate, &v.elements[1], ret_quota))
		return -ERR_UNAVAILABLE;
	*ret_copy = v.elements[0];
	return 0;
}

/* PostgreSQL has found it: a copy for the next ones. */
static void keep_copy(const struct look *k, const char *text, long long life_ms)
{
	struct redis *redis = k->s->limiter->redis;

	redis_command(redis, "SET %s %s PX %lld", k->copy, text, life_ms);
	if (redis_send(redis, k->s->deadline) == 0)
		redis_forget(redis, 1);
}

/* The same, and the request is its user's. */
static bool keep_and_count(
	const struct look *k, const char *text, long long life_ms, const char *user, struct quota *ret_quota)
{
	const struct limiter *l = k->s->limiter;
	struct rate rate = k->s->rate;
	struct redis_value taken;

	redis_command(l->redis, "EVAL %s 3 %s %s %s %lld %lld %s %lld", found_script, k->copy, k->address,
		user, (long long)rate.limit, (long long)rate.window, text, life_ms);
	return redis_send(l->redis, k->s->deadline) == 0 &&
	       redis_reply(l->redis, l->arena, k->s->deadline, &taken) == 0 &&
	       limit_read(rate, &taken, ret_quota);
}

static void found(const struct look *k, const struct session *session, struct quota *ret_quota)
{
	const struct session_stores *s = k->s;
	long long life_ms = copy_life(s, session);
	char text[COPY_SIZE], user[LIMIT_KEY_SIZE] = KEY_RATE_USER;

	copy_write(session, text);
	uuid_to_text(session->user_id, user + sizeof KEY_RATE_USER - 1);
	if (!s->rate.limit) {
		keep_copy(k, text, life_ms);
		return;
	}
	if (k->local)
		rate_table_give(s->limiter->local, k->address, s->rate, clock_now());
	else if (keep_and_count(k, text, life_ms, user, ret_quota))
		return;
	*ret_quota = rate_table_take(s->limiter->local, user, s->rate, clock_now());
}

static int judge(const struct quota *quota)
{
	return quota->refused ? -ERR_TOO_MANY_REQUESTS : 0;
}

int session_open(const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE],
	struct session *ret_session, struct quota *ret_quota)
{
	struct look k = look_for(s, access_hash);
	struct redis_value copy;

	k.local = ask_redis(&k, &copy, ret_quota) != 0;
	if (!k.local && copy_read(&copy, s->now, ret_session))
		return judge(ret_quota);
	if (k.local) /* Redis owes nothing any more, so that the worker counts */
		TRY(limit_address_take(s->limiter, s->address, s->rate, s->deadline, ret_quota));
	TRY(judge(ret_quota));
	int err = store_session_get(s->db, access_hash, s->now, ret_session);
	if (err == -ERR_UNAUTHENTICATED)
		return err;
	if (err) { /* nobody's fault */
		limit_address_return(s->limiter, s->address, s->rate, k.local, s->deadline);
		if (s->rate.limit)
			*ret_quota = (struct quota){ 0 };
		return err;
	}
	found(&k, ret_session, ret_quota);
	return judge(ret_quota);
}

int session_open_again(
	const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE], struct session *ret_session)
{
	const struct look k = look_for(s, access_hash);
	char text[COPY_SIZE];

	TRY(store_session_get(s->db, access_hash, s->now, ret_session));
	copy_write(ret_session, text);
	keep_copy(&k, text, copy_life(s, ret_session));
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
