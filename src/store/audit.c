/* Who changed what: the table audit. */
#include "store/audit.h"

#include <string.h>

#include "crypto/random.h"

void store_audit_insert_send(struct db *db, const struct audit *a)
{
	DB_SEND(db, AUDIT_INSERT, db_uuid(random_uuid_at(a->at)), db_time(a->at), db_uuid(a->user_id),
		db_uuid(a->organization_id), db_text(a->request_id), db_text(a->action),
		db_uuid(a->object_id), db_text(a->before), db_text(a->after), db_text(a->reason));
}

static struct audit audit_read(struct rows *rows)
{
	struct audit a;

	a.id = db_read_uuid(rows);
	a.at = db_read_time(rows);
	a.user_id = db_read_uuid(rows);
	a.organization_id = db_read_uuid(rows);
	a.request_id = db_read_text(rows);
	a.action = db_read_text(rows);
	a.object_id = db_read_uuid(rows);
	a.before = db_read_text(rows);
	a.after = db_read_text(rows);
	a.reason = db_read_text(rows);
	return a;
}

/* The least id of that moment; of 1970 where there is no bound. */
static struct uuid first_id_at(int64_t wall)
{
	static const uint8_t zeros[8];

	return uuid_v7(MAX(wall, 0), zeros);
}

static void list_send(struct db *db, const struct audit_filter *filter, struct page page)
{
	struct uuid below = page.after;
	const struct db_value floor = db_uuid(first_id_at(filter->from)), limit = db_int(page.limit + 1);

	if (filter->to != DB_NO_TIME) {
		struct uuid end = first_id_at(filter->to);
		below = memcmp(end.b, below.b, sizeof end.b) < 0 ? end : below;
	}
	if (!uuid_is_nil(filter->object_id))
		DB_SEND(db, AUDIT_LIST_OF_OBJECT, floor, db_uuid(below), limit, db_uuid(filter->user_id),
			db_uuid(filter->object_id));
	else if (!uuid_is_nil(filter->user_id))
		DB_SEND(db, AUDIT_LIST_OF_USER, floor, db_uuid(below), limit, db_uuid(filter->user_id));
	else
		DB_SEND(db, AUDIT_LIST, floor, db_uuid(below), limit);
}

int store_audit_list(struct db *db, struct arena *arena, const struct audit_filter *filter, struct page page,
	struct audit **ret_rows, int *ret_count)
{
	struct rows *rows;
	int n = 0;

	list_send(db, filter, page);
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	struct audit *list = arena_array(arena, struct audit, (size_t)page.limit + 1);
	while (n <= page.limit && db_row(rows))
		list[n++] = audit_read(rows);
	*ret_rows = list;
	*ret_count = n;
	return 0;
}
