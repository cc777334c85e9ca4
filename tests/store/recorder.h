/*
 * A write as a handler makes it: an event recorded on a farm's lot, under a key or without.
 */
#ifndef TESTS_STORE_RECORDER_H
#define TESTS_STORE_RECORDER_H

#include "database.h"
#include "store/event.h"
#include "store/lot.h"
#include "store/write.h"

/* Of a farm's session; `key` may be NULL, `what` is what the fingerprint is made of. */
struct writer writer_of(const struct farm *f, const char *key, const char *what);

/* The first of its two round trips: 0 with the lot locked and the transaction open, or what the handler would answer. */
MUST_CHECK int record_begin(struct db *db, const struct farm *f, const struct writer *w,
	struct lot_state *ret_lot, struct answer *ret_answer);
/* The second. The stored answer is 201, "/events/KEY", and a body that names the event. */
MUST_CHECK int record_commit(
	struct db *db, const struct farm *f, const struct writer *w, struct lot_state *lot);
/* Both, once. */
MUST_CHECK int record_once(
	struct db *db, const struct farm *f, const struct writer *w, struct answer *ret_answer);
/* As the service does it: at most three times while it is told to try again, and the transaction finished. */
MUST_CHECK int record_event(
	struct db *db, const struct farm *f, const struct writer *w, struct answer *ret_answer);

int64_t events_of(const struct farm *f);
/* Fails the test unless the lot's positions are 1, 2, … without a gap, its row agrees, and its chain holds. */
void expect_whole_history(const struct farm *f, int64_t events);

#endif
