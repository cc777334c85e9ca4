/* One connection on its good days, and on days when a statement is refused: round trips, prepared statements, transactions. */
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "crypto/random.h"
#include "database.h"
#include "relay.h"
#include "store/location.h"
#include "store/lot.h"
#include "store/migrate.h"

/* A location whose region is RAISE makes its INSERT fail with the SQLSTATE that its name is. */
static void raise_by_name(void)
{
	run(owner, "CREATE OR REPLACE FUNCTION raise_by_name() RETURNS trigger LANGUAGE plpgsql AS $$"
		   " BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = NEW.name; END $$;"
		   " DROP TRIGGER IF EXISTS raise_by_name ON location;"
		   " CREATE TRIGGER raise_by_name BEFORE INSERT ON location FOR EACH ROW"
		   " WHEN (NEW.region = 'RAISE') EXECUTE FUNCTION raise_by_name()");
}

static struct location place(struct uuid organization_id, const char *name, const char *region)
{
	return (struct location){
		.id = random_uuid(),
		.organization_id = organization_id,
		.name = name,
		.kind = "port",
		.region = region,
		.created_at = clock_wall(),
	};
}

static int64_t places(struct uuid organization_id)
{
	return number(owner, "SELECT count(*) FROM location WHERE organization_id = '%s'",
		uuid_text(organization_id));
}

static int insert(struct db *db, const struct location *l)
{
	store_location_insert_send(db, l);
	TRY(db_flush(db));
	return db_result(db, NULL);
}

static int ask(struct db *db)
{
	struct rows *rows;

	DB_SEND(db, SCHEMA_VERSION);
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	ck_assert(db_row(rows));
	ck_assert_int_eq(db_read_int(rows), migrate_newest());
	ck_assert(!db_row(rows));
	return 0;
}

START_TEST(a_new_connection_serves_the_request_that_made_it)
{
	struct db *db = app_new();

	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	ck_assert_ok(ask(db));
	db_free(db);
}
END_TEST

START_TEST(many_statements_are_one_round_trip)
{
	const struct farm f = farm_new();
	struct relay relay;
	relay_start(&relay);
	struct db *db = app_new_at(relay_url(&relay));
	bool owned;

	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	relay.state->bursts = 0;
	/* Three of them are prepared on the way. */
	DB_SEND(db, BEGIN);
	store_location_owned_send(db, f.location_id, f.organization_id);
	store_location_owned_send(db, f.location_id, f.user_id);
	DB_SEND(db, ROLLBACK);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_result(db, NULL));
	ck_assert_ok(store_owned_take(db, &owned));
	ck_assert(owned);
	ck_assert_ok(store_owned_take(db, &owned));
	ck_assert(!owned);
	ck_assert_ok(db_result(db, NULL));
	ck_assert_int_eq(relay.state->bursts, 1);
	ck_assert_ok(ask(db));
	ck_assert_int_eq(relay.state->bursts, 2);
	db_free(db);
	relay_stop(&relay);
}
END_TEST

/* The server stops reading while nobody takes its answers, and these are more than the pipes hold; so is what we still send. */
START_TEST(an_exchange_larger_than_the_pipes_of_both_sides_goes_through)
{
	enum { SIZE = 16 << 20 };
	const struct farm f = farm_new();
	struct db *db = app_open();
	char *name = arena_alloc(&memory, SIZE);
	struct uuid last;
	struct rows *rows;

	memset(name, 'x', SIZE - 1);
	memset(last.b, 0xff, sizeof last.b);
	const struct location a = place(f.organization_id, name, NULL),
			      b = place(f.organization_id, name, NULL);
	ck_assert_ok(insert(db, &a));
	DB_SEND(db, LOCATION_LIST, db_uuid(f.organization_id), db_uuid(last), db_int(1));
	store_location_insert_send(db, &b);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_result(db, &rows));
	ck_assert(db_row(rows));
	ck_assert(uuid_equal(db_read_uuid(rows), a.id));
	(void)db_read_uuid(rows);
	ck_assert_str_eq(db_read_text(rows), name);
	ck_assert_ok(db_result(db, NULL));
	ck_assert_int_eq(places(f.organization_id), 3);
	db_free(db);
}
END_TEST

