/*
 * What happened to lots: append-only, each event linked to the one before it.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdint.h>

#include "crypto/digest.h"
#include "store/store.h"

struct event {
	struct uuid id, lot_id;
	int64_t position; /* 1, 2, … within its lot */
	struct uuid organization_id;
	struct uuid user_id; /* written by an insert, never read: no person is named in a history */
	const char *kind;
	int64_t at; /* when it happened, wall us */
	struct uuid location_id;
	const char *temperature_c, *humidity_pct; /* decimal text, NULL unknown */
	const char *result, *notes;
	int64_t recorded_at;       /* when we were told, wall us */
	const char *content;       /* canonical JSON text: what is hashed */
	uint8_t hash[SHA256_SIZE]; /* its link */
	const char *place;         /* its location's name and region; in traces only */
};

/* A lot's whole history of one moment, and what the lot's row says it must add up to. */
struct history {
	struct uuid lot_id;
	int64_t event_count;
	uint8_t chain_head[SHA256_SIZE];
	struct event *events;
	int count;
};

/* What a public code leads to. */
struct trace {
	const char *code, *quantity, *uom, *status;
	int32_t harvested_on;
	const char *product, *variety, *producer;
	const char *origin, *region; /* where it was grown, name and region; the region alone */
	struct history history;
};

void store_event_insert_send(struct db *db, const struct event *event);

/* Events after position `after`, at most `limit` + 1; -ERR_NOT_FOUND when the viewer may not see the lot. */
MUST_CHECK int store_event_list(struct db *db, struct arena *arena, struct uuid lot_id, struct viewer viewer,
	int64_t after, int limit, struct event **ret_events, int *ret_count);
MUST_CHECK int store_history(struct db *db, struct arena *arena, struct uuid lot_id, struct viewer viewer,
	struct history *ret_history);

/* By public code, or by GTIN (14 digits) and lot code; two halves, so that the rate limit can be asked for meanwhile. */
void store_trace_by_code_send(struct db *db, const char *public_code);
void store_trace_by_gtin_send(struct db *db, const char *gtin14, const char *lot_code);
MUST_CHECK int store_trace_take(struct db *db, struct arena *arena, struct trace *ret_trace);

#endif
