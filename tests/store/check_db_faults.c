/* One connection on its bad days: the server ends it, freezes, refuses, locks, turns read-only. No request waits past its time,
 * and the next one is served as soon as the server is. */
#include <signal.h>
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "crypto/random.h"
#include "database.h"
#include "relay.h"
#include "store/location.h"
#include "store/lot.h"

enum {
	BUDGET_MS = 200,
	SLACK_MS = 1000, /* on top of a budget: what a crowded machine may take before it runs us again */
};

static int ask(struct db *db)
{
	DB_SEND(db, SCHEMA_VERSION);
	TRY(db_flush(db));
	return db_result(db, NULL);
}

static int ask_within(struct db *db, int ms)
{
	begin(db, ms);
	return ask(db);
}

/* How long an unsuccessful question with a budget of BUDGET_MS takes, ms. */
static int64_t failed_in(struct db *db)
{
	int64_t start = clock_now();

	ck_assert_err(ask_within(db, BUDGET_MS), UNAVAILABLE);
	return (clock_now() - start) / US_PER_MS;
}

static void insert_send(struct db *db, const struct farm *f)
{
	const struct location l = { .id = random_uuid(),
		.organization_id = f->organization_id,
		.name = "Puerto",
		.kind = "port",
		.created_at = f->now };

	store_location_insert_send(db, &l);
}

static int insert(struct db *db, const struct farm *f)
{
	insert_send(db, f);
	TRY(db_flush(db));
	return db_result(db, NULL);
}

static bool waits_for_a_lock(void)
{
	return number(peer, "SELECT count(*) FROM pg_stat_activity"
			    " WHERE application_name = 'agrobridge' AND wait_event_type = 'Lock'") == 1;
}

static void terminate(void)
{
	run(peer, "SELECT pg_terminate_backend(%d)", backend_pid());
	ck_assert(eventually(PATIENT_MS, backends() == 0));
}

START_TEST(a_connection_ended_between_requests_costs_none)
{
	struct db *db = app_open();

	for (int i = 0; i < 3; i++) {
		ck_assert_ok(ask_within(db, PATIENT_MS));
		terminate();
	}
	ck_assert_ok(ask_within(db, PATIENT_MS));
	db_free(db);
}
END_TEST

START_TEST(a_connection_lost_under_way_may_be_tried_again_once)
{
	struct db *db = app_open();

	run(owner, "BEGIN; LOCK schema_migration");
	DB_SEND(db, LOT_BY_ID, db_uuid(random_uuid()), db_uuid(random_uuid()), db_bool(true));
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_result(db, NULL));
	DB_SEND(db, SCHEMA_VERSION);
	ck_assert_ok(db_flush(db));
	ck_assert(eventually(PATIENT_MS, waits_for_a_lock()));
	terminate();
	ck_assert_err(db_result(db, NULL), TRY_AGAIN);
	run(owner, "COMMIT");
	ck_assert_ok(ask(db));
	run(owner, "BEGIN; LOCK schema_migration");
	DB_SEND(db, SCHEMA_VERSION);
	ck_assert_ok(db_flush(db));
	ck_assert(eventually(PATIENT_MS, waits_for_a_lock()));
	terminate();
	ck_assert_err(db_result(db, NULL), UNAVAILABLE);
	run(owner, "COMMIT");
	ck_assert_ok(ask_within(db, PATIENT_MS));
	db_free(db);
}
END_TEST

START_TEST(a_connection_ended_within_a_transaction_may_be_tried_again)
{
	const struct farm f = farm_new();
	struct db *db = app_open();

	DB_SEND(db, BEGIN);
	insert_send(db, &f);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(db_results(db, 2));
	terminate();
	insert_send(db, &f);
	ck_assert_err(db_flush(db) ?: db_result(db, NULL), TRY_AGAIN);
	ck_assert_ok(insert(db, &f));
	ck_assert_int_eq(number(owner, "SELECT count(*) FROM location WHERE organization_id = '%s'",
				 uuid_text(f.organization_id)),
		2);
	db_free(db);
}
END_TEST

