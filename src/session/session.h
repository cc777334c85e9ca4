/*
 * Who is asking: the session behind an access token, from its copy in Redis or, where there is none, from PostgreSQL.
 *
 * A copy lives 30 s at most: a logout whose deletion Redis missed is in force everywhere by then, and at once for writes,
 * which look at PostgreSQL's row themselves. Whatever is wrong with Redis or with what it holds, the answer comes from
 * PostgreSQL; nobody is logged out and nobody gains a right by it.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "session/limits.h"
#include "session/redis.h"
#include "store/session.h"

enum {
	TOKEN_BYTES = 32,     /* 256 bits from the kernel */
	TOKEN_TEXT_SIZE = 44, /* base64url and NUL */
	SESSION_COPY_MS = 30000,
};

/* Everything a look at a session needs. */
struct session_stores {
	const struct limiter *limiter;
	struct db *db;
	struct deadline deadline;
	int64_t now;         /* wall us */
	const char *address; /* who asks, before it is known who */
	struct rate rate;    /* of requests, per user or address; limit 0: this one is not counted */
};

/* A new token, and the hash by which the stores know it. */
void token_new(char ret_text[TOKEN_TEXT_SIZE], uint8_t ret_hash[SHA256_SIZE]);
/* -ERR_UNAUTHENTICATED for text that no token looks like, before any store is asked. */
MUST_CHECK int token_hash(const char *text, uint8_t ret_hash[SHA256_SIZE]);

/* The session of a token, one request of its user being counted. -ERR_UNAUTHENTICATED: there is none in force; counted for
 * the address. -ERR_TOO_MANY_REQUESTS: the user, or an address that asks with tokens Redis does not know, is over its limit.
 * -ERR_UNAVAILABLE: neither store could be asked; not counted. *ret_quota, all zero before, is what is left to whom it was
 * counted for; it stays as it is when nothing is counted. */
MUST_CHECK int session_open(const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE],
	struct session *ret_session, struct quota *ret_quota);

/* The same from PostgreSQL alone, whatever a copy says; the copy is made anew. Counts nothing. */
MUST_CHECK int session_open_again(
	const struct session_stores *s, const uint8_t access_hash[SHA256_SIZE], struct session *ret_session);

/* Deletes the copies of sessions that ended, and waits until that is done: whoever asks afterwards finds none. */
void session_forget(struct redis *redis, struct arena *arena, const struct ended *ended, struct deadline d);

#endif
