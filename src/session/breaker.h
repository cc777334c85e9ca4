/*
 * A circuit breaker: after failures in a row nothing is tried for a while, then again, gently. Its process's own.
 *
 * Closed, everything goes. The second failure in a row opens it for a random time below 50 ms; each further one doubles
 * that bound, up to 2 s (full jitter, so that many workers do not come back at the same moment). When the time is over,
 * one try may go (half-open), until it ends in breaker_failed() or breaker_succeeded().
 */
#ifndef SESSION_BREAKER_H
#define SESSION_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: closed. */
struct breaker {
	int failures;
	int64_t until; /* monotonic us: nothing is tried before it */
};

bool breaker_is_open(const struct breaker *b); /* open or half-open: not trusted */
bool breaker_refuses(const struct breaker *b); /* open, and its time is not over */
void breaker_failed(struct breaker *b);
void breaker_succeeded(struct breaker *b);

#endif
