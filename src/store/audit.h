/*
 * The audit log: who changed what, when, from what to what. A write adds its row in its own transaction; the service's role can
 * neither change nor delete one.
 *
 * Logging in, refreshing and logging out leave none: they change nothing that others see, a refresh every quarter of an hour for
 * everybody would bury what did change, and the request's line in nginx's log says who, when and from where. Ending a session
 * that one sees in a list is a change like others. A password's own row says that it was changed and by whom, never from what
 * to what.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdint.h>

#include "store/store.h"

struct audit {
	struct uuid id; /* made of `at`, so that the log is ordered by time */
	int64_t at;     /* wall us */
	struct uuid user_id, organization_id;
	const char *request_id, *action;
	struct uuid object_id;
	const char *before, *after; /* JSON, NULL for nothing */
	const char *reason;
};

struct audit_filter {
	struct uuid user_id, object_id; /* nil: any */
	int64_t from, to;               /* from <= at < to, wall us; DB_NO_TIME: no bound */
};

/* All but the id, which is made here. */
void store_audit_insert_send(struct db *db, const struct audit *row);

MUST_CHECK int store_audit_list(struct db *db, struct arena *arena, const struct audit_filter *filter,
	struct page page, struct audit **ret_rows, int *ret_count);

#endif
