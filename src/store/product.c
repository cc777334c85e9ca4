/* What is grown or packed: the table product. */
#include "store/product.h"

#include "base/err.h"

void store_product_insert_send(struct db *db, const struct product *p)
{
	DB_SEND(db, PRODUCT_INSERT, db_uuid(p->id), db_uuid(p->organization_id), db_text(p->name),
		db_text(p->commodity), db_text(p->variety), db_text(p->gtin), db_time(p->created_at));
}

void store_product_owned_send(struct db *db, struct uuid id, struct uuid organization_id)
{
	DB_SEND(db, PRODUCT_OWNED, db_uuid(id), db_uuid(organization_id));
}

static struct product product_read(struct rows *rows)
{
	struct product p;

	p.id = db_read_uuid(rows);
	p.organization_id = db_read_uuid(rows);
	p.name = db_read_text(rows);
	p.commodity = db_read_text(rows);
	p.variety = db_read_text(rows);
	p.gtin = db_read_text(rows);
	p.version = db_read_int(rows);
	p.created_at = db_read_time(rows);
	return p;
}

int store_product_get(struct db *db, struct uuid id, struct viewer viewer, struct product *ret_product)
{
	DB_SEND(db, PRODUCT_BY_ID, db_uuid(id), db_uuid(viewer.organization_id), db_bool(viewer.sees_all));
	TRY(db_flush(db));
	return store_product_lock_take(db, ret_product);
}

void store_product_lock_send(struct db *db, struct uuid id, struct uuid organization_id)
{
	DB_SEND(db, PRODUCT_LOCK, db_uuid(id), db_uuid(organization_id));
}

int store_product_lock_take(struct db *db, struct product *ret_product)
{
	struct rows *rows;

	TRY(db_result(db, &rows));
	if (!db_row(rows))
		return -ERR_NOT_FOUND;
	*ret_product = product_read(rows);
	return 0;
}

void store_product_update_send(struct db *db, const struct product *p)
{
	DB_SEND(db, PRODUCT_UPDATE, db_uuid(p->id), db_text(p->name), db_text(p->commodity),
		db_text(p->variety), db_text(p->gtin), db_int(p->version));
}

int store_product_list(struct db *db, struct arena *arena, struct viewer viewer, struct page page,
	struct product **ret_products, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	if (viewer.sees_all)
		DB_SEND(db, PRODUCT_LIST_ALL, db_uuid(page.after), db_int(page.limit + 1));
	else
		DB_SEND(db, PRODUCT_LIST, db_uuid(viewer.organization_id), db_uuid(page.after),
			db_int(page.limit + 1));
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct product *list = arena_array(arena, struct product, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = product_read(rows);
	*ret_products = list;
	*ret_count = n;
	return 0;
}
