/* Lists by keyset. */
#include "api/list.h"

#include <endian.h>
#include <string.h>

#include "base/hex.h"
#include "http/json.h"

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

static int answer(struct ctx *ctx, const char *items, int shown, bool more, const void *cursor, size_t n)
{
	const struct shape *shape = ctx->route->output.shape;
	char text[BASE64URL_SIZE(sizeof(struct uuid))];
	struct json_writer w;

	json_begin(&w, &ctx->resp->body);
	json_open(&w, '{');
	json_name(&w, "items");
	json_open(&w, '[');
	for (int i = 0; i < shown; i++)
		shape_write(&w, shape, items + (size_t)i * shape->size);
	json_close(&w, ']');
	if (more)
		base64url_encode(cursor, n, text);
	json_put_string(&w, "next_cursor", more ? text : NULL);
	json_close(&w, '}');
	return response_json(ctx->resp, 200);
}

int list_answer(struct ctx *ctx, struct page page, const void *items, int count)
{
	int shown = MIN(count, page.limit);
	const char *last = (const char *)items + (size_t)MAX(shown - 1, 0) * ctx->route->output.shape->size;

	return answer(ctx, items, shown, count > shown, last, sizeof(struct uuid));
}

int list_answer_events(struct ctx *ctx, int limit, const struct event *items, int count)
{
	int shown = MIN(count, limit);
	uint64_t position = shown ? htobe64((uint64_t)items[shown - 1].position) : 0;

	return answer(ctx, (const char *)items, shown, count > shown, &position, sizeof position);
}
