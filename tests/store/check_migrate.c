/* Migrations: from nothing, twice, two at once; and connections of programs older and newer than the schema. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/err.h"
#include "database.h"
#include "store/migrate.h"
#include "store/schema.h"

#define LOCK "280369450818" /* "AGROB": what migrations of any version wait on */

static int steps;
static char last_step[64];

static void count_step(const char *name)
{
	steps++;
	snprintf(last_step, sizeof last_step, "%s", name);
}

static struct db *owner_db(void)
{
	const struct db_options options = { .url = owner_url(), .ca_file = "", .statement_timeout_ms = 100 };

	return new_db(&options);
}

static int migrate_within(int ms, const char **ret_why)
{
	struct db *db = owner_db();

	int err = migrate_run(db, deadline_in(ms * US_PER_MS), count_step, ret_why);
	if (*ret_why)
		*ret_why = arena_printf(&memory, "%s", *ret_why);
	db_free(db);
	return err;
}

static void migrate_now(void)
{
	const char *why = "";

	ck_assert_msg(migrate_within(PATIENT_MS, &why) == 0, "%s", why);
}

static int64_t rows_of_schema_migration(void)
{
	return number(owner, "SELECT count(*) FROM schema_migration");
}

static int ask(struct db *db)
{
	begin(db, PATIENT_MS);
	DB_SEND(db, LOT_BY_ID, db_uuid((struct uuid){ { 0 } }), db_uuid((struct uuid){ { 0 } }),
		db_bool(true));
	TRY(db_flush(db));
	return db_result(db, NULL);
}

START_TEST(an_empty_database_gets_every_step_once)
{
	migrate_now();
	ck_assert_int_eq(steps, (int)migration_count);
	ck_assert_int_eq(rows_of_schema_migration(), (int64_t)migration_count);
	ck_assert_int_eq(number(owner, "SELECT max(number) FROM schema_migration"), migrate_newest());
	struct db *db = app_new();
	ck_assert_ok(ask(db));
	db_free(db);
}
END_TEST

START_TEST(each_step_is_told_by_number_and_name)
{
	char wanted[64];
	const struct migration *last = &migrations[migration_count - 1];

	migrate_now();
	snprintf(wanted, sizeof wanted, "%03d_%s", last->number, last->name);
	ck_assert_str_eq(last_step, wanted);
}
END_TEST

START_TEST(a_second_run_changes_nothing)
{
	migrate_now();
	steps = 0;
	const char *before = text(owner, "SELECT max(applied_at) FROM schema_migration");
	migrate_now();
	ck_assert_int_eq(steps, 0);
	ck_assert_str_eq(text(owner, "SELECT max(applied_at) FROM schema_migration"), before);
}
END_TEST

static int migrate_here(int i, void *context)
{
	const char *why = "";

	(void)i, (void)context;
	steps = 0;
	return migrate_within(PATIENT_MS, &why) ? 63 : steps;
}

START_TEST(several_at_once_apply_each_step_once)
{
	enum { PROCESSES = 4 };
	int statuses[PROCESSES], sum = 0;

	at_once(PROCESSES, migrate_here, NULL, statuses);
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_ne(statuses[i], 63);
		sum += statuses[i];
	}
	ck_assert_int_eq(sum, (int)migration_count);
	ck_assert_int_eq(rows_of_schema_migration(), (int64_t)migration_count);
}
END_TEST

static bool one_waits_for_the_lock(void)
{
	return number(owner, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
			     " AND (SELECT now() - query_start > interval '300 ms' FROM pg_stat_activity a "
			     "WHERE a.pid = pg_locks.pid)") == 1;
}

/* The first may build an index for minutes: far longer than any statement of a request may take. */
START_TEST(whoever_comes_second_waits_for_the_first)
{
	int status;

	run(owner, "SELECT pg_advisory_lock(" LOCK ")");
	pid_t pid = fork();
	if (!pid)
		_exit(migrate_here(0, NULL));
	ck_assert(eventually(PATIENT_MS, one_waits_for_the_lock()));
	run(owner, "SELECT pg_advisory_unlock(" LOCK ")");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), (int)migration_count);
}
END_TEST

