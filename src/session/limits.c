/* Limits, as rates in Redis that die by themselves, or in the worker. */
#include "session/limits.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "session/keys.h"
#include "session/scripts.h"

enum { ADDRESS_FACTOR = 10 };

#define LOGIN_WINDOW_US (15 * 60 * US_PER_SECOND)

bool limit_read(struct rate rate, const struct redis_value *taken, struct quota *ret_quota)
{
	const struct redis_value *e = taken->elements;

	if (taken->type != REDIS_ARRAY || taken->count != 4)
		return false;
	for (size_t i = 0; i < taken->count; i++)
		if (e[i].type != REDIS_INTEGER)
			return false;
	const struct rate_count count = { e[1].integer, e[2].integer, e[3].integer };
	*ret_quota = quota_of(rate, count, e[0].integer);
	return true;
}

/* --- requests of an address --- */

static const char address_script[] = SCRIPT_RATE SCRIPT_TAKE "return take(KEYS[1],ARGV[1],ARGV[2])";
static const char return_script[] =
	SCRIPT_RATE SCRIPT_GIVE "for i,key in ipairs(KEYS) do give(key,ARGV[i]) end";

void limit_address_key(const char *address, char ret_key[LIMIT_KEY_SIZE])
{
	char block[ADDRESS_BLOCK_SIZE];

	address_block(address, block);
	snprintf(ret_key, LIMIT_KEY_SIZE, KEY_RATE_ADDRESS, block);
}

void limit_address_send(
	const struct limiter *l, const char *address, struct rate rate, struct deadline deadline)
{
	char key[LIMIT_KEY_SIZE];

	if (!rate.limit)
		return;
	limit_address_key(address, key);
	redis_command(l->redis, "EVAL %s 1 %s %lld %lld", address_script, key, (long long)rate.limit,
		(long long)rate.window);
	(void)!redis_send(l->redis, deadline); /* a failure shows when the reply is taken */
}

int limit_address_take(const struct limiter *l, const char *address, struct rate rate,
	struct deadline deadline, struct quota *ret_quota)
{
	struct redis_value taken;
	char key[LIMIT_KEY_SIZE];

	if (!rate.limit)
		return 0;
	if (redis_reply(l->redis, l->arena, deadline, &taken) || !limit_read(rate, &taken, ret_quota)) {
		limit_address_key(address, key);
		*ret_quota = rate_table_take(l->local, key, rate, clock_now());
	}
	return ret_quota->refused ? -ERR_TOO_MANY_REQUESTS : 0;
}

void limit_address_return(
	const struct limiter *l, const char *address, struct rate rate, bool local, struct deadline deadline)
{
	char key[LIMIT_KEY_SIZE];

	if (!rate.limit)
		return;
	limit_address_key(address, key);
	if (local) {
		rate_table_give(l->local, key, rate, clock_now());
		return;
	}
	redis_command(l->redis, "EVAL %s 1 %s %lld", return_script, key, (long long)rate.window);
	if (redis_send(l->redis, deadline) == 0)
		redis_forget(l->redis, 1);
}

/* --- failed logins --- */

/* Account, then address; the last that was asked decides. What the address refuses is not counted for the account. */
static const char login_script[] =
	SCRIPT_RATE SCRIPT_TAKE SCRIPT_GIVE "local a=take(KEYS[1],ARGV[1],ARGV[2])\n"
					    "if a[1]==0 then return {a} end\n"
					    "local b=take(KEYS[2],ARGV[3],ARGV[4])\n"
					    "if b[1]==0 then give(KEYS[1],ARGV[2]) end\n"
					    "return {a,b}";

/* What an attempt counts for. */
struct login_counts {
	char account[LIMIT_KEY_SIZE], address[LIMIT_KEY_SIZE];
	struct rate account_rate, address_rate;
};

/* The account as one address sees it. The e-mail address is hashed: no store needs to hold it a second time. */
static struct login_counts counts_of(const struct login_attempt *attempt)
{
	char block[ADDRESS_BLOCK_SIZE], text[512], hex[HEX_SIZE(SHA256_SIZE)];
	uint8_t digest[SHA256_SIZE];
	struct login_counts c = {
		.account_rate = { attempt->limit, LOGIN_WINDOW_US },
		.address_rate = { attempt->limit * ADDRESS_FACTOR, LOGIN_WINDOW_US },
	};
	size_t n = 0;

	address_block(attempt->address, block);
	for (const char *at = attempt->email; *at && n < sizeof text - sizeof block; at++)
		text[n++] = (char)tolower((unsigned char)*at);
	n += (size_t)snprintf(text + n, sizeof text - n, " %s", block);
	sha256(text, n, digest);
	hex_encode(digest, sizeof digest, hex);
	snprintf(c.account, sizeof c.account, KEY_LOGIN_ACCOUNT, hex);
	snprintf(c.address, sizeof c.address, KEY_LOGIN_ADDRESS, block);
	return c;
}

void limit_login_send(const struct limiter *l, const struct login_attempt *attempt, struct deadline deadline)
{
	if (!attempt->limit)
		return;
	const struct login_counts c = counts_of(attempt);
	redis_command(l->redis, "EVAL %s 2 %s %s %lld %lld %lld %lld", login_script, c.account, c.address,
		(long long)c.account_rate.limit, (long long)c.account_rate.window,
		(long long)c.address_rate.limit, (long long)c.address_rate.window);
	(void)!redis_send(l->redis, deadline); /* a failure shows when the reply is taken */
}

/* As login_script does it: the quota that decides. */
static struct quota take_locally(struct rate_table *local, const struct login_counts *c)
{
	int64_t now = clock_now();
	struct quota account = rate_table_take(local, c->account, c->account_rate, now);

	if (account.refused)
		return account;
	struct quota address = rate_table_take(local, c->address, c->address_rate, now);
	if (address.refused)
		rate_table_give(local, c->account, c->account_rate, now);
	return address;
}

static bool read_login(const struct login_counts *c, const struct redis_value *v, struct quota *ret_quota)
{
	if (v->type != REDIS_ARRAY || !v->count)
		return false;
	return limit_read(
		v->count == 1 ? c->account_rate : c->address_rate, &v->elements[v->count - 1], ret_quota);
}

int limit_login_take(const struct limiter *l, struct login_attempt *attempt, struct deadline deadline,
	int64_t *ret_wait_us)
{
	struct redis_value v;
	struct quota quota;

	if (!attempt->limit)
		return 0;
	const struct login_counts c = counts_of(attempt);
	attempt->local = redis_reply(l->redis, l->arena, deadline, &v) || !read_login(&c, &v, &quota);
	if (attempt->local)
		quota = take_locally(l->local, &c);
	if (!quota.refused)
		return 0;
	*ret_wait_us = quota.wait_us;
	return -ERR_TOO_MANY_LOGINS;
}

void limit_login_return(
	const struct limiter *l, const struct login_attempt *attempt, struct deadline deadline)
{
	if (!attempt->limit)
		return;
	const struct login_counts c = counts_of(attempt);
	if (attempt->local) {
		rate_table_give(l->local, c.account, c.account_rate, clock_now());
		rate_table_give(l->local, c.address, c.address_rate, clock_now());
		return;
	}
	redis_command(l->redis, "EVAL %s 2 %s %s %lld %lld", return_script, c.account, c.address,
		(long long)c.account_rate.window, (long long)c.address_rate.window);
	if (redis_send(l->redis, deadline) == 0)
		redis_forget(l->redis, 1);
}
