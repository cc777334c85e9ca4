/*
 * Redis: one connection, commands sent without waiting, replies read in order. hiredis formats and parses (resp.c); the
 * socket, TLS (name and certificate verified, tls.c) and every deadline are ours, because hiredis has no total deadline
 * on a reply and, in Debian 12, no TLS.
 *
 * A caller appends commands, sends them, does other work (PostgreSQL), then takes the replies:
 *
 *   redis_command(r, "GET s:%s", hash);
 *   redis_send(r, deadline);
 *   … one round trip to PostgreSQL …
 *   redis_reply(r, deadline, &value);
 *
 * Failure is quiet and short: whatever goes wrong closes the connection and returns -ERR_UNAVAILABLE. After two failures
 * in a row a breaker refuses at once for a while (full jitter, 50 ms to 2 s), then lets one probe through, which connects
 * beside the requests and costs each at most 1 ms. Nobody is logged out because Redis is away: callers fall back to
 * PostgreSQL.
 *
 * An attempt to connect that outlasts its caller's deadline is not lost: the next call goes on with it, for one second.
 */
#ifndef SESSION_REDIS_H
#define SESSION_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"

struct redis;

enum redis_type { REDIS_NIL, REDIS_INTEGER, REDIS_STRING, REDIS_ERROR, REDIS_ARRAY };

/* A reply, copied into the arena. */
struct redis_value {
	enum redis_type type;
	int64_t integer;
	const char
		*text; /* REDIS_STRING (a status is one too), REDIS_ERROR: NUL-terminated, `length` bytes */
	size_t length;
	struct redis_value *elements; /* REDIS_ARRAY */
	size_t count;
};

struct redis_options {
	const char *url;             /* redis://, rediss://, unix:/path?db=0 (redis_url.h) */
	const char *user, *password; /* "" for none; what the URL holds wins */
	const char *ca_file;         /* "" for the system's */
	int64_t operation_us; /* longest wait for one exchange, 50 ms: within the request's own deadline */
};

/* Parses the URL; does not connect. *ret_redis is owned by the caller. -ERR_INVALID: not a URL of the three forms, or the
 * CA file cannot be read; ret_why (never NULL) then says what is wrong with it, without secrets. */
MUST_CHECK int redis_new(const struct redis_options *options, struct redis **ret_redis, const char **ret_why);
void redis_free(struct redis *r);

/* Connects, authenticates and selects within the deadline; 0 if it is connected already. Every send does this by itself
 * (within operation_us); called on its own it warms a worker up before its first request. */
MUST_CHECK int redis_connect(struct redis *r, struct deadline d);

/* Appends one command, formatted as hiredis has it (%s text, %b bytes and size_t). Nothing is sent yet. */
void redis_command(struct redis *r, const char *fmt, ...);
/* Sends what was appended. On failure the appended commands are dropped. A kept connection that is found dead is made
 * anew, once: nothing had been sent on it. */
MUST_CHECK int redis_send(struct redis *r, struct deadline d);
/* The next reply, in order; at the latest operation_us after its send. A reply that is itself an error of the server's
 * state (READONLY, LOADING, MASTERDOWN, NOAUTH, MOVED, CLUSTERDOWN) drops the connection, so that the next request
 * resolves and connects afresh; other errors come back as REDIS_ERROR. More than 1 MiB, or nested too deep, drops it too.
 * -ERR_UNAVAILABLE at once when nothing is owed, because the send or an earlier reply failed. */
MUST_CHECK int redis_reply(
	struct redis *r, struct arena *arena, struct deadline d, struct redis_value *ret_value);
/* After a send: the next `n` replies do not matter; they are read and thrown away before the next one that does. */
void redis_forget(struct redis *r, int n);
/* After a request that was broken off in the middle: what was not sent is dropped, and if a reply is still owed that
 * nobody has forgotten, the connection too. */
void redis_reset(struct redis *r);

bool redis_is_up(const struct redis *r);
const char *redis_why(
	const struct redis *r);        /* why it last failed, for the log: no secret; "" if it never did */
int64_t redis_waited(struct redis *r); /* us spent waiting since it was last asked */

#endif
