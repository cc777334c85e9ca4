/*
 * What an organization grows or packs.
 */
#ifndef STORE_PRODUCT_H
#define STORE_PRODUCT_H

#include "store/store.h"

struct product {
	struct uuid id, organization_id;
	const char *name, *commodity, *variety;
	const char *gtin; /* 14 digits, NULL for none */
	int64_t version, created_at;
};

/* Commits with -ERR_GTIN_TAKEN when another product has the GTIN. */
void store_product_insert_send(struct db *db, const struct product *product);
/* Taken with store_owned_take(). */
void store_product_owned_send(struct db *db, struct uuid id, struct uuid organization_id);

/* -ERR_NOT_FOUND where the viewer may not see it. */
MUST_CHECK int store_product_get(
	struct db *db, struct uuid id, struct viewer viewer, struct product *ret_product);

/* Locks an organization's own product for a change, then changes it: name to gtin, and version, are as in the struct. The
 * commit fails with -ERR_GTIN_TAKEN as above. */
void store_product_lock_send(struct db *db, struct uuid id, struct uuid organization_id);
MUST_CHECK int store_product_lock_take(struct db *db, struct product *ret_product);
void store_product_update_send(struct db *db, const struct product *product);

MUST_CHECK int store_product_list(struct db *db, struct arena *arena, struct viewer viewer, struct page page,
	struct product **ret_products, int *ret_count);

#endif
