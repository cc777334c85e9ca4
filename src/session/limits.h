/*
 * Limits: requests of a user, or of an address without one, and failed logins. Counted in Redis, so that they are the same
 * whichever task answers; while Redis gives no answer, in the worker (rate_table.h).
 *
 * An address is a whole /64 where it is IPv6 (base/address.h).
 *
 * What counts: each request of a session for its user; each other one for its address, also one whose token nobody has,
 * which is told so without asking PostgreSQL once the address is over its limit. A valid token that Redis has no copy of
 * is held for one of those until PostgreSQL has been asked, and then given back: an office behind one address shares only
 * what its strangers do. Not counted: health, paths and methods that do not exist, what is refused for the length of the
 * queue.
 *
 * Logins: `limit` wrong passwords of an account from an address in 15 minutes; ten times as many from the address,
 * whatever the accounts. Counted before the password is looked at, and given back unless it was wrong:
 * a hundred guesses at the same moment are no more than `limit`. So many right ones of one account, from one address, may
 * be looked at in the same moment too; login workers, of which a task has few, do not come near it.
 *
 * Nothing counts against an account from all addresses together: whatever slows an attacker down there slows its owner
 * down, who cannot be told apart before the password is right. Guessing from very many addresses has Argon2id, the list of
 * common passwords and the few login workers against it, and shows as a rate of bad_credentials in the log.
 */
#ifndef SESSION_LIMITS_H
#define SESSION_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "session/rate.h"
#include "session/rate_table.h"
#include "session/redis.h"

/* Where things are counted: the worker's. */
struct limiter {
	struct redis *redis;
	struct rate_table *local;
	struct arena *arena;
};

enum { LIMIT_KEY_SIZE = 80 };

/* The key its requests are counted under. */
void limit_address_key(const char *address, char ret_key[LIMIT_KEY_SIZE]);

/* What take() of session/scripts.h returned; false where that is something else. */
bool limit_read(struct rate rate, const struct redis_value *taken, struct quota *ret_quota);

/* Counts one request of an address; asked now, answered later, so that PostgreSQL can be asked meanwhile. */
void limit_address_send(
	const struct limiter *l, const char *address, struct rate rate, struct deadline deadline);
/* -ERR_TOO_MANY_REQUESTS when it was one too many; *ret_quota is written either way, if there is a limit. */
MUST_CHECK int limit_address_take(const struct limiter *l, const char *address, struct rate rate,
	struct deadline deadline, struct quota *ret_quota);
/* Takes it back from where it was counted: in the worker (`local`) or in Redis. */
void limit_address_return(
	const struct limiter *l, const char *address, struct rate rate, bool local, struct deadline deadline);

/* A login attempt: who is tried, from where. Its owner always gets in from another address. */
struct login_attempt {
	const char *email, *address;
	int64_t limit; /* wrong passwords in 15 minutes; 0: no limit */
	bool local;    /* where it was counted: in the worker */
};

/* Counts it as wrong; the two halves frame a query as above. -ERR_TOO_MANY_LOGINS: the password must not be looked at;
 * *ret_wait_us is when the next would be. */
void limit_login_send(const struct limiter *l, const struct login_attempt *attempt, struct deadline deadline);
MUST_CHECK int limit_login_take(const struct limiter *l, struct login_attempt *attempt,
	struct deadline deadline, int64_t *ret_wait_us);
/* It was not wrong: right, or nobody could say. */
void limit_login_return(
	const struct limiter *l, const struct login_attempt *attempt, struct deadline deadline);

#endif
