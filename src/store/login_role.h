/*
 * The role the service logs in as: a member of agrobridge_app, made and given its password by the schema's owner. There are two,
 * and a release uses one of them, so that a password changes while the service runs: running workers keep the old one.
 */
#ifndef STORE_LOGIN_ROLE_H
#define STORE_LOGIN_ROLE_H

#include "store/db.h"

enum login_role {
	LOGIN_ROLE_WORKS,    /* it can log in: nothing was done */
	LOGIN_ROLE_MADE,     /* there was none */
	LOGIN_ROLE_PASSWORD, /* it had another password, and nobody was connected with it */
};

/* Lets `service` log in: its URL names the role, its URL or options the password. `owner` is connected, after migrate_run().
 * -ERR_FORBIDDEN: the role has another password and is in use; -ERR_*, with *ret_why for an operator. */
MUST_CHECK int login_role_ensure(struct db *owner, struct db *service, struct deadline d,
	enum login_role *ret_done, const char **ret_why);

/* The name of the role in the URL; "" when it names none. */
const char *login_role_name(const struct db *service);

#endif