/* More than the pipes hold, so that it is the writing that fails. */
START_TEST(a_connection_lost_while_a_statement_is_sent_may_be_tried_again)
{
	enum { SIZE = 16 << 20 };
	const struct farm f = farm_new();
	struct relay relay;
	relay_start(&relay);
	struct db *db = app_new_at(relay_url(&relay));
	char *name = arena_alloc(&memory, SIZE);
	const struct location l = { .id = random_uuid(),
		.organization_id = f.organization_id,
		.name = name,
		.kind = "port",
		.created_at = f.now };

	memset(name, 'x', SIZE - 1);
	ck_assert_ok(ask_within(db, PATIENT_MS));
	relay_cut(&relay, FROM_CLIENT, 1);
	store_location_insert_send(db, &l);
	ck_assert_err(db_flush(db), TRY_AGAIN);
	ck_assert_int_eq(relay.state->cuts, 1);
	ck_assert_ok(insert(db, &f));
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(a_connection_lost_with_the_commit_under_way_is_never_tried_again)
{
	const struct farm f = farm_new();
	struct relay relay;
	relay_start(&relay);
	struct db *db = app_new_at(relay_url(&relay));

	ck_assert_ok(ask_within(db, PATIENT_MS));
	relay_cut(&relay, FROM_SERVER, 0);
	DB_SEND(db, BEGIN);
	insert_send(db, &f);
	DB_SEND(db, COMMIT);
	ck_assert_err(db_flush(db) ?: db_results(db, 3), UNAVAILABLE);
	ck_assert_int_eq(relay.state->cuts, 1);
	ck_assert_ok(ask_within(db, PATIENT_MS));
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(a_lock_somebody_holds_ends_with_the_deadline)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct lot_state state;

	run(owner, "BEGIN");
	run(owner, "SELECT FROM lot WHERE id = '%s' FOR UPDATE", uuid_text(f.lot_id));
	for (int i = 0; i < 2; i++) {
		int64_t start = clock_now();
		begin(db, BUDGET_MS);
		DB_SEND(db, BEGIN);
		store_lot_lock_send(db, f.lot_id, f.organization_id);
		ck_assert_err(db_flush(db) ?: db_results(db, 2), UNAVAILABLE);
		int64_t ms = (clock_now() - start) / US_PER_MS;
		ck_assert_int_ge(ms, BUDGET_MS);
		ck_assert_int_lt(ms, BUDGET_MS + SLACK_MS);
		ck_assert_ok(ask_within(db, PATIENT_MS));
	}
	run(owner, "COMMIT");
	begin(db, PATIENT_MS);
	store_lot_lock_send(db, f.lot_id, f.organization_id);
	ck_assert_ok(db_flush(db));
	ck_assert_ok(store_lot_lock_take(db, &state));
	db_free(db);
}
END_TEST

START_TEST(a_lock_given_up_by_the_server_keeps_the_connection)
{
	const struct farm f = farm_new();
	struct db_options options = app_options();
	options.statement_timeout_ms = BUDGET_MS;
	struct db *db = new_db(&options);

	ck_assert_ok(ask_within(db, PATIENT_MS));
	int pid = backend_pid();
	run(owner, "BEGIN");
	run(owner, "SELECT FROM lot WHERE id = '%s' FOR UPDATE", uuid_text(f.lot_id));
	DB_SEND(db, BEGIN);
	store_lot_lock_send(db, f.lot_id, f.organization_id);
	ck_assert_err(db_flush(db) ?: db_results(db, 2), UNAVAILABLE);
	ck_assert_ok(ask(db));
	ck_assert_int_eq(backend_pid(), pid);
	db_free(db);
}
END_TEST

START_TEST(a_frozen_server_process_holds_no_request_past_its_deadline)
{
	struct db *db = app_open();
	int pid = backend_pid();

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	int64_t ms = failed_in(db);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_ge(ms, BUDGET_MS);
	ck_assert_int_lt(ms, BUDGET_MS + SLACK_MS);
	ck_assert_ok(ask_within(db, PATIENT_MS)); /* on a new connection: the old one owes an answer */
	ck_assert(eventually(PATIENT_MS, backends() == 1));
	ck_assert_int_ne(backend_pid(), pid);
	db_free(db);
}
END_TEST

START_TEST(a_frozen_network_holds_no_request_past_its_deadline)
{
	struct relay relay;
	relay_start(&relay);
	struct db *db = app_new_at(relay_url(&relay));

	ck_assert_ok(ask_within(db, PATIENT_MS));
	kill(relay.pid, SIGSTOP);
	/* The first waits for an answer, later ones for a login, or not at all while that has just failed. */
	for (int i = 0; i < 4; i++)
		ck_assert_int_lt(failed_in(db), BUDGET_MS + SLACK_MS);
	kill(relay.pid, SIGCONT);
	ck_assert(eventually(PATIENT_MS, ask_within(db, PATIENT_MS) == 0));
	db_free(db);
	relay_stop(&relay);
}
END_TEST

START_TEST(two_that_wait_for_each_other_are_told_apart_and_keep_their_connections)
{
	const struct farm a = farm_new(), b = farm_new();
	struct db *one = app_open(), *two = app_open();

	DB_SEND(one, BEGIN);
	store_lot_lock_send(one, a.lot_id, a.organization_id);
	DB_SEND(two, BEGIN);
	store_lot_lock_send(two, b.lot_id, b.organization_id);
	ck_assert_ok(db_flush(one) ?: db_results(one, 3));
	ck_assert_ok(db_flush(two) ?: db_results(two, 3));
	store_lot_lock_send(one, b.lot_id, b.organization_id);
	ck_assert_ok(db_flush(one));
	store_lot_lock_send(two, a.lot_id, a.organization_id);
	ck_assert_ok(db_flush(two));
	/* Whoever waited for a second first is the one to give way; ROLLBACK then lets the other through. */
	int first = db_result(one, NULL), second = db_result(two, NULL);
	ck_assert_int_eq(first + second, -ERR_TRY_AGAIN);
	ck_assert(db_is_up(one) && db_is_up(two));
	struct db *loser = first ? one : two;
	ck_assert_ok(ask(loser));
	db_free(one);
	db_free(two);
}
END_TEST

START_TEST(a_read_only_server_serves_reads_and_refuses_writes)
{
	const struct farm f = farm_new();
	struct lot lot;

	run(owner, "ALTER DATABASE agrobridge SET default_transaction_read_only = on");
	struct db *db = app_open();
	for (int i = 0; i < 2; i++) {
		begin(db, PATIENT_MS);
		ck_assert_err(insert(db, &f), TRY_AGAIN);
		ck_assert(!db_is_up(db));
		ck_assert_err(insert(db, &f), UNAVAILABLE);
		begin(db, PATIENT_MS);
		ck_assert_ok(store_lot_get(db, f.lot_id, (struct viewer){ f.organization_id, false }, &lot));
	}
	run(owner, "ALTER DATABASE agrobridge RESET default_transaction_read_only");
	begin(db, PATIENT_MS);
	ck_assert_err(insert(db, &f), TRY_AGAIN);
	ck_assert_ok(insert(db, &f)); /* the new connection is one to the primary */
	db_free(db);
}
END_TEST

START_TEST(the_server_has_limits_of_its_own_behind_ours)
{
	struct db_options options = app_options();
	options.statement_timeout_ms = 1234;
	struct db *db = new_db(&options);
	const char *why = "";

	ck_assert_msg(
		db_execute(db,
			"DO $$ BEGIN"
			" ASSERT current_setting('statement_timeout') = '1234ms', 'statement_timeout';"
			" ASSERT current_setting('lock_timeout') = '1234ms', 'lock_timeout';"
			" ASSERT current_setting('idle_in_transaction_session_timeout') = '2468ms', 'idle';"
			" ASSERT current_setting('client_connection_check_interval') = '2s', 'check';"
			" ASSERT current_setting('client_encoding') = 'UTF8', 'encoding';"
			" END $$",
			deadline_in(PATIENT_MS * US_PER_MS), &why) == 0,
		"%s", why);
	ck_assert_ok(ask_within(db, PATIENT_MS));
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_connection_ended_between_requests_costs_none,
		a_connection_lost_under_way_may_be_tried_again_once,
		a_connection_ended_within_a_transaction_may_be_tried_again,
		a_connection_lost_while_a_statement_is_sent_may_be_tried_again,
		a_connection_lost_with_the_commit_under_way_is_never_tried_again,
		a_lock_somebody_holds_ends_with_the_deadline,
		a_lock_given_up_by_the_server_keeps_the_connection,
		a_frozen_server_process_holds_no_request_past_its_deadline,
		a_frozen_network_holds_no_request_past_its_deadline,
		two_that_wait_for_each_other_are_told_apart_and_keep_their_connections,
		a_read_only_server_serves_reads_and_refuses_writes,
		the_server_has_limits_of_its_own_behind_ours,
	};

	return database_suite_run("db faults", tests, ARRAY_SIZE(tests));
}
