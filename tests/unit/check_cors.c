/* Origins: which settings are refused, which requests are answered as what. */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "http/cors.h"
#include "suite.h"

static const char list[] = "https://app.example,http://localhost:5173,https://[2001:db8::1]:8443";

static struct arena arena;

static struct response answer(const char *origins, struct request req, int status)
{
	struct response resp;

	response_init(&resp, &arena);
	resp.status = status;
	resp.allow = status == 204 ? "GET, HEAD, OPTIONS" : NULL;
	cors_answer(origins, &req, &resp);
	return resp;
}

START_TEST(origins_are_written_as_browsers_write_them)
{
	static const char *const good[] = { "", list, "https://a.example", "http://10.0.0.7:3000",
		"https://a-b.example:65535", "http://a.example:443" };
	static const struct {
		const char *origins, *fault;
	} bad[] = {
		{ "*", "no *" },
		{ "null", "no *" },
		{ "app.example", "each named" },
		{ "ftp://app.example", "each named" },
		{ "HTTPS://app.example", "each named" },
		{ "https://App.example", "lower case" },
		{ "https://APP.example", "lower case" },
		{ "https://*.example", "lower case" },
		{ "https://", "needs a host" },
		{ "https://,https://a.example", "needs a host" },
		{ "https://[::1", "needs a host" },
		{ "https://[]", "needs a host" },
		{ "https://app.example/", "no path" },
		{ "https://app.example/page", "no path" },
		{ "https://user@app.example", "no path" },
		{ "https://app.example:", "number" },
		{ "https://app.example:0", "number" },
		{ "https://app.example:080", "number" },
		{ "https://app.example:65536", "number" },
		{ "https://app.example:1x", "number" },
		{ "https://app.example:443", "own port" },
		{ "http://app.example:80", "own port" },
		{ "https://app.example,", "each named" },
		{ "https://app.example,,http://b.example", "each named" },
		{ "https://app.example, http://b.example", "each named" },
		{ ",https://app.example", "each named" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(!cors_fault(good[i]), "%s: %s", good[i], cors_fault(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *fault = cors_fault(bad[i].origins);
		ck_assert_msg(
			fault && strstr(fault, bad[i].fault), "%s: %s", bad[i].origins, fault ? fault : "-");
	}
}
END_TEST

START_TEST(a_listed_origin_is_named_and_no_other)
{
	static const struct {
		const char *origin;
		bool listed;
	} rows[] = {
		{ "https://app.example", true },
		{ "http://localhost:5173", true },
		{ "https://[2001:db8::1]:8443", true },
		{ "https://app.example.evil.example", false },
		{ "https://app.exampl", false },
		{ "http://app.example", false },
		{ "https://app.example:8443", false },
		{ "http://localhost", false },
		{ "https://app.example,http://localhost:5173", false },
		{ "null", false },
		{ "", false },
		{ NULL, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct response r = answer(list, (struct request){ .origin = rows[i].origin }, 200);
		ck_assert_str_eq(r.vary, "Origin"); /* also for a cache that serves another origin later */
		ck_assert_msg((r.allow_origin != NULL) == rows[i].listed, "%s", rows[i].origin);
		if (rows[i].listed)
			ck_assert_str_eq(r.allow_origin, rows[i].origin);
		ck_assert(!r.preflight);
	}
}
END_TEST

START_TEST(without_a_list_nothing_is_said)
{
	const struct request req = {
		.origin = "https://app.example", .method = HTTP_OPTIONS, .asks_method = "GET"
	};
	const struct response r = answer("", req, 204);

	ck_assert(!r.vary && !r.allow_origin && !r.preflight);
}
END_TEST

START_TEST(the_operators_port_is_for_no_page_of_others)
{
	const struct request req = { .origin = "https://app.example", .from_ops = true };
	const struct response r = answer(list, req, 200);

	ck_assert(!r.vary && !r.allow_origin);
}
END_TEST

START_TEST(only_the_browsers_question_is_a_preflight)
{
	struct request req = {
		.origin = "https://app.example", .method = HTTP_OPTIONS, .asks_method = "DELETE"
	};

	ck_assert(answer(list, req, 204).preflight);
	ck_assert(!answer(list, req, 404).preflight); /* a path that is not there */
	req.origin = "https://evil.example";
	ck_assert(!answer(list, req, 204).preflight);
	req = (struct request){ .origin = "https://app.example", .method = HTTP_OPTIONS };
	ck_assert(!answer(list, req, 204).preflight);
	req = (struct request){
		.origin = "https://app.example", .method = HTTP_DELETE, .asks_method = "DELETE"
	};
	ck_assert(!answer(list, req, 204).preflight);
}
END_TEST

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, 1 << 20), 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

int main(void)
{
	const TTest *const tests[] = {
		origins_are_written_as_browsers_write_them,
		a_listed_origin_is_named_and_no_other,
		without_a_list_nothing_is_said,
		the_operators_port_is_for_no_page_of_others,
		only_the_browsers_question_is_a_preflight,
	};

	return suite_run_with("cors", tests, ARRAY_SIZE(tests), setup, teardown);
}
