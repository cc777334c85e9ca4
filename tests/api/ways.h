/*
 * How each public route is asked: a row a route, with what the contract says about who may, in words of its own. Tests that go
 * over the whole API hold the answers against these rows and never against the policy column or api/policy.c.
 */
#ifndef TESTS_API_WAYS_H
#define TESTS_API_WAYS_H

#include "http/router.h"
#include "world.h"

/* How far a role's right to the thing in a path goes. */
enum reach {
	EVERY,    /* to all of them, or there is no thing in the path */
	PERSONAL, /* to what is one's own and nobody else's, an administrator's neither */
	OWN,      /* to one's organization's own; of an administrator to all */
	GRANTED,  /* the same, and to what is granted in any way */
	RECORDED, /* the same, and to what is granted to record: what an event needs */
};

/* What the parameters of a path and the $words of a body stand for. */
struct things {
	const char *location, *product, *lot; /* ids */
	const char *public_code, *gtin, *lot_code;
	const char *guest;   /* an organization that may read the lot, and does nothing here */
	const char *user;    /* somebody of it */
	const char *session; /* of that one; NULL: whoever asks */
};

struct way {
	enum http_method method;
	const char *route; /* its path in the table of routes */
	const char *body;  /* one that is taken, with $words and ' for "; NULL for none */
	const char *who;   /* roles, in words; NULL: anybody, without a session */
	enum reach reach;
	int status;        /* when all is well */
	bool approved;     /* a producer's organization must be */
	bool password_due; /* also for those who must first change theirs */
	bool uses_up;      /* once it was asked, the session is over or the password another */
};

extern const struct way ways[];
extern const size_t way_count;

#define for_each_way(w) for (const struct way *w = ways; w < ways + way_count; w++)

const struct way *way_of(enum http_method method, const char *route); /* or NULL */
const char *way_name(const struct way *w);                            /* "GET /v1/lots/{id}" */
bool way_has_thing(const struct way *w);

/* One call of it: `at` is what the path leads to, `with` what the body speaks of. A PATCH goes with If-Match: *. */
struct call way_call(
	const struct way *w, const struct actor *who, const struct things *at, const struct things *with);

/* A lot that `owner` made, with all that belongs to it. */
struct things things_made(const struct actor *owner);
/* Well formed, and nobody's. */
struct things things_unknown(void);
/* Not even well formed. */
struct things things_malformed(void);
/* Gives all of it to another organization, as if it had been that one's from the beginning. */
void things_give(const struct things *t, const char *organization);

#endif
