/*
 * The world an API test lives in: people of every role with a session, things they own, and short words for what they ask.
 * It is made once a program; each test then has its own connections.
 */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include <check.h>

#include "base/base.h"
#include "base/uuid.h"
#include "client.h"
#include "stores.h"

#define PASSWORD "correct horse battery"

/* Somebody with an account. */
struct actor {
	char id[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], email[64], name[32], role[16];
	char token[64], refresh[64]; /* of the session; "" before log_in() */
};

/* Each of an organization of its own; all of them logged in. The organization of `newcomer`, a producer, is not approved. */
extern struct actor producer, rival, newcomer, packer, exporter, certifier, buyer, admin;

/* Runs the tests in that world; each may take half a minute. Returns main()'s exit status. */
int world_run(const char *name, const TTest *const *tests, size_t count);

/* --- making people --- */

void make_organization(const char *name, const char *kind, bool approved, char ret_id[UUID_TEXT_SIZE]);
/* Not logged in yet. `organization` "" for an administrator. The e-mail address is one of its own. */
struct actor make_user(const char *role, const char *organization);
/* Both in one, and logged in. */
struct actor make_producer(void);
void log_in(struct actor *who);
/* Where another password was set. */
void log_in_with(struct actor *who, const char *password);
/* Gives an organization access, "read" or "record", to a lot. */
void grant(const char *lot_id, const struct actor *to, const char *access);

/* --- asking --- */

/* The client of this test, and any request of it. */
struct client *client(void);
#define CALL(...) client_call(client(), &(struct call){ __VA_ARGS__ })
#define TEXT(...) client_text(client(), __VA_ARGS__)

/* `who` may be NULL: nobody. In a body ' stands for ", so that JSON can be read. */
const struct reply *get(const struct actor *who, const char *path_fmt, ...) PRINTF_LIKE(2, 3);
const struct reply *post(const struct actor *who, const char *path, const char *body_fmt, ...)
	PRINTF_LIKE(3, 4);
const struct reply *post_with_key(const struct actor *who, const char *key, const char *path,
	const char *body_fmt, ...) PRINTF_LIKE(4, 5);
/* With If-Match: "VERSION"; none where `version` is 0, "*" where it is ANY_VERSION. */
enum { ANY_VERSION = -1 };
const struct reply *patch(const struct actor *who, const char *path, long version, const char *body_fmt, ...)
	PRINTF_LIKE(4, 5);
const struct reply *put(const struct actor *who, const char *path, const char *body_fmt, ...)
	PRINTF_LIKE(3, 4);
const struct reply *take_away(const struct actor *who, const char *path_fmt, ...)
	PRINTF_LIKE(2, 3);                                /* DELETE */
const char *if_match(long version);                       /* the header's line, as for patch() */
const char *json(const char *fmt, ...) PRINTF_LIKE(1, 2); /* with ' for " */

/* --- making things, through the API --- */

/* A GTIN-14 that nobody has. */
const char *new_gtin(void);
/* `prefix` and some characters that no other code has. */
const char *new_code(const char *prefix);
const char *make_product(const struct actor *owner);  /* its id */
const char *make_location(const struct actor *owner); /* its id */

struct made_lot {
	const char *id, *code, *public_code, *product_id, *origin_id, *gtin;
};

struct made_lot make_lot(const struct actor *owner);
/* Records an event, which must be taken: its kind, time (RFC 3339) and further members, ", 'result': 'accepted'" or "". */
const struct reply *record(const struct actor *who, const struct made_lot *lot, const char *kind,
	const char *at, const char *more);

#endif
