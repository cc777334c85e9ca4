/* What is seen of lots: one's own and what was granted, in pages and through filters; their history; the public trace. */
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "recorder.h"

enum { ALL = 100 };

static const struct lot_filter any = { .harvested_from = DB_NO_DATE, .harvested_to = DB_NO_DATE };

static struct viewer organization(const struct farm *f)
{
	return (struct viewer){ f->organization_id, false };
}

static const struct viewer administrator = { .sees_all = true };

static void grant(const struct farm *lot, const struct farm *to, const char *access)
{
	run(owner,
		"INSERT INTO lot_grant (lot_id, organization_id, access, created_at) VALUES ('%s', '%s', "
		"'%s', now())",
		uuid_text(lot->lot_id), uuid_text(to->organization_id), access);
}

/* The codes a list shows, newest first: "L-1 L-3 L-2". */
static const char *listed(struct viewer viewer, const struct lot_filter *filter, int limit)
{
	struct page page = { .limit = limit };
	struct buf codes;
	struct db *db = app_open();

	memset(page.after.b, 0xff, sizeof page.after.b);
	buf_init(&codes, &memory, 4096);
	buf_add_text(&codes, "");
	for (int count = limit + 1; count > limit;) {
		struct lot *lots;
		ck_assert_ok(store_lot_list(db, &memory, viewer, filter, page, &lots, &count));
		for (int i = 0; i < MIN(count, limit); i++)
			buf_printf(&codes, "%s%s", codes.len ? " " : "", lots[i].code);
		if (count > limit)
			page.after = lots[limit - 1].id;
	}
	db_free(db);
	return codes.len ? codes.data : "";
}

/* Lots 1 to 6 in order of age: the odd ones are the first farm's, the even ones another's, of which 2 and 6 are granted. */
struct market {
	struct farm one, other;
};

static void rename_lot(const struct farm *f, int n)
{
	run(owner,
		"UPDATE lot SET code = 'L-%d', harvested_on = '2026-05-0%d', status = '%s' WHERE id = '%s'",
		n, n, n == 5 || n == 6 ? "DELIVERED" : "REGISTERED", uuid_text(f->lot_id));
}

static struct market market_new(void)
{
	struct market m;

	for (int n = 1; n <= 6; n++) {
		struct farm f = farm_new();
		struct farm *keeper = n % 2 ? &m.one : &m.other;
		if (n <= 2)
			*keeper = f;
		run(owner, "UPDATE product SET organization_id = '%s' WHERE id = '%s'",
			uuid_text(keeper->organization_id), uuid_text(f.product_id));
		run(owner, "UPDATE lot SET organization_id = '%s' WHERE id = '%s'",
			uuid_text(keeper->organization_id), uuid_text(f.lot_id));
		rename_lot(&f, n);
		if (n == 2 || n == 6)
			grant(&f, &m.one, "read");
	}
	return m;
}

START_TEST(a_list_is_ones_own_and_what_was_granted_newest_first)
{
	const struct market m = market_new();

	ck_assert_str_eq(listed(organization(&m.one), &any, ALL), "L-6 L-5 L-3 L-2 L-1");
	ck_assert_str_eq(listed(organization(&m.other), &any, ALL), "L-6 L-4 L-2");
}
END_TEST

START_TEST(pages_of_any_size_give_each_lot_once)
{
	const struct market m = market_new();

	for (int limit = 1; limit <= 6; limit++)
		ck_assert_str_eq(listed(organization(&m.one), &any, limit), "L-6 L-5 L-3 L-2 L-1");
}
END_TEST

START_TEST(a_grant_on_ones_own_lot_doubles_nothing)
{
	const struct market m = market_new();

	grant(&m.one, &m.one, "record");
	ck_assert_str_eq(listed(organization(&m.one), &any, ALL), "L-6 L-5 L-3 L-2 L-1");
}
END_TEST

