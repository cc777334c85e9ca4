/*
 * Lists: {"items":[…],"next_cursor":…}, a page at a time by keyset. A cursor is where the next page begins, nothing more: what
 * may be seen is decided by the query, so that somebody else's cursor opens nothing.
 */
#ifndef API_LIST_H
#define API_LIST_H

#include "ctx.h"
#include "http/fields.h"
#include "http/json.h"
#include "store/store.h"

/* Pages of things with ids, newest first; -ERR_BAD_CURSOR. */
MUST_CHECK int list_page(const struct page_query *query, struct page *ret_page);
/* Pages of a lot's events, by position. */
MUST_CHECK int list_position(const struct page_query *query, int64_t *ret_after);

/* Opens the answer, and closes it with the cursor after the last item shown; `more`: another page follows. */
void list_begin(struct ctx *ctx, struct json_writer *w);
int list_end(struct ctx *ctx, struct json_writer *w, bool more, struct uuid last);
int list_end_at(struct ctx *ctx, struct json_writer *w, bool more, int64_t last);

#endif
