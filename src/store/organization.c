/* Who people act for: the table organization. */
#include "store/organization.h"

#include "base/err.h"

void store_organization_insert_send(struct db *db, const struct organization *o)
{
	DB_SEND(db, ORGANIZATION_INSERT, db_uuid(o->id), db_text(o->name), db_text(o->kind),
		db_text(o->tax_id), db_text(o->gln), db_time(o->created_at));
}

void store_organization_exists_send(struct db *db, struct uuid id)
{
	DB_SEND(db, ORGANIZATION_EXISTS, db_uuid(id));
}

int store_organization_exists_take(struct db *db, bool *ret_exists)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	*ret_exists = db_row(rows) && db_read_bool(rows);
	return 0;
}

static struct organization organization_read(struct rows *rows)
{
	struct organization o;

	o.id = db_read_uuid(rows);
	o.name = db_read_text(rows);
	o.kind = db_read_text(rows);
	o.tax_id = db_read_text(rows);
	o.gln = db_read_text(rows);
	o.approved = db_read_bool(rows);
	o.version = db_read_int(rows);
	o.created_at = db_read_time(rows);
	return o;
}

int store_organization_get(struct db *db, struct uuid id, struct organization *ret_organization)
{
	DB_SEND(db, ORGANIZATION_BY_ID, db_uuid(id));
	TRY(db_flush(db));
	return store_organization_lock_take(db, ret_organization);
}

void store_organization_lock_send(struct db *db, struct uuid id)
{
	DB_SEND(db, ORGANIZATION_LOCK, db_uuid(id));
}

int store_organization_lock_take(struct db *db, struct organization *ret_organization)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_organization = organization_read(rows);
	return 0;
}

void store_organization_update_send(struct db *db, const struct organization *o)
{
	DB_SEND(db, ORGANIZATION_UPDATE, db_uuid(o->id), db_text(o->name), db_bool(o->approved),
		db_int(o->version));
}

int store_organization_list(struct db *db, struct arena *arena, struct page page,
	struct organization **ret_organizations, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	DB_SEND(db, ORGANIZATION_LIST, db_uuid(page.after), db_int(page.limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct organization *list = arena_array(arena, struct organization, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = organization_read(rows);
	*ret_organizations = list;
	*ret_count = n;
	return 0;
}
