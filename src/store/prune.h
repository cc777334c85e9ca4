/*
 * Pruning: rows whose time is over are deleted, oldest first, a batch a transaction, so that nobody waits for it. One process
 * at a time.
 */
#ifndef STORE_PRUNE_H
#define STORE_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/db.h"

enum prune { PRUNE_SESSIONS, PRUNE_IDEMPOTENCY_KEYS, PRUNE_AUDIT, PRUNE_COUNT };

const char *prune_name(enum prune what); /* "expired sessions" */

/* Whether it is this process's turn, for as long as the connection lasts. */
MUST_CHECK int store_prune_lock(struct db *db, bool *ret_mine);
/* Deletes at most `limit` rows that are over at `now` (wall us); *ret_count may be less than there are. */
MUST_CHECK int store_prune(struct db *db, enum prune what, int64_t now, int limit, int64_t *ret_count);

#endif