START_TEST(filters_hold_for_own_and_granted_lots)
{
	const struct market m = market_new();
	struct lot_filter filter = any;

	filter.status = "DELIVERED";
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-6 L-5");
	filter = any;
	filter.code = "L-2";
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-2");
	filter.code = "L-4"; /* there, but not theirs */
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "");
	filter = any;
	filter.product_id = m.other.product_id;
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-2");
	filter = any;
	ck_assert_int_eq(date_parse("2026-05-02", 10, &filter.harvested_from), 0);
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-6 L-5 L-3 L-2");
	ck_assert_int_eq(date_parse("2026-05-03", 10, &filter.harvested_to), 0);
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-3 L-2");
	filter.status = "DELIVERED";
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "");
	/* A lot whose harvest is unknown was harvested neither before nor after. */
	run(owner, "UPDATE lot SET harvested_on = NULL WHERE id = '%s'", uuid_text(m.one.lot_id));
	filter = any;
	filter.harvested_from = 0;
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-6 L-5 L-3 L-2");
	filter = any;
	filter.harvested_to = 2932896;
	ck_assert_str_eq(listed(organization(&m.one), &filter, ALL), "L-6 L-5 L-3 L-2");
}
END_TEST

START_TEST(an_administrator_lists_and_filters_everybodys)
{
	const struct market m = market_new();
	struct lot_filter filter = any;

	filter.product_id = m.other.product_id;
	ck_assert_str_eq(listed(administrator, &filter, ALL), "L-2");
	/* These are the newest there are: each test's come behind those of the tests before it. */
	ck_assert_int_eq(strncmp(listed(administrator, &any, ALL), "L-6 L-5 L-4 L-3 L-2 L-1", 23), 0);
}
END_TEST

START_TEST(a_stranger_cannot_tell_a_lot_from_none)
{
	const struct farm f = farm_new(), stranger = farm_new();
	struct db *db = app_open();
	struct history history;
	struct event *events;
	struct lot lot;
	int count;

	ck_assert_err(store_lot_get(db, f.lot_id, organization(&stranger), &lot), NOT_FOUND);
	ck_assert_err(store_history(db, &memory, f.lot_id, organization(&stranger), &history), NOT_FOUND);
	ck_assert_err(
		store_event_list(db, &memory, f.lot_id, organization(&stranger), 0, 50, &events, &count),
		NOT_FOUND);
	ck_assert_err(store_lot_get(db, f.user_id, organization(&stranger), &lot), NOT_FOUND);
	grant(&f, &stranger, "read");
	ck_assert_ok(store_lot_get(db, f.lot_id, organization(&stranger), &lot));
	ck_assert_ok(store_history(db, &memory, f.lot_id, organization(&stranger), &history));
	ck_assert_ok(
		store_event_list(db, &memory, f.lot_id, organization(&stranger), 0, 50, &events, &count));
	run(owner, "DELETE FROM lot_grant WHERE lot_id = '%s'", uuid_text(f.lot_id));
	ck_assert_err(store_lot_get(db, f.lot_id, organization(&stranger), &lot), NOT_FOUND);
	/* Nor does one see anything who belongs nowhere and is no administrator. */
	ck_assert_err(store_lot_get(db, f.lot_id, (struct viewer){ { { 0 } }, false }, &lot), NOT_FOUND);
	db_free(db);
}
END_TEST

START_TEST(a_lot_to_which_nothing_has_happened_has_an_empty_history)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct history history;
	struct event *events;
	struct trace trace;
	int count = -1;

	ck_assert_ok(store_history(db, &memory, f.lot_id, organization(&f), &history));
	ck_assert_int_eq(history.count, 0);
	ck_assert_int_eq(history.event_count, 0);
	ck_assert_ok(store_event_list(db, &memory, f.lot_id, organization(&f), 0, 50, &events, &count));
	ck_assert_int_eq(count, 0);
	store_trace_by_code_send(db, f.public_code);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_trace_take(db, &memory, &trace));
	ck_assert_int_eq(trace.history.count, 0);
	ck_assert_str_eq(trace.producer, "Finca");
	db_free(db);
}
END_TEST

static void record(const struct farm *f, int events)
{
	const struct writer w = writer_of(f, NULL, "a");
	struct db *db = app_open();
	struct answer stored;

	for (int i = 0; i < events; i++)
		ck_assert_ok(record_event(db, f, &w, &stored));
	db_free(db);
}

