/* The role the service logs in as. */
#include "store/login_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/db_internal.h"
#include "store/store.h"

struct role_state {
	bool exists;
	int64_t sessions;
};

static const char *from_url(const struct db *service, const char *keyword)
{
	const PQconninfoOption *o = service->conninfo;

	while (o->keyword && strcmp(o->keyword, keyword) != 0)
		o++;
	return o->keyword && o->val ? o->val : "";
}

const char *login_role_name(const struct db *service)
{
	return from_url(service, "user");
}

static const char *password_of(const struct db *service)
{
	const char *password = from_url(service, "password");

	return *password || !service->options.password ? password
						       : service->options.password(service->options.self);
}

static int look_up(struct db *owner, const char *role, struct deadline d, struct role_state *ret_state)
{
	struct rows *rows;

	db_start(owner, NULL, d);
	DB_SEND(owner, LOGIN_ROLE, db_text(role));
	TRY(db_flush(owner));
	TRY(db_result(owner, &rows));
	ret_state->exists = db_row(rows) && db_read_bool(rows);
	ret_state->sessions = db_read_int(rows);
	return 0;
}

/* The verifier is made here: no password, and nothing to log in with, reaches the server's log. */
static int set_password(struct db *owner, const char *role, bool exists, const char *password,
	struct deadline d, const char **ret_why)
{
	char *verifier = PQencryptPasswordConn(owner->conn, password, role, "scram-sha-256");
	char *name = PQescapeIdentifier(owner->conn, role, strlen(role)), *sql = NULL;
	int err = -ERR_UNAVAILABLE;

	*ret_why = "out of memory";
	if (verifier && name &&
		asprintf(&sql, "%s ROLE %s LOGIN%s PASSWORD '%s'", exists ? "ALTER" : "CREATE", name,
			exists ? "" : " IN ROLE agrobridge_app", verifier) > 0)
		err = db_execute(owner, sql, d, ret_why);
	free(sql);
	PQfreemem(name);
	PQfreemem(verifier);
	return err;
}

int login_role_ensure(struct db *owner, struct db *service, struct deadline d, enum login_role *ret_done,
	const char **ret_why)
{
	const char *role = login_role_name(service), *password = password_of(service);
	struct role_state state;

	*ret_done = LOGIN_ROLE_WORKS;
	int err = db_connect(service, d, ret_why);
	/* Also what PostgreSQL says of a role that it does not have. */
	if (!err || !strstr(*ret_why, " 28P01: ") || !*role || !*password)
		return err;
	*ret_why = "could not read pg_roles";
	TRY(look_up(owner, role, d, &state));
	*ret_why = "it has another password, and somebody is connected with it: use the service's other "
		   "role, or end "
		   "those sessions";
	if (state.sessions)
		return -ERR_FORBIDDEN;
	*ret_done = state.exists ? LOGIN_ROLE_PASSWORD : LOGIN_ROLE_MADE;
	return set_password(owner, role, state.exists, password, d, ret_why);
}
