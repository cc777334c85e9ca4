/*
 * The chain of a lot's events: what makes a history provable.
 *
 *   link 0 = SHA-256(the lot id's 16 bytes)
 *   link n = SHA-256(link n-1, 32 bytes || SHA-256(content n), 32 bytes || record time n, int64 big-endian us since 1970 UTC)
 */
#ifndef API_CHAIN_H
#define API_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "store/event.h"

void chain_start(struct uuid lot_id, uint8_t link[SHA256_SIZE]);
void chain_link(const uint8_t previous[SHA256_SIZE], const char *content, int64_t recorded_at,
	uint8_t link[SHA256_SIZE]);

/* An event's canonical JSON text: the keys that have a value, in alphabetical order, without white space. */
const char *chain_content(struct arena *arena, const struct event *event);

/* Where a history first does not add up. */
struct chain_break {
	struct uuid event_id; /* nil where the event itself is missing */
	int64_t position;
};

/* Recomputes every link from the stored texts, compares each text with its event's columns, positions with 1, 2, …, and the end
 * with what the lot's row says. True when all of it holds. */
bool chain_verify(struct arena *arena, const struct history *history, struct chain_break *ret_first);

#endif
