/*
 * What a route may refuse, and why: the errors that follow from its row in the route table, and those its handler adds. The
 * document promises them, and the API's tests hold every answer against it.
 */
#ifndef API_REFUSALS_H
#define API_REFUSALS_H

#include <stdbool.h>

#include "base/err.h"
#include "http/router.h"

/* Whether this request, once it has reached its route, may be answered `err`. */
bool refusals_include(const struct route *route, enum err err);

/* Whether any request may be, whatever its address: mostly nginx's doing, before a worker sees it. */
bool refusals_of_all_include(enum err err);

/* Whether `err` stands for one place in an input (errors[].code), not for the whole answer. */
bool refusal_is_fault(enum err err);

#endif
