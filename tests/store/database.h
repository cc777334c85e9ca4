/*
 * What the tests of the store share: a PostgreSQL of their own (tests/run starts it and names it in
 * AGROBRIDGE_DATABASE_URL and AGROBRIDGE_OWNER_DATABASE_URL), connections of the code under test, and raw ones beside them to
 * look from outside. A failed assertion ends the test's process, and its connections with it.
 */
#ifndef TESTS_STORE_DATABASE_H
#define TESTS_STORE_DATABASE_H

#include <check.h>
#include <libpq-fe.h>
#include <stdint.h>

#include "base/arena.h"
#include "store/session.h"
#include "store/store.h"

enum { PATIENT_MS = 20000 }; /* a request's limit where time is not what is tested */

extern struct arena memory; /* new for each test */

/* Runs the tests on a migrated database; each may take a minute. Returns main()'s exit status. */
int database_suite_run(const char *name, const TTest *const *tests, size_t count);
/* The same on an empty one for each test. */
int empty_database_suite_run(const char *name, const TTest *const *tests, size_t count);

const char *app_url(void);
const char *owner_url(void);
/* The application's URL at another place; the password is left out when `password` is "". */
const char *app_url_at(const char *host, int port, const char *password);

/* A connection of the application as a worker has it. Not connected yet. */
struct db *app_new(void);
struct db *app_new_at(const char *url);
struct db *new_db(const struct db_options *options);
struct db_options app_options(void);
/* Connected, and a request of PATIENT_MS begun. */
struct db *app_open(void);
void begin(struct db *db, int ms);

/* Raw connections, as the schema's owner and as the application. A statement that fails fails the test. */
PGconn *raw_open(const char *url);
void run(PGconn *conn, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *text(PGconn *conn, const char *fmt, ...) PRINTF_LIKE(2, 3); /* the first value; "" for none */
int64_t number(PGconn *conn, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *refusal(PGconn *conn, const char *fmt, ...)
	PRINTF_LIKE(2, 3);   /* its SQLSTATE; "" if it was done */
extern PGconn *owner, *peer; /* open in every test; `peer` has the application's role */

/* The server's processes that serve connections of the code under test. */
int64_t backends(void);
int backend_pid(void); /* of the only one */

const char *uuid_text(struct uuid id);

/* An organization with somebody logged in, a product, a place and a lot. */
struct farm {
	struct uuid organization_id, user_id, session_id, product_id, location_id, lot_id;
	const char *public_code, *gtin;
	struct credentials who; /* the user with its password's hash */
	uint8_t access_hash[SHA256_SIZE], refresh_hash[SHA256_SIZE];
	int64_t now; /* when they logged in: the access token lives 15 minutes from then, the other 7 days */
};
struct farm farm_new(void);

/* Runs `body` in `count` processes, begun at one instant; each exits with what it returns, which is below 64.
 * ret_statuses[i] is process i's. */
void at_once(int count, int (*body)(int i, void *context), void *context, int *ret_statuses);

/* Asks again every few ms, at most `ms` long, until it is true: for what only a look can tell. */
#define eventually(ms, condition)                                                                            \
	({                                                                                                   \
		struct deadline until_ = deadline_in((ms)*US_PER_MS);                                        \
		bool met_;                                                                                   \
		while (!(met_ = (condition)) && deadline_left(until_))                                       \
			nap();                                                                               \
		met_;                                                                                        \
	})
void nap(void);

#define ck_assert_err(call, name) ck_assert_str_eq(err_name(call), #name)
#define ck_assert_ok(call)        ck_assert_err(call, NONE)
const char *err_name(int err); /* "UNAVAILABLE" for -ERR_UNAVAILABLE */

#endif
