/*
 * JSON Schema (2020-12), the part of it that our document uses. A keyword that is not known here is a fault: nothing is
 * taken for granted that was not looked at.
 */
#ifndef TESTS_API_SCHEMA_H
#define TESTS_API_SCHEMA_H

#include <cJSON.h>
#include <stdbool.h>

/* What "#/components/…" leads to, or NULL. */
const cJSON *schema_resolve(const cJSON *document, const char *ref);
/* `node`, or what it refers to when it is a {"$ref":…}. */
const cJSON *schema_target(const cJSON *document, const cJSON *node);

/*
 * NULL when `value` is as `schema` says, else where it is not and why, until the next call. Members that an object's schema
 * does not name are a fault, also where it lets them join.
 */
const char *schema_fault(const cJSON *document, const cJSON *schema, const cJSON *value);

#endif
