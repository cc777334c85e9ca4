/* Lists by keyset: a cursor names where the next page begins, has one spelling, and anything else is refused. */
#include <string.h>

#include "api/list.h"
#include "base/err.h"
#include "base/hex.h"
#include "suite.h"

static struct arena arena;
static struct response response;
static struct ctx ctx;

/* What a list is made of; a cursor needs no more of it. */
struct item {
	struct uuid id;
};
static const struct member members[] = { MEMBER(struct item, id, UUID, ALWAYS), END_OF_MEMBERS };
static const struct shape item_shape = { "Item", members, sizeof(struct item) };
static const struct member event_members[] = { MEMBER(struct event, position, INTEGER, ALWAYS),
	END_OF_MEMBERS };
static const struct shape event_shape = { "Event", event_members, sizeof(struct event) };
static struct route route;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	response_init(&response, &arena);
	ctx = (struct ctx){ .arena = &arena, .resp = &response, .route = &route };
	route.output = (struct output){ .status = 200, .shape = &item_shape, .list = true };
}

static void teardown(void)
{
	arena_release(&arena);
}

/* The answer's next_cursor, NULL for null. */
static const char *next_cursor(void)
{
	const struct json *root;
	struct faults faults = { .count = 0 };

	ck_assert_int_eq(json_parse(&arena, response.body.data, response.body.len, &faults, &root), 0);
	ck_assert_int_eq(json_type(json_get(root, "items")), JSON_ARRAY);
	return json_text(json_get(root, "next_cursor"));
}

START_TEST(the_first_page_begins_before_everything)
{
	const struct page_query query = { .limit = 50 };
	struct page page;
	int64_t after = 7;

	ck_assert_int_eq(list_page(&query, &page), 0);
	ck_assert_int_eq(page.limit, 50);
	for (size_t i = 0; i < sizeof page.after.b; i++)
		ck_assert_int_eq(page.after.b[i], 0xff);
	ck_assert_int_eq(list_position(&query, &after), 0);
	ck_assert_int_eq(after, 0);
}
END_TEST

START_TEST(a_cursor_leads_to_where_the_page_before_ended)
{
	const struct uuid last = { { 1, 0x90, 0xff, 0, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 0xfe } };
	const struct item items[] = { { { { 9 } } }, { last }, { { { 1 } } } };
	struct page page = { .limit = 2 };

	ck_assert_int_eq(list_answer(&ctx, page, items, 3), 200);
	ck_assert_ptr_nonnull(strstr(response.body.data, "0190ff00-0506-7008-800a-0b0c0d0e0ffe"));
	ck_assert_ptr_null(strstr(response.body.data, "01000000"));
	const struct page_query query = { .limit = 1, .cursor = next_cursor() };
	ck_assert_int_eq(list_page(&query, &page), 0);
	ck_assert(uuid_equal(page.after, last));
}
END_TEST

START_TEST(a_cursor_of_positions_does_so_too)
{
	static const int64_t positions[] = { 1, 50, 256, 65535, INT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(positions); i++) {
		const struct event events[] = { { .position = positions[i] }, { .position = 7 } };
		int64_t after;
		response_init(&response, &arena);
		route.output.shape = &event_shape;
		ck_assert_int_eq(list_answer_events(&ctx, 1, events, 2), 200);
		const struct page_query query = { .limit = 1, .cursor = next_cursor() };
		ck_assert_int_eq(list_position(&query, &after), 0);
		ck_assert_int_eq(after, positions[i]);
	}
}
END_TEST

START_TEST(the_last_page_has_none)
{
	const struct item items[] = { { { { 1 } } }, { { { 2 } } } };
	const struct page page = { .limit = 2 };

	ck_assert_int_eq(list_answer(&ctx, page, items, 2), 200);
	ck_assert_ptr_null(next_cursor());
	response_init(&response, &arena);
	ck_assert_int_eq(list_answer(&ctx, page, items, 0), 200);
	ck_assert_str_eq(response.body.data, "{\"items\":[],\"next_cursor\":null}");
	response_init(&response, &arena);
	ck_assert_int_eq(list_answer_events(&ctx, 2, NULL, 0), 200);
	ck_assert_str_eq(response.body.data, "{\"items\":[],\"next_cursor\":null}");
}
END_TEST

START_TEST(what_is_no_cursor_is_refused)
{
	char beyond[BASE64URL_SIZE(8)], negative[BASE64URL_SIZE(8)], id[BASE64URL_SIZE(16)], padded[32];
	const uint8_t large[8] = { 0, 0, 0, 0, 0x80, 0, 0, 0 },
		      minus[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, bytes[16] = { 1 };
	base64url_encode(large, sizeof large, beyond);
	base64url_encode(minus, sizeof minus, negative);
	base64url_encode(bytes, sizeof bytes, id);
	snprintf(padded, sizeof padded, "%s==", id);
	const char *const neither[] = { "", "x", "AAAA", padded, "AAAAAAAAAAAAAAAAAAAA!A", "' OR 1=1", " " };

	for (size_t i = 0; i < ARRAY_SIZE(neither); i++) {
		const struct page_query query = { .limit = 50, .cursor = neither[i] };
		struct page page;
		int64_t after;
		ck_assert_msg(list_page(&query, &page) == -ERR_BAD_CURSOR, "'%s'", neither[i]);
		ck_assert_msg(list_position(&query, &after) == -ERR_BAD_CURSOR, "'%s'", neither[i]);
	}
	const char *const no_position[] = { beyond, negative, id };
	for (size_t i = 0; i < ARRAY_SIZE(no_position); i++) {
		const struct page_query query = { .limit = 50, .cursor = no_position[i] };
		int64_t after;
		ck_assert_msg(list_position(&query, &after) == -ERR_BAD_CURSOR, "'%s'", no_position[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_first_page_begins_before_everything,
		a_cursor_leads_to_where_the_page_before_ended,
		a_cursor_of_positions_does_so_too,
		the_last_page_has_none,
		what_is_no_cursor_is_refused,
	};

	return suite_run_with("list", tests, ARRAY_SIZE(tests), setup, teardown);
}
