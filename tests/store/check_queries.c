/* Every statement of queries.def against the real schema, as the role that sends it. */
#include <string.h>

#include "base/base.h"
#include "database.h"

#define for_each_query(q) for (const struct query_info *q = queries; q < queries + QUERY_COUNT; q++)

/* What the server makes of it. */
static PGresult *described(const struct query_info *q)
{
	Oid types[DB_PARAMS_MAX];
	int n = 0;

	for (; q->in[n]; n++)
		types[n] = db_type_oid(q->in[n]);
	PGresult *result = PQprepare(peer, q->name, q->sql, n, types);
	ck_assert_msg(
		PQresultStatus(result) == PGRES_COMMAND_OK, "%s: %s", q->name, PQresultErrorMessage(result));
	PQclear(result);
	return PQdescribePrepared(peer, q->name);
}

START_TEST(each_takes_the_parameters_its_row_names)
{
	for_each_query(q)
	{
		PGresult *result = described(q);
		int n = 0;
		for (; q->in[n]; n++)
			ck_assert_msg(PQparamtype(result, n) == db_type_oid(q->in[n]),
				"%s: parameter %d is %u", q->name, n + 1, PQparamtype(result, n));
		ck_assert_msg(PQnparams(result) == n, "%s: takes %d parameters", q->name, PQnparams(result));
		PQclear(result);
	}
}
END_TEST

START_TEST(each_gives_the_columns_its_row_names)
{
	for_each_query(q)
	{
		PGresult *result = described(q);
		int n = 0;
		for (; q->out[n]; n++)
			ck_assert_msg(PQftype(result, n) == db_type_oid(q->out[n]),
				"%s: column %d (%s) is %u", q->name, n + 1, PQfname(result, n),
				PQftype(result, n));
		/* VOID is a column nobody reads, and the end of the list. */
		bool is_void = !n && PQnfields(result) == 1 && PQftype(result, 0) == db_type_oid(DB_VOID);
		ck_assert_msg(PQnfields(result) == n || is_void, "%s: gives %d columns", q->name,
			PQnfields(result));
		PQclear(result);
	}
}
END_TEST

/* Rights are looked at when a statement runs; given nothing but NULLs it finds nothing and changes nothing. */
START_TEST(each_may_be_run_by_the_applications_role)
{
	for_each_query(q)
	{
		const char *const nulls[DB_PARAMS_MAX] = { NULL };
		int n = 0;
		PQclear(described(q));
		while (q->in[n])
			n++;
		PGresult *result = PQexecPrepared(peer, q->name, n, nulls, NULL, NULL, 1);
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		bool null_refused = state && strcmp(state, "23502") == 0; /* not_null_violation */
		ck_assert_msg(!state || null_refused, "%s: %s", q->name, PQresultErrorMessage(result));
		PQclear(result);
	}
}
END_TEST

START_TEST(names_are_unique_and_short_enough_for_the_server)
{
	for_each_query(a)
	{
		ck_assert_uint_lt(strlen(a->name), 64); /* NAMEDATALEN: what is longer is cut */
		for (const struct query_info *b = queries; b < a; b++)
			ck_assert_str_ne(a->name, b->name);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_takes_the_parameters_its_row_names,
		each_gives_the_columns_its_row_names,
		each_may_be_run_by_the_applications_role,
		names_are_unique_and_short_enough_for_the_server,
	};

	return database_suite_run("queries", tests, ARRAY_SIZE(tests));
}
