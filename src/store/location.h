/*
 * Places of an organization: farms, packing houses, ports, stores.
 */
#ifndef STORE_LOCATION_H
#define STORE_LOCATION_H

#include "store/store.h"

struct location {
	struct uuid id, organization_id;
	const char *name, *kind;
	const char *latitude, *longitude; /* degrees, decimal text; NULL unknown */
	const char *country, *region, *gln;
	int64_t version, created_at;
};

void store_location_insert_send(struct db *db, const struct location *location);
/* Whether `organization_id` has it: two halves, for a write's first round trip. */
void store_location_owned_send(struct db *db, struct uuid id, struct uuid organization_id);
MUST_CHECK int store_owned_take(struct db *db, bool *ret_owned);

/* -ERR_NOT_FOUND where the viewer may not see it. */
MUST_CHECK int store_location_get(
	struct db *db, struct uuid id, struct viewer viewer, struct location *ret_location);

/* Locks an organization's own location for a change, then changes it: name to gln, and version, are as in the struct. */
void store_location_lock_send(struct db *db, struct uuid id, struct uuid organization_id);
MUST_CHECK int store_location_lock_take(struct db *db, struct location *ret_location);
void store_location_update_send(struct db *db, const struct location *location);

/* A page, newest first, with one row more than page.limit when another follows. */
MUST_CHECK int store_location_list(struct db *db, struct arena *arena, struct viewer viewer, struct page page,
	struct location **ret_locations, int *ret_count);

#endif
