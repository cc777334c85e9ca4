/* PostgreSQL's error codes: what the client is told, and whether the connection is kept. */
#include <string.h>

#include "store/db_error.h"
#include "suite.h"

#define KEPT    false
#define DROPPED true

static void check(const char *state, const char *constraint, enum err err, bool drop)
{
	struct db_error e = db_error_of(state, constraint);

	ck_assert_msg(e.err == err, "%s: %d", state ? state : "lost", e.err);
	ck_assert_msg(e.drop == drop, "%s: %d", state ? state : "lost", e.drop);
}

START_TEST(a_lost_race_is_run_again_on_the_same_connection)
{
	check("40001", NULL, ERR_TRY_AGAIN, KEPT);
	check("40P01", NULL, ERR_TRY_AGAIN, KEPT);
}
END_TEST

START_TEST(a_server_that_goes_or_is_no_primary_is_left)
{
	check(NULL, NULL, ERR_TRY_AGAIN, DROPPED);
	check("25006", NULL, ERR_TRY_AGAIN, DROPPED);
	check("57P01", NULL, ERR_TRY_AGAIN, DROPPED);
	check("57P02", NULL, ERR_TRY_AGAIN, DROPPED);
	check("57P03", NULL, ERR_TRY_AGAIN, DROPPED);
	check("57P05", NULL, ERR_TRY_AGAIN, DROPPED);
	check("25P03", NULL, ERR_TRY_AGAIN, DROPPED);
}
END_TEST

START_TEST(a_plan_gone_stale_is_prepared_anew_on_another_connection)
{
	check("0A000", NULL, ERR_TRY_AGAIN, DROPPED);
	check("26000", NULL, ERR_TRY_AGAIN, DROPPED);
}
END_TEST

START_TEST(no_room_and_no_time_are_the_clients_to_wait_for)
{
	check("53100", NULL, ERR_UNAVAILABLE, KEPT);    /* disk_full */
	check("53200", NULL, ERR_UNAVAILABLE, KEPT);    /* out_of_memory */
	check("53300", NULL, ERR_UNAVAILABLE, DROPPED); /* too_many_connections */
	check("55P03", NULL, ERR_UNAVAILABLE, KEPT);
	check("57014", NULL, ERR_UNAVAILABLE, KEPT);
	check("08006", NULL, ERR_UNAVAILABLE, DROPPED);
	check("08P01", NULL, ERR_UNAVAILABLE, DROPPED);
	check("28P01", NULL, ERR_UNAVAILABLE, DROPPED);
	check("28000", NULL, ERR_UNAVAILABLE, DROPPED);
	check("58030", NULL, ERR_UNAVAILABLE, DROPPED);
	check("XX000", NULL, ERR_UNAVAILABLE, DROPPED);
	check("XX001", NULL, ERR_UNAVAILABLE, DROPPED);
}
END_TEST

START_TEST(tables_that_are_not_there_ask_for_a_migration)
{
	check("42P01", NULL, ERR_SCHEMA_TOO_OLD, DROPPED);
	check("42703", NULL, ERR_SCHEMA_TOO_OLD, DROPPED);
	check("42883", NULL, ERR_SCHEMA_TOO_OLD, DROPPED);
}
END_TEST

START_TEST(a_running_twin_is_told_apart)
{
	check("AGB01", NULL, ERR_IN_PROGRESS, KEPT);
}
END_TEST

START_TEST(a_name_that_is_taken_is_told_by_its_constraint)
{
	check("23505", "app_user_email_key", ERR_EMAIL_TAKEN, KEPT);
	check("23505", "lot_product_id_code_key", ERR_LOT_CODE_TAKEN, KEPT);
	check("23505", "product_gtin_key", ERR_GTIN_TAKEN, KEPT);
	check("23503", "lot_grant_organization_id_fkey", ERR_NOT_FOUND, KEPT);
}
END_TEST

START_TEST(whatever_else_is_refused_is_our_own_mistake)
{
	check("23505", "lot_pkey", ERR_INTERNAL, KEPT);
	check("23503", "event_lot_id_fkey", ERR_INTERNAL, KEPT);
	check("23505", NULL, ERR_INTERNAL, KEPT);
	check("42601", NULL, ERR_INTERNAL, KEPT);
	check("25001", NULL, ERR_INTERNAL, KEPT);
	check("57000", NULL, ERR_INTERNAL, KEPT); /* no row is one of a whole class but those that say so */
	check("", NULL, ERR_INTERNAL, KEPT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_lost_race_is_run_again_on_the_same_connection,
		a_server_that_goes_or_is_no_primary_is_left,
		a_plan_gone_stale_is_prepared_anew_on_another_connection,
		no_room_and_no_time_are_the_clients_to_wait_for,
		tables_that_are_not_there_ask_for_a_migration,
		a_running_twin_is_told_apart,
		a_name_that_is_taken_is_told_by_its_constraint,
		whatever_else_is_refused_is_our_own_mistake,
	};

	return suite_run("db error", tests, ARRAY_SIZE(tests));
}
