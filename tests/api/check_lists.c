/* Lists: pages without gap or repeat, of what one may see and nothing else; HEAD and OPTIONS. */
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "world.h"

enum { MANY = 7 };

/* All ids of a list in order, each followed by a blank, page by page. The cursor must end by itself. */
static const char *walk(const struct actor *who, const char *path, int limit)
{
	const char *cursor = "", *ids = "";
	int pages = 0;

	do {
		const struct reply *r = get(who, "%s?limit=%d%s", path, limit, cursor);
		expect(answered(r, 200));
		expect(has_members(r, "", "items next_cursor"));
		int count = cJSON_GetArraySize(reply_at(r, "/items"));
		for (int i = 0; i < count; i++)
			ids = TEXT("%s%s ", ids, reply_text(r, TEXT("/items/%d/id", i)));
		expect(has_null(r, "/next_cursor") || count == limit);
		cursor = has_null(r, "/next_cursor") ? NULL
						     : TEXT("&cursor=%s", reply_text(r, "/next_cursor"));
		ck_assert_int_lt(++pages, 500);
	} while (cursor);
	return ids;
}

/* MANY new locations; the ids of all that `who` has as a list shows them: the newest first, by the millisecond. */
static const char *make_many(const struct actor *who)
{
	for (int i = 0; i < MANY; i++)
		make_location(who);
	return sql_text("SELECT string_agg(id || ' ', '' ORDER BY id DESC) FROM location WHERE "
			"organization_id = '%s'",
		who->organization);
}

START_TEST(pages_of_any_size_show_each_thing_once_newest_first)
{
	struct actor who = make_producer();
	const char *all = make_many(&who);

	for (int limit = 1; limit <= MANY + 1; limit++)
		ck_assert_str_eq(walk(&who, "/v1/locations", limit), all);
}
END_TEST

START_TEST(a_full_last_page_is_followed_by_none)
{
	struct actor who = make_producer();

	make_many(&who);
	const struct reply *r = get(&who, "/v1/locations?limit=%d", MANY);
	expect(has_count(r, "/items", MANY));
	expect(has_null(r, "/next_cursor"));
}
END_TEST

START_TEST(what_is_made_while_one_pages_repeats_nothing)
{
	struct actor who = make_producer();
	const char *all = make_many(&who);

	const struct reply *first = get(&who, "/v1/locations?limit=3");
	make_many(&who);
	const struct reply *rest =
		get(&who, "/v1/locations?limit=200&cursor=%s", reply_text(first, "/next_cursor"));
	const char *seen = "";
	for (int i = 0; i < 3; i++)
		seen = TEXT("%s%s ", seen, reply_text(first, TEXT("/items/%d/id", i)));
	for (int i = 0; i < MANY - 3; i++)
		seen = TEXT("%s%s ", seen, reply_text(rest, TEXT("/items/%d/id", i)));
	ck_assert_str_eq(seen, all);
	expect(has_count(rest, "/items", MANY - 3));
}
END_TEST

START_TEST(an_empty_list_has_no_items_and_no_cursor)
{
	static const char *const lists[] = { "/v1/locations", "/v1/products", "/v1/lots" };
	struct actor who = make_producer();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct reply *r = get(&who, "%s", lists[i]);
		expect(answered(r, 200));
		expect(has_count(r, "/items", 0));
		expect(has_null(r, "/next_cursor"));
	}
}
END_TEST

START_TEST(fifty_are_shown_where_nothing_is_said)
{
	struct actor who = make_producer();

	sql("INSERT INTO location (id, organization_id, name, kind, created_at)"
	    " SELECT gen_random_uuid(), '%s', 'x', 'FARM', now() FROM generate_series(1, 201)",
		who.organization);
	expect(has_count(get(&who, "/v1/locations"), "/items", 50));
	const struct reply *longest = get(&who, "/v1/locations?limit=200");
	expect(has_count(longest, "/items", 200));
	expect(!has_null(longest, "/next_cursor"));
}
END_TEST

START_TEST(a_list_shows_ones_own_and_the_administrator_all)
{
	struct actor mine = make_producer(), other = make_producer();
	const char *location = make_location(&mine), *foreign_location = make_location(&other);
	const char *product = make_product(&mine), *foreign_product = make_product(&other);

	ck_assert_str_eq(walk(&mine, "/v1/locations", 5), TEXT("%s ", location));
	ck_assert_str_eq(walk(&mine, "/v1/products", 5), TEXT("%s ", product));
	const char *locations = walk(&admin, "/v1/locations", 200),
		   *products = walk(&admin, "/v1/products", 200);
	ck_assert_ptr_nonnull(strstr(locations, location));
	ck_assert_ptr_nonnull(strstr(locations, foreign_location));
	ck_assert_ptr_nonnull(strstr(products, product));
	ck_assert_ptr_nonnull(strstr(products, foreign_product));
}
END_TEST

START_TEST(somebody_elses_cursor_opens_nothing)
{
	struct actor mine = make_producer(), other = make_producer();

	make_many(&mine);
	make_many(&other);
	const struct reply *page = get(&other, "/v1/locations?limit=1");
	const struct reply *r =
		get(&mine, "/v1/locations?limit=200&cursor=%s", reply_text(page, "/next_cursor"));
	expect(answered(r, 200));
	for (int i = 0; i < cJSON_GetArraySize(reply_at(r, "/items")); i++)
		expect(has_text(r, TEXT("/items/%d/organization_id", i), mine.organization));
}
END_TEST

