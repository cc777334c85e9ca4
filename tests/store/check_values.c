/* Every type on its way into PostgreSQL and back: what is stored is what was given, to the last digit and byte. */
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "crypto/random.h"
#include "database.h"
#include "store/event.h"
#include "store/location.h"
#include "store/lot.h"
#include "store/product.h"
#include "store/user.h"

#define YEAR_9999 INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */
enum { DAY_9999 = 2932896 };                  /* 9999-12-31 */

static const struct viewer everybody = { .sees_all = true };

static int done(struct db *db)
{
	TRY(db_flush(db));
	return db_result(db, NULL);
}

/* Through an event, whose row has the most kinds of values; *ret_event is what is read back. */
static struct event passed_on(struct db *db, const struct farm *f, struct event e)
{
	struct event *list;
	int count;

	e.id = random_uuid();
	e.lot_id = f->lot_id;
	e.organization_id = f->organization_id;
	e.user_id = f->user_id;
	e.position =
		number(owner, "SELECT count(*) + 1 FROM event WHERE lot_id = '%s'", uuid_text(f->lot_id));
	e.kind = "HARVEST";
	e.content = e.content ? e.content : "{}";
	store_event_insert_send(db, &e);
	ck_assert_msg(done(db) == 0, "%s", db_why(db));
	ck_assert_ok(store_event_list(db, &memory, f->lot_id, everybody, e.position - 1, 1, &list, &count));
	ck_assert_int_eq(count, 1);
	ck_assert(uuid_equal(list[0].id, e.id));
	ck_assert(uuid_equal(list[0].lot_id, e.lot_id));
	ck_assert(uuid_equal(list[0].organization_id, e.organization_id));
	ck_assert_int_eq(list[0].position, e.position);
	return list[0];
}

START_TEST(times_are_kept_to_the_microsecond)
{
	static const int64_t times[] = { 0, 1, 946684800000000, 946684799999999, 1767225599123456,
		YEAR_9999 };
	const struct farm f = farm_new();
	struct db *db = app_open();

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct event e = passed_on(db, &f, (struct event){ .at = times[i], .recorded_at = times[i] });
		ck_assert_int_eq(e.at, times[i]);
		ck_assert_int_eq(e.recorded_at, times[i]);
	}
	/* And it is the time that everybody else reads. */
	ck_assert_str_eq(text(owner, "SELECT max(at) AT TIME ZONE 'UTC' FROM event WHERE lot_id = '%s'",
				 uuid_text(f.lot_id)),
		"9999-12-31 23:59:59.999999");
	db_free(db);
}
END_TEST

static struct lot lot_of(const struct farm *f, const char *code)
{
	return (struct lot){
		.id = random_uuid(),
		.organization_id = f->organization_id,
		.product_id = f->product_id,
		.public_code = uuid_text(random_uuid()),
		.code = code,
		.quantity = "1",
		.uom = "KGM",
		.harvested_on = DB_NO_DATE,
		.created_at = f->now,
	};
}

static struct lot lot_passed_on(struct db *db, const struct lot *l)
{
	struct lot back;

	store_lot_insert_send(db, l);
	ck_assert_msg(done(db) == 0, "%s", db_why(db));
	ck_assert_ok(store_lot_get(db, l->id, everybody, &back));
	return back;
}

START_TEST(dates_are_kept)
{
	static const int32_t dates[] = { 0, 1, 10956, 10957, 20454, DAY_9999, DB_NO_DATE };
	const struct farm f = farm_new();
	struct db *db = app_open();

	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		struct lot l = lot_of(&f, arena_printf(&memory, "D-%zu", i));
		l.harvested_on = dates[i];
		ck_assert_int_eq(lot_passed_on(db, &l).harvested_on, dates[i]);
	}
	ck_assert_str_eq(text(owner, "SELECT max(harvested_on) FROM lot WHERE product_id = '%s'",
				 uuid_text(f.product_id)),
		"9999-12-31");
	db_free(db);
}
END_TEST

