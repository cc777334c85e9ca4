/*
 * Lots as PostgreSQL keeps them. Knows SQL (queries.def) and struct lot; nothing of HTTP or JSON.
 */
#ifndef STORE_LOT_H
#define STORE_LOT_H

#include <stdint.h>

#include "crypto/digest.h"
#include "store/store.h"

enum { PUBLIC_CODE_LENGTH = 10 }; /* base 62: 59 bits, all random */

struct lot {
	struct uuid id, organization_id, product_id, origin_id;
	const char *public_code, *code;
	const char *quantity; /* decimal text, as it was given */
	const char *uom;
	int32_t harvested_on; /* days, DB_NO_DATE unknown */
	const char *status;
	int64_t version, created_at;
	uint8_t chain_head[SHA256_SIZE]; /* written by an insert, not read by lists */
};

struct lot_filter {
	const char *status, *code; /* NULL: any */
	struct uuid product_id;    /* nil: any */
	int32_t harvested_from, harvested_to;
};

/* A lot locked for an event to be added, and what was granted of it to the asking organization. */
struct lot_state {
	struct uuid organization_id;
	const char *status;
	int64_t status_at;                /* DB_NO_TIME until an event moved it */
	int64_t event_count, event_bytes; /* of their canonical texts */
	uint8_t chain_head[SHA256_SIZE];
	const char *
		access; /* "read", "record", NULL for nothing: it is one's own, or was taken back meanwhile */
};

/* Commits with -ERR_LOT_CODE_TAKEN when the product has a lot of that code. */
void store_lot_insert_send(struct db *db, const struct lot *lot);

/* The lot, if the viewer may see it; -ERR_NOT_FOUND otherwise, so that another organization's lot and a missing one cannot be
 * told apart. */
MUST_CHECK int store_lot_get(struct db *db, struct uuid id, struct viewer viewer, struct lot *ret_lot);

MUST_CHECK int store_lot_list(struct db *db, struct arena *arena, struct viewer viewer,
	const struct lot_filter *filter, struct page page, struct lot **ret_lots, int *ret_count);

/* Locks the lot's row until the transaction ends: its events are added one after another, and its grants are those of now.
 * -ERR_NOT_FOUND as above. */
void store_lot_lock_send(struct db *db, struct uuid id, struct uuid organization_id);
MUST_CHECK int store_lot_lock_take(struct db *db, struct lot_state *ret_state);
void store_lot_advance_send(struct db *db, struct uuid id, const struct lot_state *state);

/* The same lock for who owns the lot, or for an administrator; a grant opens nothing here. */
void store_lot_own_lock_send(struct db *db, struct uuid id, struct viewer viewer);
MUST_CHECK int store_lot_own_lock_take(struct db *db, struct lot *ret_lot);
/* Writes the struct's status and version; the time of the event that last moved it stays. */
void store_lot_set_status_send(struct db *db, const struct lot *lot);

#endif
