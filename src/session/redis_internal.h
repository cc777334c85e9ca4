/*
 * What redis.c (exchanges) and redis_connect.c (the way to a connection) share. Nobody else's.
 */
#ifndef SESSION_REDIS_INTERNAL_H
#define SESSION_REDIS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/resolve.h"
#include "session/breaker.h"
#include "session/channel.h"
#include "session/redis.h"
#include "session/redis_url.h"
#include "session/resp.h"
#include "session/tls.h"

/* How far the connection is; each state but the first and the last waits for the socket. */
enum redis_state { REDIS_CLOSED, REDIS_CONNECTING, REDIS_SECURING, REDIS_GREETING, REDIS_UP };

struct redis {
	struct redis_url url;
	int64_t operation_us;
	struct tls_trust *trust;       /* NULL: plain */
	struct resp_commands greeting; /* AUTH and SELECT as needed, and PING, in one write */
	struct resolver resolver;
	struct breaker breaker;

	enum redis_state state;
	int64_t attempt_began; /* 0: no attempt to connect is under way */
	struct channel channel;
	struct resp_reader *reader;

	struct deadline limit; /* of the exchange: operation_us after it began */
	struct resp_commands commands;
	const char *unsent; /* what is left of the greeting or the commands */
	size_t unsent_length;
	int owed, forgotten; /* replies still to come; those of them, the first ones, that nobody wants */

	int64_t waited;
	char why[160];
};

/* Up, or -ERR_UNAVAILABLE: the breaker refuses, connecting failed (counted) or goes on at the next call. */
MUST_CHECK int redis_establish(struct redis *r, struct deadline d);

int redis_failed(struct redis *r, const char *why); /* remembers why; -ERR_UNAVAILABLE */
/* The same with an error's code alone: its text may repeat the command, and with it a password. */
int redis_refused(struct redis *r, const char *what, const struct redis_value *v);
int redis_channel_result(struct redis *r, int err); /* `err` of a channel_ function, its reason remembered */
void redis_drop(struct redis *r);                   /* closes the connection; what was owed is lost */
int redis_give_up(struct redis *r);                 /* the same, counted as a failure; -ERR_UNAVAILABLE */

/* As far as possible without waiting: 0, -ERR_TRY_AGAIN, -ERR_UNAVAILABLE. redis_take() is one reply, forgotten or not;
 * an error of the server's state counts as no reply. */
MUST_CHECK int redis_flush(struct redis *r);
MUST_CHECK int redis_take(struct redis *r, struct arena *arena, struct redis_value *ret_value);
/* Waits for what the last of them lacked. False: the deadline came first. */
MUST_CHECK bool redis_await_socket(struct redis *r, struct deadline d);

#endif