START_TEST(statements_prepared_beside_a_failing_one_are_usable_afterwards)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	bool owned;

	raise_by_name();
	const struct location bad = place(f.organization_id, "55P03", "RAISE");
	/* None of these was prepared before; what follows the failing one is skipped, its PREPARE too. */
	store_location_owned_send(db, f.location_id, f.organization_id);
	store_location_insert_send(db, &bad);
	DB_SEND(db, PRODUCT_OWNED, db_uuid(f.product_id), db_uuid(f.organization_id));
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_owned_take(db, &owned));
	ck_assert_err(db_result(db, NULL), UNAVAILABLE);
	ck_assert_err(db_result(db, NULL), UNAVAILABLE); /* and so for all that was sent with it */
	int pid = backend_pid();
	const struct location good = place(f.organization_id, "Puerto", NULL);
	for (int i = 0; i < 2; i++) {
		begin(db, PATIENT_MS);
		DB_SEND(db, PRODUCT_OWNED, db_uuid(f.product_id), db_uuid(f.organization_id));
		store_location_owned_send(db, f.location_id, f.organization_id);
		ck_assert_ok(db_flush(db));
		ck_assert_ok(store_owned_take(db, &owned));
		ck_assert(owned);
		ck_assert_ok(store_owned_take(db, &owned));
		ck_assert(owned);
	}
	ck_assert_ok(insert(db, &good));
	ck_assert_int_eq(backend_pid(), pid);
	db_free(db);
}
END_TEST

/* What each SQLSTATE means, end to end. */
START_TEST(every_refusal_of_the_server_has_its_meaning)
{
	static const struct refused {
		const char *state, *first, *second; /* what two attempts of one request get */
		bool kept;                          /* the connection, after the first */
	} table[] = {
		{ "40001", "TRY_AGAIN", "TRY_AGAIN", true },
		{ "40P01", "TRY_AGAIN", "TRY_AGAIN", true },
		{ "25006", "TRY_AGAIN", "UNAVAILABLE", false },
		{ "57P01", "TRY_AGAIN", "UNAVAILABLE", false },
		{ "57P02", "TRY_AGAIN", "UNAVAILABLE", false },
		{ "57P03", "TRY_AGAIN", "UNAVAILABLE", false },
		{ "0A000", "TRY_AGAIN", "UNAVAILABLE", false },
		{ "26000", "TRY_AGAIN", "UNAVAILABLE", false },
		{ "53100", "UNAVAILABLE", "UNAVAILABLE", true },
		{ "53300", "UNAVAILABLE", "UNAVAILABLE", false },
		{ "55P03", "UNAVAILABLE", "UNAVAILABLE", true },
		{ "57014", "UNAVAILABLE", "UNAVAILABLE", true },
		{ "XX001", "UNAVAILABLE", "UNAVAILABLE", false },
		{ "22012", "INTERNAL", "INTERNAL", true },
	};
	const struct farm f = farm_new();
	struct db *db = app_open();

	raise_by_name();
	for (const struct refused *r = table; r < table + ARRAY_SIZE(table); r++) {
		const struct location bad = place(f.organization_id, r->state, "RAISE");
		int pid = backend_pid();
		begin(db, PATIENT_MS);
		ck_assert_msg(
			strcmp(err_name(insert(db, &bad)), r->first) == 0, "%s: %s", r->state, db_why(db));
		ck_assert_msg(db_is_up(db) == r->kept, "%s: kept %d", r->state, db_is_up(db));
		ck_assert_msg(
			strcmp(err_name(insert(db, &bad)), r->second) == 0, "%s: %s", r->state, db_why(db));
		ck_assert_ptr_ne(strstr(db_why(db), "as told"), NULL);
		begin(db, PATIENT_MS);
		ck_assert_msg(ask(db) == 0, "%s: %s", r->state, db_why(db));
		ck_assert_msg((backend_pid() == pid) == r->kept, "%s", r->state);
	}
	ck_assert_int_eq(places(f.organization_id), 1);
	db_free(db);
}
END_TEST

