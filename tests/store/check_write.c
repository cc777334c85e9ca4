/* A write: two round trips, one transaction, done once a key, and only for who is still logged in. */
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "crypto/random.h"
#include "recorder.h"
#include "relay.h"

static int64_t keys_of(const struct farm *f)
{
	return number(
		owner, "SELECT count(*) FROM idempotency_key WHERE user_id = '%s'", uuid_text(f->user_id));
}

START_TEST(it_takes_two_round_trips)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, "k", "a"), bare = writer_of(&f, NULL, "a");
	struct answer stored;
	struct relay relay;
	relay_start(&relay);
	struct db *db = app_new_at(relay_url(&relay));

	begin(db, PATIENT_MS);
	ck_assert_ok(db_connect(db, deadline_in(PATIENT_MS * US_PER_MS), NULL));
	relay.state->bursts = 0;
	ck_assert_ok(record_event(db, &f, &w, &stored)); /* with every statement prepared on the way */
	ck_assert_int_eq(relay.state->bursts, 2);
	ck_assert_ok(record_event(db, &f, &bare, &stored));
	ck_assert_int_eq(relay.state->bursts, 4);
	ck_assert_err(record_event(db, &f, &w, &stored), REPLAYED);
	ck_assert_int_eq(relay.state->bursts, 6); /* and a replay one, and its rollback */
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(the_same_key_gets_the_same_answer)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, "k-1", "a");
	struct db *db = app_open();
	struct answer stored;

	ck_assert_ok(record_event(db, &f, &w, &stored));
	const char *id = text(owner, "SELECT id FROM event WHERE lot_id = '%s'", uuid_text(f.lot_id));
	for (int i = 0; i < 2; i++) {
		ck_assert_err(record_event(db, &f, &w, &stored), REPLAYED);
		ck_assert_int_eq(stored.status, 201);
		ck_assert_str_eq(stored.location, "/events/k-1");
		ck_assert_str_eq(stored.body, arena_printf(&memory, "{\"id\":\"%s\"}", id));
	}
	expect_whole_history(&f, 1);
	db_free(db);
}
END_TEST

START_TEST(any_answer_is_kept_whole)
{
	enum { SIZE = 300000 };
	const struct farm f = farm_new();
	struct writer w = writer_of(&f, "k", "a");
	struct db *db = app_open();
	struct answer answer = { .status = 200, .location = NULL }, stored;
	struct session session;
	char *body = arena_alloc(&memory, SIZE);

	for (int i = 0; i + 4 < SIZE; i += 4)
		memcpy(body + i, "\xf0\x9f\xa5\x91", 4);
	answer.body = body;
	w.after_is_elsewhere = true; /* it is no JSON */
	store_write_begin(db, &w);
	ck_assert_ok(store_write_check(db, &w, &session, &stored));
	ck_assert_ok(store_write_commit(db, &w, &answer, 0));
	store_write_begin(db, &w);
	ck_assert_err(store_write_check(db, &w, &session, &stored), REPLAYED);
	ck_assert_int_eq(stored.status, 200);
	ck_assert_ptr_eq(stored.location, NULL);
	ck_assert_str_eq(stored.body, body);
	db_free(db);
}
END_TEST

START_TEST(without_a_key_it_is_done_each_time)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, NULL, "a");
	struct db *db = app_open();
	struct answer stored;

	ck_assert_ok(record_event(db, &f, &w, &stored));
	ck_assert_ok(record_event(db, &f, &w, &stored));
	expect_whole_history(&f, 2);
	ck_assert_int_eq(keys_of(&f), 0);
	db_free(db);
}
END_TEST

START_TEST(a_key_used_for_something_else_is_refused)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, "k", "a"), other = writer_of(&f, "k", "b");
	struct db *db = app_open();
	struct answer stored;

	ck_assert_ok(record_event(db, &f, &w, &stored));
	int pid = backend_pid();
	ck_assert_err(record_event(db, &f, &other, &stored), KEY_REUSED);
	ck_assert_err(record_event(db, &f, &w, &stored), REPLAYED);
	ck_assert_int_eq(backend_pid(), pid);
	expect_whole_history(&f, 1);
	db_free(db);
}
END_TEST

