/*
 * Limits on those without a session: requests an address makes a minute, and failed logins. Counted in Redis across tasks;
 * while Redis is away nothing is counted and nobody is refused.
 */
#ifndef SESSION_LIMITS_H
#define SESSION_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "session/redis.h"

/* Counts one request of an address; asked now, answered later, so that PostgreSQL is asked meanwhile. */
void limit_address_send(struct redis *redis, const char *address, int64_t now, struct deadline d);
/* -ERR_TOO_MANY_REQUESTS when it was one too many. */
MUST_CHECK int limit_address_take(
	struct redis *redis, struct arena *arena, int64_t per_minute, struct deadline d);

/* A login attempt: who is tried, from where. `limit` failures in 15 minutes close an account for that address only (its owner
 * gets in from any other), ten times as many close the address. */
struct login_attempt {
	const char *email, *address;
	int64_t limit; /* 0: none */
};

void limit_login_send(struct redis *redis, const struct login_attempt *attempt, struct deadline d);
MUST_CHECK int limit_login_take(
	struct redis *redis, struct arena *arena, const struct login_attempt *attempt, struct deadline d);
/* After a wrong password. */
void limit_login_failed(struct redis *redis, const struct login_attempt *attempt, struct deadline d);

#endif