START_TEST(a_cursor_that_was_never_given_out_is_refused)
{
	static const char *const cursors[] = { "x", "AAAA", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB",
		"AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAA", "%27%20OR%201=1", "%C3%B1",
		"01a20a2f-533e-736c-8768-4e07731ce619" };

	for (size_t i = 0; i < ARRAY_SIZE(cursors); i++)
		expect(is_problem(get(&producer, "/v1/products?cursor=%s", cursors[i]), 400, "bad_cursor"));
	expect(is_problem(get(&producer, "/v1/products?cursor="), 400, "bad_query"));
}
END_TEST

START_TEST(a_limit_lies_between_1_and_200)
{
	static const struct {
		const char *limit, *code;
	} wrong[] = { { "0", "out_of_range" }, { "201", "out_of_range" }, { "-1", "out_of_range" },
		{ "99999999999999999999", "out_of_range" }, { "abc", "wrong_type" }, { "", "wrong_type" },
		{ "5.0", "wrong_type" }, { "1e1", "wrong_type" }, { "0x10", "wrong_type" },
		{ "+5", "wrong_type" }, { "%205", "wrong_type" } };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(
			get(&producer, "/v1/products?limit=%s", wrong[i].limit), "?limit", wrong[i].code));
	expect(answered(get(&producer, "/v1/products?limit=1"), 200));
	expect(answered(get(&producer, "/v1/products?limit=200"), 200));
}
END_TEST

START_TEST(a_query_names_every_fault)
{
	const struct reply *r = get(&producer, "/v1/locations?limit=9&page=2&limit=5&sort=name");

	expect(has_fault(r, "?page", "unknown_field"));
	expect(has_fault(r, "?sort", "unknown_field"));
	expect(has_fault(r, "?limit", "duplicate_field"));
	expect(has_count(r, "/errors", 3));
	expect(is_problem(get(&producer, "/v1/locations?limit=%%zz"), 400, "bad_query"));
	expect(is_problem(get(&producer, "/v1/locations?limit=%%00"), 400, "bad_query"));
	expect(is_problem(get(&producer, "/v1/locations?limit=%%ff"), 400, "bad_query"));
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
	struct actor who = make_producer();
	const struct made_lot lot = make_lot(&who);
	const char *const paths[] = { "/v1/locations", "/v1/products", "/v1/lots", "/v1/me",
		TEXT("/v1/lots/%s", lot.id), TEXT("/v1/lots/%s/events", lot.id),
		TEXT("/v1/lots/%s/verify", lot.id), TEXT("/t/%s", lot.public_code), "/livez", "/readyz",
		"/v1/nothing" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct reply *r = CALL(.path = paths[i], .token = who.token);
		const struct reply *head = CALL(.method = "HEAD", .path = paths[i], .token = who.token);
		expect(answered(head, r->status));
		ck_assert_uint_eq(head->length, 0);
		expect(r->status == 404 || has_header(head, "Content-Length", TEXT("%zu", r->length)));
		const char *type = reply_header(r, "Content-Type");
		expect(has_header(head, "Content-Type", type));
	}
}
END_TEST

START_TEST(options_tell_what_a_path_takes)
{
	static const struct {
		const char *path, *allow;
	} rows[] = {
		{ "/v1/products", "GET, HEAD, POST, OPTIONS" },
		{ "/v1/auth/login", "POST, OPTIONS" },
		{ "/v1/lots/anything/verify", "GET, HEAD, OPTIONS" },
		{ "/v1/me", "GET, HEAD, OPTIONS" },
		{ "/v1/lots/anything", "GET, HEAD, PATCH, OPTIONS" },
		{ "/v1/lots/anything/grants", "GET, HEAD, OPTIONS" },
		{ "/v1/lots/anything/grants/anybody", "PUT, DELETE, OPTIONS" },
		{ "/v1/audit", "GET, HEAD, OPTIONS" },
		{ "/t/anything", "GET, HEAD, OPTIONS" },
		{ "/livez", "GET, HEAD, OPTIONS" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *r = CALL(.method = "OPTIONS", .path = rows[i].path);
		expect(answered(r, 204));
		expect(has_header(r, "Allow", rows[i].allow));
		ck_assert_uint_eq(r->length, 0);
		expect(lacks_header(r, "Access-Control-Allow-Origin"));
	}
	expect(is_problem(CALL(.method = "OPTIONS", .path = "/v1/nothing"), 404, "not_found"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pages_of_any_size_show_each_thing_once_newest_first,
		a_full_last_page_is_followed_by_none,
		what_is_made_while_one_pages_repeats_nothing,
		an_empty_list_has_no_items_and_no_cursor,
		fifty_are_shown_where_nothing_is_said,
		a_list_shows_ones_own_and_the_administrator_all,
		somebody_elses_cursor_opens_nothing,
		a_cursor_that_was_never_given_out_is_refused,
		a_limit_lies_between_1_and_200,
		a_query_names_every_fault,
		head_is_get_without_the_body,
		options_tell_what_a_path_takes,
	};

	return world_run("lists", tests, ARRAY_SIZE(tests));
}
