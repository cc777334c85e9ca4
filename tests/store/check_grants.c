/* What the application's role may not do, whatever is asked of it: history cannot be rewritten from within the service. */
#include <string.h>

#include "base/base.h"
#include "database.h"

static const char denied[] = "42501"; /* insufficient_privilege */

static const char *refused(const char *sql)
{
	return refusal(peer, "%s", sql);
}

START_TEST(recorded_events_stay_as_they_are)
{
	ck_assert_str_eq(refused("UPDATE event SET temperature_c = 0"), denied);
	ck_assert_str_eq(refused("DELETE FROM event"), denied);
	ck_assert_str_eq(refused("TRUNCATE event"), denied);
	ck_assert_str_eq(refused("TRUNCATE lot CASCADE"), denied);
	ck_assert_str_eq(refused("SELECT FROM event FOR UPDATE"), denied);
	ck_assert_str_eq(refused("COPY event TO PROGRAM 'true'"), denied);
}
END_TEST

START_TEST(the_audit_log_stays_as_it_is)
{
	ck_assert_str_eq(refused("UPDATE audit SET reason = ''"), denied);
	ck_assert_str_eq(refused("DELETE FROM audit"), denied);
	ck_assert_str_eq(refused("TRUNCATE audit"), denied);
	/* Pruning deletes what is older than a year, whatever time it is told. */
	run(owner, "INSERT INTO audit (id, at, user_id, request_id, action)"
		   " SELECT (lpad(to_hex((extract(epoch FROM now() - age) * 1000)::bigint), 12, '0') ||"
		   " '7' || substr(md5(random()::text), 1, 19))::uuid, now() - age, gen_random_uuid(), 'r', "
		   "'PUT /x' FROM"
		   " unnest('{1 day,364 days,367 days,900 days}'::interval[]) age");
	ck_assert_int_eq(number(peer, "SELECT audit_prune(now() + interval '10 years', 100)"), 2);
	ck_assert_int_eq(number(peer, "SELECT count(*) FROM audit WHERE action = 'PUT /x'"), 2);
}
END_TEST

START_TEST(nothing_else_is_deleted_that_a_history_needs)
{
	static const char *const tables[] = { "organization", "app_user", "location", "product", "lot" };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		ck_assert_str_eq(refusal(peer, "DELETE FROM %s", tables[i]), denied);
		ck_assert_str_eq(refusal(peer, "TRUNCATE %s CASCADE", tables[i]), denied);
	}
}
END_TEST

START_TEST(no_table_of_the_schema_has_more_rights_than_are_listed)
{
	ck_assert_str_eq(
		text(owner, "SELECT string_agg(table_name || ' ' || rights, ', ' ORDER BY table_name) FROM"
			    " (SELECT table_name, string_agg(left(privilege_type, 1), '' ORDER BY "
			    "privilege_type) rights"
			    "  FROM information_schema.table_privileges"
			    "  WHERE grantee IN ('agrobridge_app', 'PUBLIC') AND table_schema = 'public'"
			    "  GROUP BY table_name) t"),
		"app_user ISU, audit IS, event IS, idempotency_key DISU, location ISU, lot ISU, lot_grant "
		"DISU, "
		"organization ISU,"
		" product ISU, schema_migration S, session DISU, session_spent DISU");
}
END_TEST

START_TEST(the_schema_is_not_its_to_change)
{
	ck_assert_str_eq(refused("CREATE TABLE mine (x int)"), denied);
	ck_assert_str_eq(refused("CREATE SCHEMA mine"), denied);
	ck_assert_str_eq(refused("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"), denied);
	ck_assert_str_eq(refused("ALTER TABLE event DISABLE TRIGGER ALL"), denied);
	ck_assert_str_eq(refused("DROP TABLE event"), denied);
	ck_assert_str_eq(refused("CREATE INDEX ON event (at)"), denied);
	ck_assert_str_eq(refused("DROP FUNCTION idempotency_lock(bigint)"), denied);
	ck_assert_str_eq(refused("INSERT INTO schema_migration (number, name) VALUES (999, 'x')"), denied);
}
END_TEST

START_TEST(it_is_no_superuser_and_becomes_nobody_else)
{
	ck_assert_str_eq(
		text(peer, "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
			   " FROM pg_roles WHERE rolname = current_user"),
		"f");
	ck_assert_str_eq(refused("SELECT rolpassword FROM pg_authid"), denied);
	ck_assert_str_eq(refused("SET ROLE agrobridge_owner"), denied);
	ck_assert_str_eq(refused("SET session_replication_role = replica"), denied);
	ck_assert_str_eq(refused("CREATE ROLE mine"), denied);
	ck_assert_str_eq(refused("SELECT pg_read_file('/etc/passwd')"), denied);
}
END_TEST

START_TEST(what_it_may_do_it_can)
{
	const struct farm f = farm_new();

	ck_assert_str_eq(refusal(peer,
				 "INSERT INTO event (lot_id, position, id, organization_id, user_id, kind, "
				 "at, recorded_at, content, hash)"
				 " VALUES ('%s', 1, gen_random_uuid(), '%s', '%s', 'HARVEST', now(), now(), "
				 "'{}', sha256('x'))",
				 uuid_text(f.lot_id), uuid_text(f.organization_id), uuid_text(f.user_id)),
		"");
	ck_assert_int_eq(
		number(peer, "SELECT count(*) FROM event WHERE lot_id = '%s'", uuid_text(f.lot_id)), 1);
}
END_TEST

/* The one that the chain is there to find out about. */
START_TEST(the_owner_can_tamper_with_an_event)
{
	const struct farm f = farm_new();

	run(owner,
		"INSERT INTO event (lot_id, position, id, organization_id, user_id, kind, at, recorded_at, "
		"content, hash)"
		" VALUES ('%s', 1, gen_random_uuid(), '%s', '%s', 'HARVEST', now(), now(), '{\"a\":1}', "
		"sha256('x'))",
		uuid_text(f.lot_id), uuid_text(f.organization_id), uuid_text(f.user_id));
	run(owner, "UPDATE event SET content = '{\"a\":2}' WHERE lot_id = '%s'", uuid_text(f.lot_id));
	/* The searchable copy cannot differ from the text that is hashed. */
	ck_assert_str_eq(
		text(owner, "SELECT document->>'a' FROM event WHERE lot_id = '%s'", uuid_text(f.lot_id)),
		"2");
	ck_assert_str_eq(
		refusal(owner, "UPDATE event SET document = '{}' WHERE lot_id = '%s'", uuid_text(f.lot_id)),
		"428C9"); /* generated_always */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		recorded_events_stay_as_they_are,
		the_audit_log_stays_as_it_is,
		nothing_else_is_deleted_that_a_history_needs,
		no_table_of_the_schema_has_more_rights_than_are_listed,
		the_schema_is_not_its_to_change,
		it_is_no_superuser_and_becomes_nobody_else,
		what_it_may_do_it_can,
		the_owner_can_tamper_with_an_event,
	};

	return database_suite_run("grants", tests, ARRAY_SIZE(tests));
}