START_TEST(keys_are_each_users_own)
{
	const struct farm a = farm_new(), b = farm_new();
	const struct writer of_a = writer_of(&a, "k", "a"), of_b = writer_of(&b, "k", "b");
	struct db *running = app_open(), *db = app_open();
	struct answer stored;
	struct lot_state lot;

	begin(running, PATIENT_MS);
	ck_assert_ok(record_begin(running, &a, &of_a, &lot, &stored));
	ck_assert_ok(
		record_event(db, &b, &of_b, &stored)); /* while the other one's is under way, and after it */
	ck_assert_ok(record_commit(running, &a, &of_a, &lot));
	ck_assert_err(record_event(db, &b, &of_b, &stored), REPLAYED);
	ck_assert_err(record_event(db, &a, &of_a, &stored), REPLAYED);
	ck_assert_int_eq(events_of(&a), 1);
	ck_assert_int_eq(events_of(&b), 1);
	db_free(running);
	db_free(db);
}
END_TEST

/* Keys are told apart in the whole of their 255 characters, and by case. */
START_TEST(similar_keys_are_different_keys)
{
	static char keys[4][256];
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct answer stored;

	for (int i = 0; i < 3; i++) {
		memset(keys[i], 'k', 255);
		keys[i][254] = (char)("abA"[i]);
	}
	memset(keys[3], 'k', 254);
	for (int i = 0; i < 4; i++) {
		const struct writer w = writer_of(&f, keys[i], "a");
		ck_assert_ok(record_event(db, &f, &w, &stored));
	}
	expect_whole_history(&f, 4);
	db_free(db);
}
END_TEST

START_TEST(a_running_twin_is_told_at_once_though_it_holds_the_lot)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, "k", "a");
	struct db *twin = app_open(), *db;
	struct answer stored;
	struct lot_state lot;

	ck_assert_ok(record_begin(twin, &f, &w, &lot, &stored));
	db = app_open();
	for (int i = 0; i < 3; i++) {
		int64_t start = clock_now();
		ck_assert_err(record_event(db, &f, &w, &stored), IN_PROGRESS);
		ck_assert_int_lt(clock_now() - start, 2 * US_PER_SECOND);
		ck_assert(db_is_up(db));
	}
	ck_assert_ok(record_commit(twin, &f, &w, &lot));
	ck_assert_err(record_event(db, &f, &w, &stored), REPLAYED);
	expect_whole_history(&f, 1);
	db_free(twin);
	db_free(db);
}
END_TEST

START_TEST(after_a_rollback_the_key_is_free)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, "k", "a");
	struct db *twin = app_open(), *db = app_open();
	struct answer stored;
	struct lot_state lot;

	ck_assert_ok(record_begin(twin, &f, &w, &lot, &stored));
	ck_assert_err(record_event(db, &f, &w, &stored), IN_PROGRESS);
	db_finish(twin);
	ck_assert_ok(record_event(db, &f, &w, &stored));
	begin(twin, PATIENT_MS);
	ck_assert_err(record_begin(twin, &f, &w, &lot, &stored), REPLAYED);
	expect_whole_history(&f, 1);
	db_free(twin);
	db_free(db);
}
END_TEST

START_TEST(a_write_that_is_refused_uses_up_no_key)
{
	const struct farm f = farm_new();
	const struct writer w = writer_of(&f, "k", "a");
	const struct answer answer = { .status = 201, .body = "{}" };
	struct db *db = app_open();
	struct answer stored;
	struct session session;
	struct lot lot = { .id = random_uuid(),
		.organization_id = f.organization_id,
		.product_id = f.product_id,
		.public_code = "another-one",
		.code = "L-1",
		.quantity = "1",
		.uom = "KGM",
		.harvested_on = DB_NO_DATE,
		.created_at = f.now };

	store_write_begin(db, &w);
	ck_assert_ok(store_write_check(db, &w, &session, &stored));
	store_lot_insert_send(db, &lot);
	ck_assert_err(store_write_commit(db, &w, &answer, 1), LOT_CODE_TAKEN);
	db_finish(db);
	ck_assert_int_eq(keys_of(&f), 0);
	lot.code = "L-2";
	begin(db, PATIENT_MS);
	store_write_begin(db, &w);
	ck_assert_ok(store_write_check(db, &w, &session, &stored));
	store_lot_insert_send(db, &lot);
	ck_assert_ok(store_write_commit(db, &w, &answer, 1));
	ck_assert_int_eq(keys_of(&f), 1);
	db_free(db);
}
END_TEST

