/*
 * Organizations: who the members of one act for. Approving a producer's lets it write.
 */
#ifndef STORE_ORGANIZATION_H
#define STORE_ORGANIZATION_H

#include "store/store.h"

struct organization {
	struct uuid id;
	const char *name, *kind;
	const char *tax_id, *gln; /* NULL: unknown; each one organization's alone */
	bool approved;
	int64_t version, created_at;
};

/* Commits with -ERR_TAX_ID_TAKEN or -ERR_GLN_TAKEN when another organization has it. */
void store_organization_insert_send(struct db *db, const struct organization *organization);

/* Whether there is one, for another write's first round trip; nil is none. */
void store_organization_exists_send(struct db *db, struct uuid id);
MUST_CHECK int store_organization_exists_take(struct db *db, bool *ret_exists);

MUST_CHECK int store_organization_get(struct db *db, struct uuid id, struct organization *ret_organization);

/* Locks it for a change, then changes it: name, approved and version are as in the struct. */
void store_organization_lock_send(struct db *db, struct uuid id);
MUST_CHECK int store_organization_lock_take(struct db *db, struct organization *ret_organization);
void store_organization_update_send(struct db *db, const struct organization *organization);

MUST_CHECK int store_organization_list(struct db *db, struct arena *arena, struct page page,
	struct organization **ret_organizations, int *ret_count);

#endif
