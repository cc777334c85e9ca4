/* Places: the table location. */
#include "store/location.h"

#include "base/err.h"

void store_location_insert_send(struct db *db, const struct location *l)
{
	DB_SEND(db, LOCATION_INSERT, db_uuid(l->id), db_uuid(l->organization_id), db_text(l->name),
		db_text(l->kind), db_numeric(l->latitude), db_numeric(l->longitude), db_text(l->country),
		db_text(l->region), db_text(l->gln), db_time(l->created_at));
}

void store_location_owned_send(struct db *db, struct uuid id, struct uuid organization_id)
{
	DB_SEND(db, LOCATION_OWNED, db_uuid(id), db_uuid(organization_id));
}

int store_owned_take(struct db *db, bool *ret_owned)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	*ret_owned = db_row(rows) && db_read_bool(rows);
	return 0;
}

static struct location location_read(struct rows *rows)
{
	struct location l;

	l.id = db_read_uuid(rows);
	l.organization_id = db_read_uuid(rows);
	l.name = db_read_text(rows);
	l.kind = db_read_text(rows);
	l.latitude = db_read_text(rows);
	l.longitude = db_read_text(rows);
	l.country = db_read_text(rows);
	l.region = db_read_text(rows);
	l.gln = db_read_text(rows);
	l.version = db_read_int(rows);
	l.created_at = db_read_time(rows);
	return l;
}

int store_location_get(struct db *db, struct uuid id, struct viewer viewer, struct location *ret_location)
{
	DB_SEND(db, LOCATION_BY_ID, db_uuid(id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all));
	TRY(db_flush(db));
	return store_location_lock_take(db, ret_location);
}

void store_location_lock_send(struct db *db, struct uuid id, struct uuid organization_id)
{
	DB_SEND(db, LOCATION_LOCK, db_uuid(id), db_uuid(organization_id));
}

int store_location_lock_take(struct db *db, struct location *ret_location)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_location = location_read(rows);
	return 0;
}

void store_location_update_send(struct db *db, const struct location *l)
{
	DB_SEND(db, LOCATION_UPDATE, db_uuid(l->id), db_text(l->name), db_text(l->kind),
		db_numeric(l->latitude), db_numeric(l->longitude), db_text(l->country), db_text(l->region),
		db_text(l->gln), db_int(l->version));
}

int store_location_list(struct db *db, struct arena *arena, struct viewer viewer, struct page page,
	struct location **ret_locations, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	if (viewer.sees_all)
		DB_SEND(db, LOCATION_LIST_ALL, db_uuid(page.after), db_int(page.limit + 1));
	else
		DB_SEND(db, LOCATION_LIST, db_uuid(viewer.organization_id), db_uuid(page.after),
			db_int(page.limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct location *list = arena_array(arena, struct location, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = location_read(rows);
	*ret_locations = list;
	*ret_count = n;
	return 0;
}