/* The server has said what went wrong, so the transaction is certainly not committed: it may run again. */
START_TEST(a_refusal_in_the_exchange_that_commits_may_be_tried_again)
{
	static const char *const states[] = { "25006", "0A000", "26000", "40001" };
	const struct farm f = farm_new();
	struct db *db = app_open();

	raise_by_name();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct location bad = place(f.organization_id, states[i], "RAISE");
		begin(db, PATIENT_MS);
		DB_SEND(db, BEGIN);
		store_location_insert_send(db, &bad);
		DB_SEND(db, COMMIT);
		ck_assert_ok(db_flush(db));
		ck_assert_msg(db_results(db, 3) == -ERR_TRY_AGAIN, "%s", states[i]);
	}
	db_free(db);
}
END_TEST

START_TEST(a_taken_name_says_which_one_it_is)
{
	const struct farm f = farm_new(), other = farm_new();
	struct db *db = app_open();
	int pid = backend_pid();

	DB_SEND(db, PRODUCT_INSERT, db_uuid(random_uuid()), db_uuid(other.organization_id), db_text("Otro"),
		db_text("avocado"), db_text(NULL), db_text(f.gtin), db_time(f.now));
	ck_assert_ok(db_flush(db));
	ck_assert_err(db_result(db, NULL), GTIN_TAKEN);

	const uint8_t link[SHA256_SIZE] = { 0 };
	DB_SEND(db, LOT_INSERT, db_uuid(random_uuid()), db_uuid(f.organization_id), db_uuid(f.product_id),
		db_uuid(f.location_id), db_text("another"), db_text("L-1"), db_numeric("1"), db_text("KGM"),
		db_date(DB_NO_DATE), db_bytes(link, sizeof link), db_time(f.now));
	ck_assert_ok(db_flush(db));
	ck_assert_err(db_result(db, NULL), LOT_CODE_TAKEN);

	const char *email =
		text(owner, "SELECT upper(email) FROM app_user WHERE id = '%s'", uuid_text(f.user_id));
	DB_SEND(db, USER_INSERT, db_uuid(random_uuid()), db_uuid(f.organization_id), db_text(email),
		db_text("Eva"), db_text("BUYER"), db_text("x"), db_time(f.now));
	ck_assert_ok(db_flush(db));
	ck_assert_err(db_result(db, NULL), EMAIL_TAKEN);
	ck_assert_int_eq(backend_pid(), pid);
	db_free(db);
}
END_TEST

static int64_t open_transactions(void)
{
	return number(peer, "SELECT count(*) FROM pg_stat_activity"
			    " WHERE application_name = 'agrobridge' AND state <> 'idle'");
}

START_TEST(a_request_that_fails_midway_leaves_no_transaction)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct location l = place(f.organization_id, "Puerto", NULL);
	int pid = backend_pid();

	DB_SEND(db, BEGIN);
	store_location_insert_send(db, &l);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_results(db, 2));
	ck_assert_int_eq(open_transactions(), 1);
	db_finish(db);
	ck_assert_int_eq(open_transactions(), 0);
	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	ck_assert_int_eq(backend_pid(), pid);
	ck_assert_int_eq(places(f.organization_id), 1);
	db_free(db);
}
END_TEST

START_TEST(a_statement_refused_in_a_transaction_ends_it)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct location l = place(f.organization_id, "Puerto", NULL);
	int pid = backend_pid();

	DB_SEND(db, BEGIN);
	store_location_insert_send(db, &l);
	store_location_insert_send(db, &l); /* the same id again */
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_results(db, 2));
	ck_assert_err(db_result(db, NULL), INTERNAL);
	ck_assert_int_eq(open_transactions(), 0);
	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	ck_assert_int_eq(backend_pid(), pid);
	ck_assert_int_eq(places(f.organization_id), 1);
	db_free(db);
}
END_TEST

/* A request answered before it had read all it asked for (403, 404, 409) must not cost the next one a connection. */
START_TEST(results_left_unread_cost_no_connection)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	int pid = backend_pid();

	raise_by_name();
	const struct location bad = place(f.organization_id, "55P03", "RAISE");
	for (int i = 0; i < 4; i++) {
		begin(db, PATIENT_MS);
		DB_SEND(db, BEGIN);
		store_location_owned_send(db, f.location_id, f.organization_id);
		if (i ==
			3) /* and if it was an error that nobody read, with a statement never prepared behind it */
			store_location_insert_send(db, &bad);
		if (i == 3)
			store_lot_lock_send(db, f.lot_id, f.organization_id);
		ck_assert_ok(db_flush(db));
		ck_assert_ok(db_results(db, i % 3));
		db_finish(db);
		ck_assert_int_eq(open_transactions(), 0);
	}
	begin(db, PATIENT_MS);
	store_lot_lock_send(db, f.lot_id, f.organization_id);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_result(db, NULL));
	ck_assert_int_eq(backend_pid(), pid);
	db_free(db);
}
END_TEST