static void refused_after(const char *sql, const struct farm *f, struct uuid id)
{
	const struct writer fresh = writer_of(f, "fresh", "a"), used = writer_of(f, "used", "a"),
			    bare = writer_of(f, NULL, "a"), reused = writer_of(f, "used", "b");
	struct db *db = app_open();
	struct answer stored;

	ck_assert_ok(record_event(db, f, &used, &stored));
	int pid = backend_pid();
	run(owner, "%s WHERE id = '%s'", sql, uuid_text(id));
	ck_assert_err(record_event(db, f, &fresh, &stored), UNAUTHENTICATED);
	ck_assert_err(record_event(db, f, &bare, &stored), UNAUTHENTICATED);
	/* Nor are they told what a key was used for. */
	ck_assert_err(record_event(db, f, &used, &stored), UNAUTHENTICATED);
	ck_assert_err(record_event(db, f, &reused, &stored), UNAUTHENTICATED);
	ck_assert_int_eq(keys_of(f), 1);
	ck_assert_int_eq(backend_pid(), pid);
	expect_whole_history(f, 1);
	db_free(db);
}

START_TEST(after_a_logout_nothing_is_written)
{
	const struct farm f = farm_new();

	refused_after("UPDATE session SET revoked_at = now()", &f, f.session_id);
}
END_TEST

START_TEST(after_its_tokens_end_nothing_is_written)
{
	const struct farm f = farm_new();

	refused_after("UPDATE session SET access_expires_at = now() - interval '1 hour'", &f, f.session_id);
}
END_TEST

START_TEST(whoever_is_switched_off_writes_nothing)
{
	const struct farm f = farm_new();

	refused_after("UPDATE app_user SET active = false", &f, f.user_id);
}
END_TEST

START_TEST(another_organizations_lot_is_not_there)
{
	const struct farm f = farm_new(), other = farm_new();
	struct db *db = app_open();
	struct answer stored;
	struct farm thief = f;
	struct lot_state lot;

	thief.lot_id = other.lot_id;
	const struct writer w = writer_of(&f, "k", "a");
	ck_assert_err(record_event(db, &thief, &w, &stored), NOT_FOUND);
	thief.lot_id = random_uuid();
	ck_assert_err(record_event(db, &thief, &w, &stored), NOT_FOUND);
	ck_assert_int_eq(events_of(&other), 0);
	/* A grant opens it, and says how far. */
	thief.lot_id = other.lot_id;
	run(owner,
		"INSERT INTO lot_grant (lot_id, organization_id, access, created_at) VALUES ('%s', '%s', "
		"'read', now())",
		uuid_text(other.lot_id), uuid_text(f.organization_id));
	begin(db, PATIENT_MS);
	ck_assert_ok(record_begin(db, &thief, &w, &lot, &stored));
	ck_assert_str_eq(lot.access, "read");
	ck_assert(uuid_equal(lot.organization_id, other.organization_id));
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_takes_two_round_trips,
		the_same_key_gets_the_same_answer,
		any_answer_is_kept_whole,
		without_a_key_it_is_done_each_time,
		a_key_used_for_something_else_is_refused,
		keys_are_each_users_own,
		similar_keys_are_different_keys,
		a_running_twin_is_told_at_once_though_it_holds_the_lot,
		after_a_rollback_the_key_is_free,
		a_write_that_is_refused_uses_up_no_key,
		after_a_logout_nothing_is_written,
		after_its_tokens_end_nothing_is_written,
		whoever_is_switched_off_writes_nothing,
		another_organizations_lot_is_not_there,
	};

	return database_suite_run("write", tests, ARRAY_SIZE(tests));
}
