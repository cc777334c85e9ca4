/* What the owner of a lot lets others do with it, and the lot's lock as the owner and an administrator take it. */
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "crypto/random.h"
#include "recorder.h"
#include "store/grant.h"

static const struct viewer administrator = { .sees_all = true };

static struct viewer organization(const struct farm *f)
{
	return (struct viewer){ f->organization_id, false };
}

static int put(const struct farm *lot, struct uuid to, const char *access, int64_t now)
{
	const struct grant g = { .organization_id = to, .access = access, .created_at = now };
	struct db *db = app_open();

	store_grant_put_send(db, lot->lot_id, &g);
	int err = db_flush(db) ?: db_result(db, NULL);
	db_free(db);
	return err;
}

static int list(const struct farm *lot, struct viewer viewer, struct page page, struct grant **ret_grants,
	int *ret_count)
{
	struct db *db = app_open();
	int err = store_grant_list(db, &memory, lot->lot_id, viewer, page, ret_grants, ret_count);

	db_free(db);
	return err;
}

static struct page pages_of(int limit)
{
	struct page page = { .limit = limit };

	memset(page.after.b, 0xff, sizeof page.after.b);
	return page;
}

START_TEST(a_grant_given_again_is_changed_and_keeps_its_time)
{
	const struct farm f = farm_new(), friend = farm_new();
	struct db *db = app_open();
	struct grant g;

	ck_assert_ok(put(&f, friend.organization_id, "read", f.now));
	ck_assert_ok(put(&f, friend.organization_id, "record", f.now + US_PER_SECOND));
	store_grant_get_send(db, f.lot_id, friend.organization_id);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_grant_get_take(db, &g));
	ck_assert(uuid_equal(g.organization_id, friend.organization_id));
	ck_assert_str_eq(g.access, "record");
	ck_assert_int_eq(g.created_at, f.now);
	store_grant_delete_send(db, f.lot_id, friend.organization_id);
	store_grant_get_send(db, f.lot_id, friend.organization_id);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_result(db, NULL));
	ck_assert_err(store_grant_get_take(db, &g), NOT_FOUND);
	db_free(db);
}
END_TEST

START_TEST(an_organization_that_is_not_there_is_not_found)
{
	const struct farm f = farm_new();

	ck_assert_err(put(&f, random_uuid(), "read", f.now), NOT_FOUND);
}
END_TEST

START_TEST(its_owner_and_an_administrator_see_who_was_let_in)
{
	const struct farm f = farm_new(), friend = farm_new(), stranger = farm_new();
	struct farm nowhere = f;
	struct grant *grants;
	int count;

	nowhere.lot_id = random_uuid();
	ck_assert_ok(list(&f, organization(&f), pages_of(5), &grants, &count));
	ck_assert_int_eq(count, 0);
	ck_assert_ok(put(&f, friend.organization_id, "read", f.now));
	ck_assert_ok(list(&f, organization(&f), pages_of(5), &grants, &count));
	ck_assert_int_eq(count, 1);
	ck_assert(uuid_equal(grants[0].organization_id, friend.organization_id));
	ck_assert_ok(list(&f, administrator, pages_of(5), &grants, &count));
	ck_assert_int_eq(count, 1);
	ck_assert_err(list(&f, organization(&friend), pages_of(5), &grants, &count), NOT_FOUND);
	ck_assert_err(list(&f, organization(&stranger), pages_of(5), &grants, &count), NOT_FOUND);
	ck_assert_err(list(&nowhere, organization(&f), pages_of(5), &grants, &count), NOT_FOUND);
	ck_assert_err(list(&nowhere, administrator, pages_of(5), &grants, &count), NOT_FOUND);
}
END_TEST

