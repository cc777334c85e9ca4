/*
 * What a reply is held against. Each is a plain question; expect() fails the test with the question and the reply it was
 * asked about:
 *
 *   expect(answered(r, 201));
 *   expect(is_problem(r, 409, "gtin_taken"));
 */
#ifndef TESTS_API_EXPECT_H
#define TESTS_API_EXPECT_H

#include <check.h>

#include "client.h"

#define expect(question) ck_assert_msg((question), "not so: %s\n%s", #question, last_asked())
const char *last_asked(void); /* the reply of the last question, as text */

bool answered(const struct reply *r, int status);
/* Status and code are these, and it has the whole shape of a problem: RFC 9457, our members and no other, the request id of
 * the header, what a status needs besides (WWW-Authenticate, Allow, Retry-After). */
bool is_problem(const struct reply *r, int status, const char *code);
/* A 422, or a 400 for a query, that says so of this place, among others perhaps. */
bool has_fault(const struct reply *r, const char *pointer, const char *code);
/* A 422 whose only fault is this. */
bool has_only_fault(const struct reply *r, const char *pointer, const char *code);

bool has_text(const struct reply *r, const char *pointer, const char *text);
bool has_number(const struct reply *r, const char *pointer, long number);
bool has_null(const struct reply *r, const char *pointer);
bool has_bool(const struct reply *r, const char *pointer, bool value);
bool has_count(const struct reply *r, const char *pointer, int items); /* of an array */
/* The object there has these members, separated by blanks, and no other. */
bool has_members(const struct reply *r, const char *pointer, const char *names);
bool has_header(const struct reply *r, const char *name, const char *value);
bool lacks_header(const struct reply *r, const char *name);
bool same_body(const struct reply *a, const struct reply *b);
/* The same problem, but for the id of the request. */
bool same_problem(const struct reply *a, const struct reply *b);

#endif
