/*
 * Grants: what the owner of a lot lets other organizations do with it. They change under the lot's lock (store/lot.h), as its
 * events do, so that an event is recorded before its right was taken back or not at all.
 */
#ifndef STORE_GRANT_H
#define STORE_GRANT_H

#include <stdint.h>

#include "store/store.h"

struct grant {
	struct uuid organization_id; /* to whom; first, for it is what a page of a list begins after */
	const char *access;          /* "read" or "record" */
	int64_t created_at;          /* wall us; stays when the access changes */
};

/* By organization; -ERR_NOT_FOUND where the viewer neither owns the lot nor sees all. */
MUST_CHECK int store_grant_list(struct db *db, struct arena *arena, struct uuid lot_id, struct viewer viewer,
	struct page page, struct grant **ret_grants, int *ret_count);

/* -ERR_NOT_FOUND where there is none. */
void store_grant_get_send(struct db *db, struct uuid lot_id, struct uuid organization_id);
MUST_CHECK int store_grant_get_take(struct db *db, struct grant *ret_grant);

/* Commits with -ERR_NOT_FOUND when there is no such organization. */
void store_grant_put_send(struct db *db, struct uuid lot_id, const struct grant *grant);
void store_grant_delete_send(struct db *db, struct uuid lot_id, struct uuid organization_id);

#endif
