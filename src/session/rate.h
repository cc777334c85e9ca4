/*
 * The arithmetic of every limit: a sliding window, of which two numbers are kept.
 *
 * A window begins with the first thing that is counted. In the next one, which follows without a gap, what the one before
 * let through counts less and less, as if it had been spread evenly:
 *
 *   used = floor(previous x (window - age) / window) + current,   age: of the current window
 *
 * One more is let through while used < limit. Refused ones are not counted.
 *
 * Why not a count of each minute alone: that lets twice the limit through in one moment, at the turn of the minute. Here no
 * window lets more than `limit` through, and what comes after a full one comes evenly. It is one key and as many commands;
 * the time a refused client is told is the one at which it will be taken. Why not GCRA, which keeps one number: with room
 * for `limit` at once it lets twice that through in the first minute.
 */
#ifndef SESSION_RATE_H
#define SESSION_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	int64_t limit;  /* 0: none */
	int64_t window; /* us */
};

/* What is known of a key, `age` us into its current window; all zero: nothing. */
struct rate_count {
	int64_t age, current, previous;
};

/* What is left after a request. */
struct quota {
	int64_t limit; /* 0: nothing was counted */
	int64_t remaining;
	int64_t wait_us; /* once it is over there is one more; of a request that was refused: it would be taken */
	bool refused;
};

/* The same, `us` later. */
struct rate_count rate_later(struct rate rate, struct rate_count count, int64_t us);
int64_t rate_used(struct rate rate, struct rate_count count);
/* From the count after the request, which was let through or not. */
struct quota quota_of(struct rate rate, struct rate_count count, bool let);
/* Whole seconds that are enough, at least 1: for Retry-After. */
int quota_seconds(int64_t wait_us);

#endif
