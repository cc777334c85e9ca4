/* What happened to lots: the table event, and the trace that joins everything behind a code. */
#include "store/event.h"

#include "base/err.h"

enum {
	EVENTS_FIRST = 16, /* most lots have fewer */
	TRACE_EVENT = 13,  /* the column of a trace where its event begins: before it is the lot */
};

void store_event_insert_send(struct db *db, const struct event *e)
{
	DB_SEND(db, EVENT_INSERT, db_uuid(e->id), db_uuid(e->lot_id), db_int(e->position),
		db_uuid(e->organization_id), db_uuid(e->user_id), db_text(e->kind), db_time(e->at),
		db_uuid(e->location_id), db_numeric(e->temperature_c), db_numeric(e->humidity_pct),
		db_text(e->result), db_text(e->notes), db_time(e->recorded_at), db_text(e->content),
		db_bytes(e->hash, sizeof e->hash));
}

/* False for the empty right side of a LEFT JOIN. */
static bool event_read(struct rows *rows, struct event *ret_event)
{
	struct event e = { .id = db_read_uuid(rows) };

	if (uuid_is_nil(e.id))
		return false;
	e.lot_id = db_read_uuid(rows);
	e.position = db_read_int(rows);
	e.organization_id = db_read_uuid(rows);
	e.kind = db_read_text(rows);
	e.at = db_read_time(rows);
	e.location_id = db_read_uuid(rows);
	e.temperature_c = db_read_text(rows);
	e.humidity_pct = db_read_text(rows);
	e.result = db_read_text(rows);
	e.notes = db_read_text(rows);
	e.recorded_at = db_read_time(rows);
	e.content = db_read_text(rows);
	db_read_bytes(rows, e.hash, sizeof e.hash);
	e.place = ret_event->place;
	*ret_event = e;
	return true;
}

/* A list of unknown length, doubled in the arena. */
struct event_list {
	struct arena *arena;
	struct event *events;
	int count, room;
};

static void event_list_add(struct event_list *list, const struct event *event)
{
	if (list->count == list->room) {
		int room = MAX(2 * list->room, EVENTS_FIRST);
		list->events = arena_grow(list->arena, list->events,
			(size_t)list->room * sizeof *list->events, (size_t)room * sizeof *list->events);
		list->room = room;
	}
	list->events[list->count++] = *event;
}

int store_event_list(struct db *db, struct arena *arena, struct uuid lot_id, struct viewer viewer,
	int64_t after, int limit, struct event **ret_events, int *ret_count)
{
	struct event_list list = { .arena = arena };
	struct rows *rows;

	DB_SEND(db, EVENT_LIST, db_uuid(lot_id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all),
		db_int(after), db_int(limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	do {
		struct event e = { 0 };
		if (event_read(rows, &e))
			event_list_add(&list, &e);
	} while (db_row(rows));
	*ret_events = list.events;
	*ret_count = list.count;
	return 0;
}

int store_history(struct db *db, struct arena *arena, struct uuid lot_id, struct viewer viewer,
	struct history *ret_history)
{
	struct event_list list = { .arena = arena };
	struct history h;
	struct rows *rows;

	DB_SEND(db, LOT_HISTORY, db_uuid(lot_id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	do {
		struct event e = { 0 };
		h.lot_id = db_read_uuid(rows);
		h.event_count = db_read_int(rows);
		db_read_bytes(rows, h.chain_head, sizeof h.chain_head);
		if (event_read(rows, &e))
			event_list_add(&list, &e);
	} while (db_row(rows));
	h.events = list.events;
	h.count = list.count;
	*ret_history = h;
	return 0;
}

void store_trace_by_code_send(struct db *db, const char *public_code)
{
	DB_SEND(db, TRACE_BY_CODE, db_text(public_code));
}

void store_trace_by_gtin_send(struct db *db, const char *gtin14, const char *lot_code)
{
	DB_SEND(db, TRACE_BY_GTIN, db_text(gtin14), db_text(lot_code));
}

static void trace_read(struct rows *rows, struct trace *t)
{
	t->history.lot_id = db_read_uuid(rows);
	t->code = db_read_text(rows);
	t->quantity = db_read_text(rows);
	t->uom = db_read_text(rows);
	t->harvested_on = db_read_date(rows);
	t->status = db_read_text(rows);
	t->history.event_count = db_read_int(rows);
	db_read_bytes(rows, t->history.chain_head, sizeof t->history.chain_head);
	t->product = db_read_text(rows);
	t->variety = db_read_text(rows);
	t->producer = db_read_text(rows);
	t->origin = db_read_text(rows);
	t->region = db_read_text(rows);
}

int store_trace_take(struct db *db, struct arena *arena, struct trace *ret_trace)
{
	struct event_list list = { .arena = arena };
	struct trace t;
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	trace_read(rows, &t);
	do {
		db_skip_to(rows, TRACE_EVENT);
		struct event e = { .place = db_read_text(rows) };
		if (event_read(rows, &e))
			event_list_add(&list, &e);
	} while (db_row(rows));
	t.history.events = list.events;
	t.history.count = list.count;
	*ret_trace = t;
	return 0;
}
