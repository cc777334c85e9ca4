/* Who besides its owner may see a lot or record on it: the table lot_grant. */
#include "store/grant.h"

#include "base/err.h"

static struct grant grant_read(struct rows *rows)
{
	struct grant g;

	g.organization_id = db_read_uuid(rows);
	g.access = db_read_text(rows);
	g.created_at = db_read_time(rows);
	return g;
}

int store_grant_list(struct db *db, struct arena *arena, struct uuid lot_id, struct viewer viewer,
	struct page page, struct grant **ret_grants, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	DB_SEND(db, GRANT_LIST, db_uuid(lot_id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all),
		db_uuid(page.after), db_int(page.limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	struct grant *list = arena_array(arena, struct grant, (size_t)page.limit + 1);
	do {
		list[n] = grant_read(rows);
		n += !uuid_is_nil(list[n].organization_id); /* nil: the lot alone */
	} while (n <= page.limit && db_row(rows));
	*ret_grants = list;
	*ret_count = n;
	return 0;
}

void store_grant_get_send(struct db *db, struct uuid lot_id, struct uuid organization_id)
{
	DB_SEND(db, GRANT_GET, db_uuid(lot_id), db_uuid(organization_id));
}

int store_grant_get_take(struct db *db, struct grant *ret_grant)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_grant = grant_read(rows);
	return 0;
}

void store_grant_put_send(struct db *db, struct uuid lot_id, const struct grant *g)
{
	DB_SEND(db, GRANT_PUT, db_uuid(lot_id), db_uuid(g->organization_id), db_text(g->access),
		db_time(g->created_at));
}

void store_grant_delete_send(struct db *db, struct uuid lot_id, struct uuid organization_id)
{
	DB_SEND(db, GRANT_DELETE, db_uuid(lot_id), db_uuid(organization_id));
}
