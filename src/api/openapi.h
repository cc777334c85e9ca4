/*
 * The OpenAPI document (3.1): what clients may ask, and what they are then told. It is made of the tables that do it, so that
 * it cannot say anything else: routes.c, the fields and shapes named there, refusals.c and err.def.
 *
 * openapi.c         the whole, and each operation
 * openapi_schema.c  what goes in and out, with examples
 * openapi_answer.c  the answers of an operation: success, and every problem
 * openapi_parts.c   what they refer to: headers, parameters, problems, codes
 * openapi_text.c    what no table says, in words
 */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/json.h"
#include "http/router.h"

/* The document, for clients who reach us at `server`; "" is wherever they have it from. */
void openapi_write(struct buf *out, const char *server);

/* --- its parts --- */

/* The id in examples. */
#define OPENAPI_UUID "019ab3c4-7d52-7c1a-9f1e-3b6f0a5d2c41"

extern const char openapi_about[]; /* Markdown, for readers */
/* What is to be said of an operation beside its row, or NULL. */
const char *openapi_notes(struct arena *arena, const struct route *route);

/* A row that clients see. */
bool openapi_lists(const struct route *route);
/* The name of the schema of what a route takes in its body: "LotCreate" for lot_create. */
const char *openapi_input_name(struct arena *arena, const struct route *route);

/* "schemas" of all that routes take and give, as members of an object. */
void openapi_schemas(struct json_writer *w);
/* {"$ref":"#/components/KIND/NAME"}, alone or as the member "name" of an object. */
void openapi_ref(struct json_writer *w, const char *kind, const char *name);
void openapi_put_ref(struct json_writer *w, const char *as, const char *kind, const char *name);
/* An example of a body. */
void openapi_shape_example(struct json_writer *w, const struct shape *shape);
void openapi_input_example(struct json_writer *w, const struct input *input);
/* The schema of one field. */
void openapi_field(struct json_writer *w, const struct field *field);

/* The member "responses" of an operation, and of components what stands there under "default". */
void openapi_answers(struct json_writer *w, const struct route *route);
void openapi_put_refused(struct json_writer *w);
/* Whether a GET answers with an ETag and takes If-None-Match. */
bool openapi_is_tagged(const struct route *route);

/* The member "components": all that is referred to. */
void openapi_components(struct json_writer *w);

#endif
