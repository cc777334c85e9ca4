/* Lists by keyset. */
#include "api/list.h"

#include <endian.h>
#include <string.h>

#include "base/hex.h"

int list_page(const struct page_query *query, struct page *ret_page)
{
	struct page page = { .limit = (int)query->limit };

	memset(page.after.b, 0xff, sizeof page.after.b);
	if (query->cursor && base64url_decode(query->cursor, page.after.b, sizeof page.after.b))
		return -ERR_BAD_CURSOR;
	*ret_page = page;
	return 0;
}

int list_position(const struct page_query *query, int64_t *ret_after)
{
	uint64_t after = 0;

	if (query->cursor && base64url_decode(query->cursor, &after, sizeof after))
		return -ERR_BAD_CURSOR;
	after = be64toh(after);
	if (after > INT32_MAX)
		return -ERR_BAD_CURSOR;
	*ret_after = (int64_t)after;
	return 0;
}

void list_begin(struct ctx *ctx, struct json_writer *w)
{
	json_begin(w, &ctx->resp->body);
	json_open(w, '{');
	json_name(w, "items");
	json_open(w, '[');
}

static int list_close(struct ctx *ctx, struct json_writer *w, bool more, const void *cursor, size_t n)
{
	char text[BASE64URL_SIZE(sizeof(struct uuid))];

	base64url_encode(cursor, n, text);
	json_close(w, ']');
	json_put_string(w, "next_cursor", more ? text : NULL);
	json_close(w, '}');
	return response_json(ctx->resp, 200);
}

int list_end(struct ctx *ctx, struct json_writer *w, bool more, struct uuid last)
{
	return list_close(ctx, w, more, last.b, sizeof last.b);
}

int list_end_at(struct ctx *ctx, struct json_writer *w, bool more, int64_t last)
{
	uint64_t position = htobe64((uint64_t)last);

	return list_close(ctx, w, more, &position, sizeof position);
}
