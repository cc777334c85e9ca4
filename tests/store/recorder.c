/* A write as a handler makes it, without HTTP around it. */
#include "recorder.h"

#include <string.h>

#include "api/chain.h"
#include "base/err.h"
#include "crypto/random.h"

struct writer writer_of(const struct farm *f, const char *key, const char *what)
{
	struct writer w = {
		.user_id = f->user_id,
		.key = key,
		.now = f->now,
		.request_id = "r-1",
		.action = "POST /v1/lots/{id}/events",
	};

	memcpy(w.access_hash, f->access_hash, sizeof w.access_hash);
	sha256(what, strlen(what), w.fingerprint);
	return w;
}

int record_begin(struct db *db, const struct farm *f, const struct writer *w, struct lot_state *ret_lot,
	struct answer *ret_answer)
{
	struct session session;

	store_write_begin(db, w);
	store_lot_lock_send(db, f->lot_id, f->organization_id);
	TRY(store_write_check(db, w, &session, ret_answer));
	ck_assert(uuid_equal(session.user_id, f->user_id));
	return store_lot_lock_take(db, ret_lot);
}

int record_commit(struct db *db, const struct farm *f, const struct writer *w, struct lot_state *lot)
{
	struct event e = {
		.id = random_uuid(),
		.lot_id = f->lot_id,
		.position = ++lot->event_count,
		.organization_id = f->organization_id,
		.user_id = f->user_id,
		.kind = "HARVEST",
		.at = w->now,
		.temperature_c = "4.50",
		.notes = "de la mañana",
		.recorded_at = w->now,
	};
	const struct answer answer = {
		.status = 201,
		.location = w->key ? arena_printf(&memory, "/events/%s", w->key) : NULL,
		.body = arena_printf(&memory, "{\"id\":\"%s\"}", uuid_text(e.id)),
	};

	e.content = chain_content(&memory, &e);
	chain_link(lot->chain_head, e.content, e.recorded_at, e.hash);
	memcpy(lot->chain_head, e.hash, sizeof e.hash);
	store_event_insert_send(db, &e);
	store_lot_advance_send(db, f->lot_id, lot);
	return store_write_commit(db, w, &answer, 2);
}

int record_once(struct db *db, const struct farm *f, const struct writer *w, struct answer *ret_answer)
{
	struct lot_state lot;

	TRY(record_begin(db, f, w, &lot, ret_answer));
	return record_commit(db, f, w, &lot);
}

int record_event(struct db *db, const struct farm *f, const struct writer *w, struct answer *ret_answer)
{
	int err = -ERR_TRY_AGAIN;

	begin(db, PATIENT_MS);
	for (int attempt = 0; attempt < 3 && err == -ERR_TRY_AGAIN; attempt++) {
		err = record_once(db, f, w, ret_answer);
		db_finish(db);
	}
	return err;
}

int64_t events_of(const struct farm *f)
{
	return number(owner, "SELECT count(*) FROM event WHERE lot_id = '%s'", uuid_text(f->lot_id));
}

void expect_whole_history(const struct farm *f, int64_t events)
{
	struct db *db = app_open();
	struct chain_break first;
	struct history h;

	ck_assert_ok(store_history(db, &memory, f->lot_id, (struct viewer){ .sees_all = true }, &h));
	ck_assert_int_eq(h.count, events);
	ck_assert_int_eq(h.event_count, events);
	for (int i = 0; i < h.count; i++)
		ck_assert_int_eq(h.events[i].position, i + 1);
	ck_assert_msg(chain_verify(&memory, &h, &first), "broken at %d", (int)first.position);
	db_free(db);
}