START_TEST(quantities_are_answered_as_they_were_given)
{
	static const char *const quantities[] = { "12.50", "1", "0.001", "1.000", "99999999999.999", "10.0" };
	const struct farm f = farm_new();
	struct db *db = app_open();

	for (size_t i = 0; i < ARRAY_SIZE(quantities); i++) {
		struct lot l = lot_of(&f, arena_printf(&memory, "Q-%zu", i));
		l.quantity = quantities[i];
		ck_assert_str_eq(lot_passed_on(db, &l).quantity, quantities[i]);
	}
	db_free(db);
}
END_TEST

START_TEST(measurements_keep_sign_zeros_and_any_length)
{
	static const char *const decimals[] = { "0", "-0.5", "4.50", "-40", "0.000001",
		"12345678901234567890123456789012345678901234567890.12345678901234567890" };
	const struct farm f = farm_new();
	struct db *db = app_open();

	for (size_t i = 0; i < ARRAY_SIZE(decimals); i++) {
		struct event e = passed_on(db, &f, (struct event){ .temperature_c = decimals[i] });
		ck_assert_str_eq(e.temperature_c, decimals[i]);
		ck_assert_ptr_eq(e.humidity_pct, NULL);
	}
	db_free(db);
}
END_TEST

START_TEST(texts_are_kept_byte_for_byte)
{
	static const char *const texts[] = { "", " ", "a\nb\tc\r\n", "Ñandú áéíóú",
		"\xf0\x9f\xa5\x91 aguacate", "'; DROP TABLE event; --", "\\x00 \\ \" ' %s $1",
		"\u202e\u200b\ufeff" };
	const struct farm f = farm_new();
	struct db *db = app_open();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct event e = passed_on(db, &f, (struct event){ .notes = texts[i], .result = "accepted" });
		ck_assert_str_eq(e.notes, texts[i]);
		ck_assert_str_eq(e.result, "accepted");
	}
	db_free(db);
}
END_TEST

START_TEST(the_hashed_text_is_not_made_prettier)
{
	static const char content[] = "{\"b\":1.50,  \"a\":\"\\u00e1\",\"a\":2}";
	const struct farm f = farm_new();
	struct db *db = app_open();

	ck_assert_str_eq(passed_on(db, &f, (struct event){ .content = content }).content, content);
	db_free(db);
}
END_TEST

START_TEST(every_byte_of_a_hash_is_kept)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct event e = { .kind = NULL };

	for (int i = 0; i < SHA256_SIZE; i++)
		e.hash[i] = (uint8_t)(i * 8 + i / 4);
	struct event back = passed_on(db, &f, e);
	ck_assert_mem_eq(back.hash, e.hash, sizeof e.hash);
	db_free(db);
}
END_TEST

START_TEST(what_is_absent_comes_back_absent)
{
	const struct farm f = farm_new();
	struct db *db = app_open();

	struct event e = passed_on(db, &f, (struct event){ .at = 0 });
	ck_assert(uuid_is_nil(e.location_id));
	ck_assert_ptr_eq(e.temperature_c, NULL);
	ck_assert_ptr_eq(e.humidity_pct, NULL);
	ck_assert_ptr_eq(e.result, NULL);
	ck_assert_ptr_eq(e.notes, NULL);
	ck_assert(uuid_is_nil(e.user_id)); /* never read: no person is named in a history */

	struct lot l = lot_of(&f, "N-1");
	struct lot back = lot_passed_on(db, &l);
	ck_assert(uuid_is_nil(back.origin_id));
	ck_assert_int_eq(back.harvested_on, DB_NO_DATE);
	ck_assert_str_eq(back.status, "REGISTERED");

	struct lot_state state;
	store_lot_lock_send(db, l.id, f.organization_id);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_lot_lock_take(db, &state));
	ck_assert_int_eq(state.status_at, DB_NO_TIME);
	ck_assert_ptr_eq(state.access, NULL);
	store_lot_advance_send(db, l.id, &state); /* an event that moves no status */
	ck_assert_ok(done(db));
	ck_assert_str_eq(
		text(owner, "SELECT status_at IS NULL FROM lot WHERE id = '%s'", uuid_text(l.id)), "t");
	db_free(db);
}
END_TEST

