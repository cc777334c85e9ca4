/* PostgreSQL's error codes (manual, appendix A) as a table: what the client is told, whether the request may run again, and
 * whether the connection is kept. */
#include "store/db_error.h"

#include <stddef.h>
#include <string.h>

#include "base/base.h"

static const struct state_row {
	const char *prefix; /* a whole code, or the two characters of a class */
	struct db_error error;
} states[] = {
	/* Lost a race: nothing was done, run it again. */
	{ "40001", { ERR_TRY_AGAIN, false } }, /* serialization_failure */
	{ "40P01", { ERR_TRY_AGAIN, false } }, /* deadlock_detected */
	/* The server is going, or is no longer the primary: connect afresh (the name may point elsewhere), then again. */
	{ "25006", { ERR_TRY_AGAIN, true } }, /* read_only_sql_transaction */
	{ "57P01", { ERR_TRY_AGAIN, true } }, /* admin_shutdown */
	{ "57P02", { ERR_TRY_AGAIN, true } }, /* crash_shutdown */
	{ "57P03", { ERR_TRY_AGAIN, true } }, /* cannot_connect_now */
	{ "57P05", { ERR_TRY_AGAIN, true } }, /* idle_session_timeout */
	{ "25P03", { ERR_TRY_AGAIN, true } }, /* idle_in_transaction_session_timeout */
	/* A plan that a migration made invalid, or a pooler that forgot it: a new connection prepares anew. */
	{ "0A000", { ERR_TRY_AGAIN, true } }, /* cached plan must not change result type */
	{ "26000", { ERR_TRY_AGAIN, true } }, /* invalid_sql_statement_name */
	/* Ours to answer. */
	{ "AGB01", { ERR_IN_PROGRESS, false } }, /* idempotency_lock() */
	/* No room, no time. */
	{ "53", { ERR_UNAVAILABLE, false } },    /* insufficient resources: disk full, out of memory */
	{ "53300", { ERR_UNAVAILABLE, true } },  /* too_many_connections */
	{ "55P03", { ERR_UNAVAILABLE, false } }, /* lock_not_available */
	{ "57014", { ERR_UNAVAILABLE, false } }, /* query_canceled: statement_timeout */
	{ "08", { ERR_UNAVAILABLE, true } },     /* connection exception */
	{ "28", { ERR_UNAVAILABLE, true } },     /* invalid authorization */
	{ "58", { ERR_UNAVAILABLE, true } },     /* system error */
	{ "XX", { ERR_UNAVAILABLE, true } },     /* internal error, corrupted data */
	/* The tables are not those this program knows. */
	{ "42P01", { ERR_SCHEMA_TOO_OLD, true } }, /* undefined_table */
	{ "42703", { ERR_SCHEMA_TOO_OLD, true } }, /* undefined_column */
	{ "42883", { ERR_SCHEMA_TOO_OLD, true } }, /* undefined_function */
};

static const struct constraint_row {
	const char *name;
	enum err err;
} constraints[] = {
	{ "app_user_email_key", ERR_EMAIL_TAKEN },
	{ "app_user_organization_id_fkey", ERR_UNKNOWN_ORGANIZATION },
	{ "organization_tax_id_key", ERR_TAX_ID_TAKEN },
	{ "organization_gln_key", ERR_GLN_TAKEN },
	{ "lot_product_id_code_key", ERR_LOT_CODE_TAKEN },
	{ "product_gtin_key", ERR_GTIN_TAKEN },
	{ "lot_grant_organization_id_fkey", ERR_NOT_FOUND },
};

struct db_error db_error_of(const char *sqlstate, const char *constraint)
{
	struct db_error found = { ERR_INTERNAL, false };
	size_t longest = 0;

	if (!sqlstate)
		return (struct db_error){ ERR_TRY_AGAIN, true };
	for (size_t i = 0; constraint && i < ARRAY_SIZE(constraints); i++)
		if (strcmp(constraint, constraints[i].name) == 0)
			return (struct db_error){ constraints[i].err, false };
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		size_t n = strlen(states[i].prefix);
		if (n > longest && strncmp(sqlstate, states[i].prefix, n) == 0) {
			found = states[i].error;
			longest = n;
		}
	}
	return found;
}
