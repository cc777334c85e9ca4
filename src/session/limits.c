/* Limits on those without a session, as counters in Redis that die by themselves. */
#include "session/limits.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "session/keys.h"

enum {
	RATE_KEEP_MS = 2 * 60 * 1000, /* the minute that is counted, and one to spare for clocks */
	LOGIN_WINDOW_MS = 15 * 60 * 1000,
	ADDRESS_FACTOR = 10,
};

void limit_address_send(struct redis *redis, const char *address, int64_t now, struct deadline d)
{
	long long minute = now / (60 * US_PER_SECOND);

	if (!redis)
		return;
	redis_command(redis, "SET " KEY_RATE_ADDRESS " 0 PX %d NX", address, minute, RATE_KEEP_MS);
	redis_command(redis, "INCR " KEY_RATE_ADDRESS, address, minute);
	(void)!redis_send(redis, d); /* a failure shows when the reply is taken */
}

int limit_address_take(struct redis *redis, struct arena *arena, int64_t per_minute, struct deadline d)
{
	struct redis_value made, count;

	if (!redis || redis_reply(redis, arena, d, &made) || redis_reply(redis, arena, d, &count))
		return 0;
	return count.type == REDIS_INTEGER && count.integer > per_minute ? -ERR_TOO_MANY_REQUESTS : 0;
}

/* An account as one address sees it. The e-mail address is hashed: no store needs to hold it a second time. */
static void account_key(const struct login_attempt *attempt, char hex[HEX_SIZE(SHA256_SIZE)])
{
	char text[512];
	uint8_t digest[SHA256_SIZE];
	size_t n = 0;

	for (const char *c = attempt->email; *c && n < sizeof text / 2; c++)
		text[n++] = (char)tolower((unsigned char)*c);
	text[n++] = ' ';
	for (const char *c = attempt->address; *c && n < sizeof text; c++)
		text[n++] = *c;
	sha256(text, n, digest);
	hex_encode(digest, sizeof digest, hex);
}

void limit_login_send(struct redis *redis, const struct login_attempt *attempt, struct deadline d)
{
	char account[HEX_SIZE(SHA256_SIZE)];

	if (!redis || !attempt->limit)
		return;
	account_key(attempt, account);
	redis_command(redis, "MGET " KEY_LOGIN_ACCOUNT " " KEY_LOGIN_ADDRESS, account, attempt->address);
	(void)!redis_send(redis, d); /* a failure shows when the reply is taken */
}

static bool reached(const struct redis_value *count, int64_t limit)
{
	return count->type == REDIS_STRING && strtoll(count->text, NULL, 10) >= limit;
}

int limit_login_take(
	struct redis *redis, struct arena *arena, const struct login_attempt *attempt, struct deadline d)
{
	struct redis_value counts;

	if (!redis || !attempt->limit || redis_reply(redis, arena, d, &counts))
		return 0;
	if (counts.type != REDIS_ARRAY || counts.count != 2)
		return 0;
	if (reached(&counts.elements[0], attempt->limit) ||
		reached(&counts.elements[1], attempt->limit * ADDRESS_FACTOR))
		return -ERR_TOO_MANY_LOGINS;
	return 0;
}

void limit_login_failed(struct redis *redis, const struct login_attempt *attempt, struct deadline d)
{
	char account[HEX_SIZE(SHA256_SIZE)];

	if (!redis || !attempt->limit)
		return;
	account_key(attempt, account);
	redis_command(redis, "SET " KEY_LOGIN_ACCOUNT " 0 PX %d NX", account, LOGIN_WINDOW_MS);
	redis_command(redis, "INCR " KEY_LOGIN_ACCOUNT, account);
	redis_command(redis, "SET " KEY_LOGIN_ADDRESS " 0 PX %d NX", attempt->address, LOGIN_WINDOW_MS);
	redis_command(redis, "INCR " KEY_LOGIN_ADDRESS, attempt->address);
	if (redis_send(redis, d) == 0)
		redis_forget(redis, 4);
}