START_TEST(statements_never_sent_out_hold_nobody_up)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct location l = place(f.organization_id, "Puerto", NULL);

	DB_SEND(db, BEGIN);
	store_location_insert_send(db, &l);
	int64_t start = clock_now();
	db_finish(db);
	ck_assert_int_lt(clock_now() - start, PATIENT_MS * US_PER_MS / 2);
	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	ck_assert_int_eq(places(f.organization_id), 1);
	db_free(db);
}
END_TEST

/* A deferred constraint is looked at when the exchange ends, after the statement itself was done. */
START_TEST(a_refusal_at_the_very_end_of_an_exchange_is_the_requests_own)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct location bad = place(f.organization_id, "40001", "LATER");
	bool owned;

	run(owner, "CREATE FUNCTION raise_later() RETURNS trigger LANGUAGE plpgsql AS $$"
		   " BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = NEW.name; END $$;"
		   " CREATE CONSTRAINT TRIGGER raise_later AFTER INSERT ON location DEFERRABLE INITIALLY "
		   "DEFERRED"
		   " FOR EACH ROW WHEN (NEW.region = 'LATER') EXECUTE FUNCTION raise_later()");
	ck_assert_err(insert(db, &bad), TRY_AGAIN);
	ck_assert(db_is_up(db));
	for (int i = 0; i < 2; i++) {
		store_location_owned_send(db, f.location_id, f.organization_id);
		ck_assert_ok(db_flush(db));
		ck_assert_ok(store_owned_take(db, &owned));
		ck_assert(owned);
		ck_assert_ok(ask(db));
	}
	ck_assert_int_eq(places(f.organization_id), 1);
	db_free(db);
}
END_TEST

/* The arena's exhaustion jumps out of a handler: nobody calls anything before the next request begins. */
START_TEST(a_request_broken_off_leaves_nothing_to_the_next)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct location l = place(f.organization_id, "Puerto", NULL);

	DB_SEND(db, BEGIN);
	store_location_insert_send(db, &l);
	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	DB_SEND(db, BEGIN);
	store_location_insert_send(db, &l);
	ck_assert_ok(db_flush(db));
	begin(db, PATIENT_MS);
	ck_assert_ok(ask(db));
	ck_assert_int_eq(places(f.organization_id), 1);
	ck_assert_int_eq(open_transactions(), 0);
	db_free(db);
}
END_TEST

START_TEST(time_spent_waiting_is_told_once)
{
	struct db *db = app_open();

	(void)db_waited(db);
	run(owner, "BEGIN; LOCK schema_migration");
	begin(db, 50);
	ck_assert_err(ask(db), UNAVAILABLE);
	int64_t waited = db_waited(db);
	ck_assert_int_ge(waited, 40 * US_PER_MS);
	ck_assert_int_eq(db_waited(db), 0);
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_new_connection_serves_the_request_that_made_it,
		many_statements_are_one_round_trip,
		an_exchange_larger_than_the_pipes_of_both_sides_goes_through,
		statements_prepared_beside_a_failing_one_are_usable_afterwards,
		every_refusal_of_the_server_has_its_meaning,
		a_refusal_in_the_exchange_that_commits_may_be_tried_again,
		a_taken_name_says_which_one_it_is,
		a_request_that_fails_midway_leaves_no_transaction,
		a_statement_refused_in_a_transaction_ends_it,
		results_left_unread_cost_no_connection,
		statements_never_sent_out_hold_nobody_up,
		a_refusal_at_the_very_end_of_an_exchange_is_the_requests_own,
		a_request_broken_off_leaves_nothing_to_the_next,
		time_spent_waiting_is_told_once,
	};

	return database_suite_run("db", tests, ARRAY_SIZE(tests));
}