START_TEST(an_administrator_belongs_to_no_organization)
{
	const struct user admin = {
		.id = random_uuid(), .email = "Root@Example.com", .name = "Root", .role = "ADMIN"
	};
	struct db *db = app_open();
	struct credentials found;
	struct organization organization;
	struct user me;

	ck_assert_ok(store_user_insert(db, &admin, "hash"));
	ck_assert_ok(store_user_me(db, admin.id, &me, &organization));
	ck_assert_str_eq(me.email, "Root@Example.com");
	ck_assert(uuid_is_nil(organization.id));
	ck_assert_ptr_eq(organization.name, NULL);
	ck_assert(!organization.approved);
	store_user_login_send(db, "rOOT@eXAMPLE.COM");
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_user_login_take(db, &found));
	ck_assert_str_eq(found.password_hash, "hash");
	ck_assert(uuid_equal(found.user_id, admin.id));
	store_user_login_send(db, "nobody@example.com");
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_user_login_take(db, &found));
	ck_assert_ptr_eq(found.password_hash, NULL);
	db_free(db);
}
END_TEST

START_TEST(places_and_products_come_back_as_they_were_given)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct location l = { random_uuid(), f.organization_id, "Puerto", "port", "-12.046374",
		"-77.042793", "PE", "Callao", "7751234567891", 1, f.now };
	const struct product p = { random_uuid(), f.organization_id, "Kent", "mango", NULL, NULL, 1, f.now };
	struct page page = { .limit = 1 };
	struct location *places;
	struct product *products;
	int count;

	memset(page.after.b, 0xff, sizeof page.after.b);
	store_location_insert_send(db, &l);
	ck_assert_ok(done(db));
	store_product_insert_send(db, &p);
	ck_assert_ok(done(db));
	struct viewer own = { f.organization_id, false };
	ck_assert_ok(store_location_list(db, &memory, own, page, &places, &count));
	ck_assert_int_eq(count, 2);
	ck_assert(uuid_equal(places[0].id, l.id));
	ck_assert_str_eq(places[0].latitude, "-12.046374");
	ck_assert_str_eq(places[0].longitude, "-77.042793");
	ck_assert_str_eq(places[0].gln, "7751234567891");
	ck_assert_int_eq(places[0].created_at, f.now);
	page.after = places[0].id;
	ck_assert_ok(store_location_list(db, &memory, own, page, &places, &count));
	ck_assert_int_eq(count, 1);
	ck_assert(uuid_equal(places[0].id, f.location_id));
	memset(page.after.b, 0xff, sizeof page.after.b);
	ck_assert_ok(store_product_list(db, &memory, own, page, &products, &count));
	ck_assert_int_eq(count, 2);
	ck_assert_str_eq(products[0].commodity, "mango");
	ck_assert_ptr_eq(products[0].variety, NULL);
	ck_assert_ptr_eq(products[0].gtin, NULL);
	ck_assert_str_eq(products[1].gtin, f.gtin);
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		times_are_kept_to_the_microsecond,
		dates_are_kept,
		quantities_are_answered_as_they_were_given,
		measurements_keep_sign_zeros_and_any_length,
		texts_are_kept_byte_for_byte,
		the_hashed_text_is_not_made_prettier,
		every_byte_of_a_hash_is_kept,
		what_is_absent_comes_back_absent,
		an_administrator_belongs_to_no_organization,
		places_and_products_come_back_as_they_were_given,
	};

	return database_suite_run("values", tests, ARRAY_SIZE(tests));
}
