/*
 * Rates of keys in a worker's own memory: what limits while Redis is away.
 *
 * A table of fixed size. Where a key finds no place it takes that of the one that is soonest over, so that a flood of keys
 * makes the table forget, never grow, and never refuse anybody for what another did. Keys are told apart by 64
 * bits of their SHA-256 with a random seed: none can be made to meet another.
 *
 * Each worker lets the whole limit through. A share of it would refuse an honest client: the kernel gives a lone client's
 * requests to the same worker again and again (EPOLLEXCLUSIVE wakes the first that is idle). What a flood gains is thus at
 * most limit x workers x tasks: 600 x 14 x 2 = 16 800 a minute from one address, while the outage lasts, with the template's
 * two tasks; and of passwords 5 x 2 x 2 = 20 in 15 minutes.
 */
#ifndef SESSION_RATE_TABLE_H
#define SESSION_RATE_TABLE_H

#include <stdint.h>

#include "session/rate.h"

enum {
	RATE_TABLE_SETS = 256,
	RATE_TABLE_WAYS = 8
}; /* 2048 keys of 24 bytes: 48 KiB, touched only when used */

struct rate_table {
	uint8_t seed[16];
	struct rate_entry {
		uint64_t key;
		int64_t over; /* monotonic us: when its next window ends, and nothing of it counts any more */
		uint32_t current, previous;
	} sets[RATE_TABLE_SETS][RATE_TABLE_WAYS];
};

void rate_table_init(struct rate_table *t); /* empty, with a seed of its own */
/* Counts one of `key` at `now` (monotonic us) if the limit lets it through; what is left either way. */
struct quota rate_table_take(struct rate_table *t, const char *key, struct rate rate, int64_t now);
/* Takes one back. */
void rate_table_give(struct rate_table *t, const char *key, struct rate rate, int64_t now);

#endif