START_TEST(nobody_waits_longer_than_told)
{
	const char *why = "";
	int64_t start = clock_now();

	run(owner, "SELECT pg_advisory_lock(" LOCK ")");
	ck_assert_err(migrate_within(200, &why), UNAVAILABLE);
	ck_assert_int_lt(clock_now() - start, 5 * US_PER_SECOND);
	ck_assert_ptr_ne(strstr(why, "deadline"), NULL);
}
END_TEST

START_TEST(a_step_that_fails_leaves_nothing_of_itself)
{
	const char *why = "";

	/* In the way of the first step's last tables. */
	run(owner, "CREATE TABLE idempotency_key (mine int)");
	ck_assert_err(migrate_within(PATIENT_MS, &why), INTERNAL);
	ck_assert_ptr_ne(strstr(why, "idempotency_key"), NULL);
	ck_assert_int_eq(rows_of_schema_migration(), 0);
	ck_assert_str_eq(text(owner, "SELECT to_regclass('lot')"), "");
	run(owner, "DROP TABLE idempotency_key");
	migrate_now();
	ck_assert_int_eq(rows_of_schema_migration(), (int64_t)migration_count);
}
END_TEST

static bool is_served(struct db *db)
{
	return ask(db) == 0;
}

START_TEST(a_connection_says_that_the_schema_is_too_old_until_it_is_not)
{
	struct db *db = app_new();

	for (int i = 0; i < 20; i++) { /* in the pauses between attempts too */
		ck_assert_err(ask(db), SCHEMA_TOO_OLD);
		ck_assert(!db_is_up(db));
	}
	migrate_now();
	ck_assert(eventually(PATIENT_MS, is_served(db)));
	db_free(db);

	struct db_options options = app_options();
	options.required_schema = migrate_newest() + 1;
	db = new_db(&options);
	for (int i = 0; i < 20; i++) {
		ck_assert_err(ask(db), SCHEMA_TOO_OLD);
		ck_assert_ptr_ne(strstr(db_why(db), "run migrate"), NULL);
	}
	run(owner, "INSERT INTO schema_migration (number, name) VALUES (%d, 'next')", migrate_newest() + 1);
	ck_assert(eventually(PATIENT_MS, is_served(db)));
	db_free(db);
}
END_TEST

START_TEST(a_schema_newer_than_the_program_is_served_and_left_alone)
{
	migrate_now();
	run(owner, "INSERT INTO schema_migration (number, name) VALUES (%d, 'later')", migrate_newest() + 5);
	struct db *db = app_new();
	ck_assert_ok(ask(db));
	db_free(db);
	steps = 0;
	migrate_now();
	ck_assert_int_eq(steps, 0);
}
END_TEST

static int ask_for_key(struct db *db)
{
	DB_SEND(db, IDEMPOTENCY_GET, db_uuid((struct uuid){ { 1 } }), db_text("k"));
	TRY(db_flush(db));
	return db_result(db, NULL);
}

/* A worker that was connected all along: its prepared statement does not fit the table any more. */
START_TEST(a_plan_that_a_migration_made_invalid_is_made_anew)
{
	migrate_now();
	struct db *db = app_open();

	ck_assert_ok(ask_for_key(db));
	run(owner, "ALTER TABLE idempotency_key ALTER COLUMN body TYPE varchar(100)");
	begin(db, PATIENT_MS);
	ck_assert_err(ask_for_key(db), TRY_AGAIN);
	ck_assert_ok(ask_for_key(db));
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_empty_database_gets_every_step_once,
		each_step_is_told_by_number_and_name,
		a_second_run_changes_nothing,
		several_at_once_apply_each_step_once,
		whoever_comes_second_waits_for_the_first,
		nobody_waits_longer_than_told,
		a_step_that_fails_leaves_nothing_of_itself,
		a_connection_says_that_the_schema_is_too_old_until_it_is_not,
		a_schema_newer_than_the_program_is_served_and_left_alone,
		a_plan_that_a_migration_made_invalid_is_made_anew,
	};

	return empty_database_suite_run("migrate", tests, ARRAY_SIZE(tests));
}
