/* The audit log as it is read: newest first, by user, by object and by time, in pages. */
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "crypto/random.h"
#include "database.h"
#include "store/audit.h"

enum { ALL = 100 };

static const struct audit_filter any = { .from = DB_NO_TIME, .to = DB_NO_TIME };

/* Four rows, each a microsecond after the one before: a b a b wrote 1 1 2 2. */
struct log {
	struct uuid user[2], object[2];
	int64_t start;
};

static struct log log_new(void)
{
	struct log l = { .start = clock_wall() };
	struct db *db = app_open();

	for (int i = 0; i < 2; i++) {
		l.user[i] = random_uuid();
		l.object[i] = random_uuid();
	}
	for (int i = 0; i < 4; i++) {
		const struct audit row = { .at = l.start + i,
			.user_id = l.user[i % 2],
			.request_id = arena_printf(&memory, "%d", i),
			.action = "PUT /x",
			.object_id = l.object[i / 2],
			.before = i ? "{\"a\":1}" : NULL };
		store_audit_insert_send(db, &row);
	}
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_results(db, 4));
	db_free(db);
	return l;
}

/* The rows a list shows, by request id: "3 2 1 0". */
static const char *listed(const struct audit_filter *filter, int limit)
{
	struct page page = { .limit = limit };
	struct buf ids;
	struct db *db = app_open();

	memset(page.after.b, 0xff, sizeof page.after.b);
	buf_init(&ids, &memory, 4096);
	buf_add_text(&ids, "");
	for (int count = limit + 1; count > limit;) {
		struct audit *rows;
		ck_assert_ok(store_audit_list(db, &memory, filter, page, &rows, &count));
		for (int i = 0; i < MIN(count, limit); i++)
			buf_printf(&ids, "%s%s", ids.len ? " " : "", rows[i].request_id);
		if (count > limit)
			page.after = rows[limit - 1].id;
	}
	db_free(db);
	return ids.len ? ids.data : "";
}

START_TEST(a_row_comes_back_as_it_was_written)
{
	const struct log l = log_new();
	const struct audit_filter filter = { .object_id = l.object[0], .from = DB_NO_TIME, .to = DB_NO_TIME };
	struct page page = { .limit = 5 };
	struct db *db = app_open();
	struct audit *rows;
	int count;

	memset(page.after.b, 0xff, sizeof page.after.b);
	ck_assert_ok(store_audit_list(db, &memory, &filter, page, &rows, &count));
	ck_assert_int_eq(count, 2);
	ck_assert_int_eq(rows[0].at, l.start + 1);
	ck_assert(uuid_equal(rows[0].user_id, l.user[1]));
	ck_assert(uuid_is_nil(rows[0].organization_id));
	ck_assert_str_eq(rows[0].action, "PUT /x");
	ck_assert(uuid_equal(rows[0].object_id, l.object[0]));
	ck_assert_str_eq(rows[0].before, "{\"a\": 1}");
	ck_assert_ptr_null(rows[0].after);
	ck_assert_ptr_null(rows[0].reason);
	ck_assert_ptr_null(rows[1].before);
	db_free(db);
}
END_TEST

START_TEST(pages_of_any_size_give_each_row_once_newest_first)
{
	const struct log l = log_new();
	struct audit_filter filter = any;

	filter.from = l.start; /* other tests' rows are older */
	for (int limit = 1; limit <= 5; limit++)
		ck_assert_str_eq(listed(&filter, limit), "3 2 1 0");
}
END_TEST

START_TEST(a_user_and_an_object_filter)
{
	const struct log l = log_new();
	struct audit_filter filter = any;

	filter.user_id = l.user[1];
	ck_assert_str_eq(listed(&filter, ALL), "3 1");
	ck_assert_str_eq(listed(&filter, 1), "3 1");
	filter.object_id = l.object[0];
	ck_assert_str_eq(listed(&filter, ALL), "1");
	filter.user_id = any.user_id;
	ck_assert_str_eq(listed(&filter, 1), "1 0");
	filter.object_id = random_uuid();
	ck_assert_str_eq(listed(&filter, ALL), "");
}
END_TEST

START_TEST(a_range_of_times_holds_its_beginning_and_not_its_end)
{
	const struct log l = log_new();
	struct audit_filter filter = any;

	filter.from = l.start;
	filter.to = l.start + 4;
	ck_assert_str_eq(listed(&filter, ALL), "3 2 1 0");
	filter.from = l.start + 1;
	filter.to = l.start + 3;
	for (int limit = 1; limit <= 3; limit++)
		ck_assert_str_eq(listed(&filter, limit), "2 1");
	filter.user_id = l.user[1];
	ck_assert_str_eq(listed(&filter, ALL), "1");
	filter.object_id = l.object[1];
	ck_assert_str_eq(listed(&filter, ALL), "");
	filter = any;
	filter.object_id = l.object[1];
	filter.to = l.start + 3;
	ck_assert_str_eq(listed(&filter, ALL), "2");
	filter.to = l.start; /* nothing is before what is */
	ck_assert_str_eq(listed(&filter, ALL), "");
}
END_TEST

START_TEST(times_of_long_ago_and_far_off_are_times)
{
	const struct log l = log_new();
	struct audit_filter filter = { .object_id = l.object[0] };
	int64_t year_1970, year_9999;

	ck_assert_int_eq(time_parse("1970-01-01T00:00:00Z", 20, &year_1970), 0);
	ck_assert_int_eq(time_parse("9999-12-31T23:59:59Z", 20, &year_9999), 0);
	filter.from = year_1970;
	filter.to = year_9999;
	ck_assert_str_eq(listed(&filter, ALL), "1 0");
	filter.from = year_9999;
	ck_assert_str_eq(listed(&filter, ALL), "");
	filter.from = filter.to = year_1970;
	ck_assert_str_eq(listed(&filter, ALL), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_row_comes_back_as_it_was_written,
		pages_of_any_size_give_each_row_once_newest_first,
		a_user_and_an_object_filter,
		a_range_of_times_holds_its_beginning_and_not_its_end,
		times_of_long_ago_and_far_off_are_times,
	};

	return database_suite_run("audit", tests, ARRAY_SIZE(tests));
}
