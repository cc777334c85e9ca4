/*
 * What PostgreSQL's error codes mean for a request.
 */
#ifndef STORE_DB_ERROR_H
#define STORE_DB_ERROR_H

#include <stdbool.h>

#include "base/err.h"

struct db_error {
	enum err err;
	bool drop; /* the connection cannot be used any more */
};

/* `sqlstate` of five characters (NULL: the connection was lost), `constraint` the name of the violated one or NULL. */
struct db_error db_error_of(const char *sqlstate, const char *constraint);

#endif
