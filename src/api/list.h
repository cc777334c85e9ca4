/*
 * Lists: {"items":[…],"next_cursor":…}, a page at a time by keyset. A cursor is where the next page begins, nothing more: what
 * may be seen is decided by the query, so that somebody else's cursor opens nothing.
 */
#ifndef API_LIST_H
#define API_LIST_H

#include "ctx.h"
#include "http/fields.h"
#include "store/event.h"

/* Pages of things with ids, newest first; -ERR_BAD_CURSOR. */
MUST_CHECK int list_page(const struct page_query *query, struct page *ret_page);
/* Pages of a lot's events, by position. */
MUST_CHECK int list_position(const struct page_query *query, int64_t *ret_after);

/* The answer: `count` structs of the route's shape, each beginning with its id; one more than page.limit when another page
 * follows. */
int list_answer(struct ctx *ctx, struct page page, const void *items, int count);
/* The same of a lot's events, whose cursor is the position. */
int list_answer_events(struct ctx *ctx, int limit, const struct event *items, int count);

#endif
