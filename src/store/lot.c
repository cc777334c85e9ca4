/* Lots: the table lot, seen through lot_grant. */
#include "store/lot.h"

#include "base/err.h"
#include "store/grant.h"

void store_lot_insert_send(struct db *db, const struct lot *l)
{
	DB_SEND(db, LOT_INSERT, db_uuid(l->id), db_uuid(l->organization_id), db_uuid(l->product_id),
		db_uuid(l->origin_id), db_text(l->public_code), db_text(l->code), db_numeric(l->quantity),
		db_text(l->uom), db_date(l->harvested_on), db_bytes(l->chain_head, sizeof l->chain_head),
		db_time(l->created_at));
}

static struct lot lot_read(struct rows *rows)
{
	struct lot l;

	l.id = db_read_uuid(rows);
	l.organization_id = db_read_uuid(rows);
	l.product_id = db_read_uuid(rows);
	l.origin_id = db_read_uuid(rows);
	l.public_code = db_read_text(rows);
	l.code = db_read_text(rows);
	l.quantity = db_read_text(rows);
	l.uom = db_read_text(rows);
	l.harvested_on = db_read_date(rows);
	l.status = db_read_text(rows);
	l.version = db_read_int(rows);
	l.created_at = db_read_time(rows);
	return l;
}

int store_lot_get(struct db *db, struct uuid id, struct viewer viewer, struct lot *ret_lot)
{
	DB_SEND(db, LOT_BY_ID, db_uuid(id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all));
	TRY(db_flush(db));
	return store_lot_own_lock_take(db, ret_lot);
}

int store_lot_list(struct db *db, struct arena *arena, struct viewer viewer, const struct lot_filter *filter,
	struct page page, struct lot **ret_lots, int *ret_count)
{
	const struct uuid owner = viewer.sees_all ? (struct uuid){ { 0 } } : viewer.organization_id;
	const struct db_value values[DB_PARAMS_MAX] = {
		db_uuid(owner),
		db_uuid(page.after),
		db_int(page.limit + 1),
		db_text(filter->status),
		db_uuid(filter->product_id),
		db_text(filter->code),
		db_date(filter->harvested_from),
		db_date(filter->harvested_to),
	};
	struct rows *rows;
	int n = 0;

	db_send(db, viewer.sees_all ? QUERY_LOT_LIST_ALL : QUERY_LOT_LIST, values);
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct lot *list = arena_array(arena, struct lot, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = lot_read(rows);
	*ret_lots = list;
	*ret_count = n;
	return 0;
}

void store_lot_lock_send(struct db *db, struct uuid id, struct uuid organization_id)
{
	DB_SEND(db, LOT_LOCK, db_uuid(id), db_uuid(organization_id));
	store_grant_get_send(db, id, organization_id);
}

int store_lot_lock_take(struct db *db, struct lot_state *ret_state)
{
	struct grant grant = { .access = NULL };
	struct lot_state s;
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	s.organization_id = db_read_uuid(rows);
	s.status = db_read_text(rows);
	s.status_at = db_read_time(rows);
	s.event_count = db_read_int(rows);
	s.event_bytes = db_read_int(rows);
	db_read_bytes(rows, s.chain_head, sizeof s.chain_head);
	int err = store_grant_get_take(db, &grant);
	if (err && err != -ERR_NOT_FOUND)
		return err;
	s.access = grant.access;
	*ret_state = s;
	return 0;
}

void store_lot_advance_send(struct db *db, struct uuid id, const struct lot_state *s)
{
	DB_SEND(db, LOT_ADVANCE, db_uuid(id), db_text(s->status), db_time(s->status_at),
		db_int(s->event_count), db_int(s->event_bytes),
		db_bytes(s->chain_head, sizeof s->chain_head));
}

void store_lot_own_lock_send(struct db *db, struct uuid id, struct viewer viewer)
{
	DB_SEND(db, LOT_OWN_LOCK, db_uuid(id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all));
}

int store_lot_own_lock_take(struct db *db, struct lot *ret_lot)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_lot = lot_read(rows);
	return 0;
}

void store_lot_set_status_send(struct db *db, const struct lot *l)
{
	DB_SEND(db, LOT_SET_STATUS, db_uuid(l->id), db_text(l->status), db_int(l->version));
}