START_TEST(pages_follow_one_another)
{
	const struct farm f = farm_new(), friends[] = { farm_new(), farm_new(), farm_new() };
	struct page page = pages_of(2);
	struct grant *grants;
	int count;

	for (size_t i = 0; i < ARRAY_SIZE(friends); i++)
		ck_assert_ok(put(&f, friends[i].organization_id, "read", f.now));
	ck_assert_ok(list(&f, organization(&f), page, &grants, &count));
	ck_assert_int_eq(count, 3); /* one more: another page follows */
	ck_assert(uuid_equal(grants[0].organization_id, friends[2].organization_id));
	page.after = grants[1].organization_id;
	ck_assert_ok(list(&f, organization(&f), page, &grants, &count));
	ck_assert_int_eq(count, 1);
	ck_assert(uuid_equal(grants[0].organization_id, friends[0].organization_id));
	page.after = grants[0].organization_id;
	ck_assert_ok(list(&f, organization(&f), page, &grants, &count));
	ck_assert_int_eq(count, 0);
}
END_TEST

static int lock(struct db *db, struct uuid lot_id, struct viewer viewer, struct lot *ret_lot)
{
	store_lot_own_lock_send(db, lot_id, viewer);
	TRY(db_flush(db));
	return store_lot_own_lock_take(db, ret_lot);
}

START_TEST(a_grant_does_not_make_a_lot_ones_own)
{
	const struct farm f = farm_new(), friend = farm_new();
	struct db *db = app_open();
	struct lot lot;

	ck_assert_ok(put(&f, friend.organization_id, "record", f.now));
	ck_assert_err(lock(db, f.lot_id, organization(&friend), &lot), NOT_FOUND);
	ck_assert_err(lock(db, random_uuid(), administrator, &lot), NOT_FOUND);
	ck_assert_ok(lock(db, f.lot_id, organization(&f), &lot));
	ck_assert_ok(lock(db, f.lot_id, administrator, &lot));
	ck_assert(uuid_equal(lot.id, f.lot_id));
	ck_assert_int_eq(lot.version, 1);
	db_free(db);
}
END_TEST

START_TEST(a_status_set_by_hand_leaves_the_events_time)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct lot lot;

	run(owner, "UPDATE lot SET status = 'IN_TRANSIT', status_at = '2026-05-01 10:00Z' WHERE id = '%s'",
		uuid_text(f.lot_id));
	ck_assert_ok(lock(db, f.lot_id, administrator, &lot));
	lot.status = "ON_HOLD";
	lot.version++;
	store_lot_set_status_send(db, &lot);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_result(db, NULL));
	ck_assert_str_eq(text(owner,
				 "SELECT status || ' ' || version || ' ' ||"
				 " to_char(status_at AT TIME ZONE 'UTC', 'HH24:MI') FROM lot WHERE id = '%s'",
				 uuid_text(f.lot_id)),
		"ON_HOLD 2 10:00");
	db_free(db);
}
END_TEST

/* What the asking organization may do is what it may once the lot is locked, not what it might before. */
START_TEST(the_lock_tells_of_the_grant)
{
	const struct farm f = farm_new(), friend = farm_new();
	struct db *db = app_open();
	struct lot_state state;

	ck_assert_ok(put(&f, friend.organization_id, "read", f.now));
	store_lot_lock_send(db, f.lot_id, friend.organization_id);
	store_lot_lock_send(db, f.lot_id, f.organization_id);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_lot_lock_take(db, &state));
	ck_assert_str_eq(state.access, "read");
	ck_assert_ok(store_lot_lock_take(db, &state));
	ck_assert_ptr_null(state.access);
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_grant_given_again_is_changed_and_keeps_its_time,
		an_organization_that_is_not_there_is_not_found,
		its_owner_and_an_administrator_see_who_was_let_in,
		pages_follow_one_another,
		a_grant_does_not_make_a_lot_ones_own,
		a_status_set_by_hand_leaves_the_events_time,
		the_lock_tells_of_the_grant,
	};

	return database_suite_run("lot grants", tests, ARRAY_SIZE(tests));
}