START_TEST(events_come_in_pages_oldest_first)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct event *events;
	int count;

	record(&f, 5);
	ck_assert_ok(store_event_list(db, &memory, f.lot_id, organization(&f), 0, 2, &events, &count));
	ck_assert_int_eq(count, 3); /* one more: another page follows */
	ck_assert_int_eq(events[0].position, 1);
	ck_assert_int_eq(events[1].position, 2);
	ck_assert_ok(store_event_list(db, &memory, f.lot_id, organization(&f), 4, 2, &events, &count));
	ck_assert_int_eq(count, 1);
	ck_assert_int_eq(events[0].position, 5);
	ck_assert_ok(store_event_list(db, &memory, f.lot_id, organization(&f), 5, 2, &events, &count));
	ck_assert_int_eq(count, 0);
	db_free(db);
}
END_TEST

START_TEST(a_trace_tells_all_that_the_public_may_know)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct trace by_code, by_gtin;

	record(&f, 20); /* more than the list begins with */
	run(owner, "UPDATE event SET location_id = '%s' WHERE lot_id = '%s' AND position = 2",
		uuid_text(f.location_id), uuid_text(f.lot_id));
	store_trace_by_code_send(db, f.public_code);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_trace_take(db, &memory, &by_code));
	ck_assert_str_eq(by_code.code, "L-1");
	ck_assert_str_eq(by_code.quantity, "12.50");
	ck_assert_str_eq(by_code.uom, "KGM");
	ck_assert_str_eq(by_code.status, "REGISTERED");
	ck_assert_int_eq(by_code.harvested_on, DB_NO_DATE);
	ck_assert_str_eq(by_code.product, "Hass");
	ck_assert_ptr_eq(by_code.variety, NULL);
	ck_assert_str_eq(by_code.producer, "Finca");
	ck_assert_str_eq(by_code.origin, "Campo, Huila");
	ck_assert_str_eq(by_code.region, "Huila");
	ck_assert_int_eq(by_code.history.count, 20);
	ck_assert_ptr_eq(by_code.history.events[0].place, NULL);
	ck_assert_str_eq(by_code.history.events[1].place, "Campo, Huila");
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(by_code.history.events[i].position, i + 1);
	store_trace_by_gtin_send(db, f.gtin, "L-1");
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_trace_take(db, &memory, &by_gtin));
	ck_assert(uuid_equal(by_gtin.history.lot_id, f.lot_id));
	ck_assert_int_eq(by_gtin.history.count, 20);
	db_free(db);
}
END_TEST

START_TEST(a_code_that_leads_nowhere_is_not_found)
{
	const struct farm f = farm_new(), other = farm_new();
	struct db *db = app_open();
	struct trace trace;

	store_trace_by_code_send(db, "nosuchcode");
	ck_assert_ok(db_flush(db));
	ck_assert_err(store_trace_take(db, &memory, &trace), NOT_FOUND);
	store_trace_by_gtin_send(db, f.gtin, "L-2");
	ck_assert_ok(db_flush(db));
	ck_assert_err(store_trace_take(db, &memory, &trace), NOT_FOUND);
	run(owner, "UPDATE lot SET code = 'L-2' WHERE id = '%s'", uuid_text(other.lot_id));
	store_trace_by_gtin_send(db, f.gtin, "L-2"); /* another product's lot has that code */
	ck_assert_ok(db_flush(db));
	ck_assert_err(store_trace_take(db, &memory, &trace), NOT_FOUND);
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_list_is_ones_own_and_what_was_granted_newest_first,
		pages_of_any_size_give_each_lot_once,
		a_grant_on_ones_own_lot_doubles_nothing,
		filters_hold_for_own_and_granted_lots,
		an_administrator_lists_and_filters_everybodys,
		a_stranger_cannot_tell_a_lot_from_none,
		a_lot_to_which_nothing_has_happened_has_an_empty_history,
		events_come_in_pages_oldest_first,
		a_trace_tells_all_that_the_public_may_know,
		a_code_that_leads_nowhere_is_not_found,
	};

	return database_suite_run("lot", tests, ARRAY_SIZE(tests));
}
