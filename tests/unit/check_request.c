/* A request taken apart: method, path, query, language. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "http/request.h"

static struct arena arena;

static void make_arena(void)
{
	ck_assert_int_eq(arena_init(&arena, 1 << 20), 0);
}

static void release_arena(void)
{
	arena_release(&arena);
}

static int parse(struct request *r, const char *target)
{
	*r = (struct request){ .method_text = "GET", .target = target };
	return request_parse(r, &arena);
}

START_TEST(methods_are_known_by_their_exact_name)
{
	static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
		"TRACE", "get", "GET ", "", NULL };
	static const enum http_method expected[] = { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE,
		HTTP_HEAD, HTTP_OPTIONS, HTTP_OTHER, HTTP_OTHER, HTTP_OTHER, HTTP_OTHER, HTTP_OTHER };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct request r = { .method_text = names[i], .target = "/" };
		ck_assert_int_eq(request_parse(&r, &arena), 0);
		ck_assert_int_eq(r.method, expected[i]);
	}
}
END_TEST

/* Segments are written one after another, each in brackets, with a ! when it held an escape. */
static const struct {
	const char *target, *path, *segments;
} paths[] = {
	{ "/", "/", "" },
	{ "/?a=1", "/", "" },
	{ "/livez", "/livez", "[livez]" },
	{ "/v1/lots", "/v1/lots", "[v1][lots]" },
	{ "/v1/lots?limit=5", "/v1/lots", "[v1][lots]" },
	{ "/v1/lots#part?x=1", "/v1/lots", "[v1][lots]" },
	{ "/v1/lots?x=1#part", "/v1/lots", "[v1][lots]" },
	{ "/v1/a%20b", "/v1/a%20b", "[v1][a b]!" },
	{ "/01/04012345123456/10/A%2FB", "/01/04012345123456/10/A%2FB", "[01][04012345123456][10][A/B]!" },
	{ "/a%2fb%3Fc%23d%25e", "/a%2fb%3Fc%23d%25e", "[a/b?c#d%e]!" },
	{ "/%2541", "/%2541", "[%41]!" }, /* decoded once */
	{ "/a+b", "/a+b", "[a+b]" },      /* '+' is itself in a path */
	{ "/caf%C3%A9/x", "/caf%C3%A9/x", "[caf\xc3\xa9]![x]" },
	{ "/a;b=c/...", "/a;b=c/...", "[a;b=c][...]" },
	{ "/1/2/3/4/5/6/7/8", "/1/2/3/4/5/6/7/8", "[1][2][3][4][5][6][7][8]" },
};

START_TEST(a_path_is_split_and_decoded_once)
{
	struct request r;
	char segments[256] = "";
	size_t n = 0;

	ck_assert_msg(parse(&r, paths[_i].target) == 0, "%s", paths[_i].target);
	for (size_t i = 0; i < r.segment_count; i++)
		n += (size_t)snprintf(segments + n, sizeof segments - n, "[%s]%s", r.segments[i],
			r.segment_escaped[i] ? "!" : "");
	ck_assert_str_eq(segments, paths[_i].segments);
	ck_assert_str_eq(r.path, paths[_i].path);
}
END_TEST

static const char *const bad_paths[] = { "", "v1", "*", "?a=1", "#", "http://host/v1", "//", "/v1//lots",
	"/v1/", "/v1/?a", "/.", "/..", "/v1/../lots", "/v1/./lots", "/v1/..", "/%2e", "/%2E%2e/x", "/.%2e",
	"/%", "/%4", "/%4x", "/%x4", "/a%zz", "/%-1", "/% 1", "/%00", "/a%00b", "/%ff", "/%c3", "/%c3/%a9",
	"/%c0%af", "/%ed%a0%80", "/%f4%90%80%80", "/a b", "/a\tb", "/a\x01", "/a\x7f", "/caf\xc3\xa9",
	"/\xff", "/1/2/3/4/5/6/7/8/9/%00", "/1/2/3/4/5/6/7/8//" };

START_TEST(a_bad_path_is_refused)
{
	struct request r;

	ck_assert_msg(parse(&r, bad_paths[_i]) == -ERR_BAD_PATH, "%s", bad_paths[_i]);
}
END_TEST

START_TEST(no_target_is_a_bad_path)
{
	struct request r = { .method_text = "PATCH", .accept_language = "es" };

	ck_assert_int_eq(request_parse(&r, &arena), -ERR_BAD_PATH);
	/* What the refusal needs is there all the same. */
	ck_assert_int_eq(r.method, HTTP_PATCH);
	ck_assert_int_eq(r.language, SPANISH);
}
END_TEST

START_TEST(a_path_longer_than_any_route_is_not_found)
{
	struct request r;

	ck_assert_int_eq(parse(&r, "/1/2/3/4/5/6/7/8/9"), -ERR_NOT_FOUND);
	ck_assert_uint_eq(r.segment_count, REQUEST_SEGMENTS_MAX);
}
END_TEST

static const struct {
	const char *target, *pairs; /* "name=value;" each */
} queries[] = {
	{ "/x", "" },
	{ "/x?", "" },
	{ "/x?&&", "" },
	{ "/x?a=1", "a=1;" },
	{ "/x?a=1&b=2", "a=1;b=2;" },
	{ "/x?a=1&&b=2&", "a=1;b=2;" },
	{ "/x?a", "a=;" },
	{ "/x?a=", "a=;" },
	{ "/x?=1", "=1;" },
	{ "/x?a=b=c", "a=b=c;" },
	{ "/x?a=1?b=2", "a=1?b=2;" },
	{ "/x?a=1+2%2B3", "a=1 2+3;" },
	{ "/x?%61+b=%3D%26", "a b==&;" },
	{ "/x?a=1&a=2", "a=1;a=2;" },
	{ "/x?a=%C3%A9&b=%F0%9F%8D%85", "a=\xc3\xa9;b=\xf0\x9f\x8d\x85;" },
	{ "/x?a=%2541", "a=%41;" },
	{ "/x?a=1#b=2", "a=1;" },
	{ "/x?a=/../b", "a=/../b;" },
};

START_TEST(a_query_is_split_and_decoded_once)
{
	struct request r;
	char pairs[256] = "";
	size_t n = 0;

	ck_assert_msg(parse(&r, queries[_i].target) == 0, "%s", queries[_i].target);
	for (size_t i = 0; i < r.query_count; i++)
		n += (size_t)snprintf(
			pairs + n, sizeof pairs - n, "%s=%s;", r.query[i].name, r.query[i].value);
	ck_assert_str_eq(pairs, queries[_i].pairs);
}
END_TEST

static const char *const bad_queries[] = { "/x?%", "/x?a=%", "/x?a=%4", "/x?a=%4&b", "/x?%zz=1", "/x?a=%00",
	"/x?%00", "/x?a=%ff", "/x?a=%C3", "/x?a=%C3&%A9", "/x?a=\xff", "/x?a=1&b=%ED%A0%80" };

START_TEST(a_bad_query_is_refused)
{
	struct request r;

	ck_assert_msg(parse(&r, bad_queries[_i]) == -ERR_BAD_QUERY, "%s", bad_queries[_i]);
}
END_TEST

START_TEST(thirty_two_pairs_are_enough)
{
	struct request r;
	char target[256] = "/x?a";
	size_t n = strlen(target);

	for (int i = 1; i < REQUEST_QUERY_MAX; i++, n += 2)
		memcpy(target + n, "&a", 3);
	ck_assert_int_eq(parse(&r, target), 0);
	ck_assert_uint_eq(r.query_count, REQUEST_QUERY_MAX);
	memcpy(target + n, "&a", 3);
	ck_assert_int_eq(parse(&r, target), -ERR_BAD_QUERY);
}
END_TEST

static const struct {
	const char *header;
	enum language language;
} languages[] = {
	{ NULL, ENGLISH },
	{ "", ENGLISH },
	{ "en", ENGLISH },
	{ "es", SPANISH },
	{ "ES", SPANISH },
	{ "es-MX", SPANISH },
	{ "es-419", SPANISH },
	{ "es-MX,es;q=0.9,en;q=0.8", SPANISH },
	{ "en-US,en;q=0.9,es;q=0.8", ENGLISH },
	{ "en;q=0.8, es;q=0.9", SPANISH },
	{ "en;q=0.8 , es ; q=0.801", SPANISH },
	{ "en;q=0.5,es;Q=1.000", SPANISH },
	{ "fr, es;q=0.1", SPANISH },
	{ "fr, de", ENGLISH },
	{ "es, en", SPANISH }, /* equal: the first */
	{ "en, es", ENGLISH },
	{ "*", ENGLISH },
	{ "*, es;q=0.5", SPANISH },
	{ "es;q=0", ENGLISH },
	{ "es;q=0.0, *", ENGLISH },
	{ "en;q=0, es;q=0.1", SPANISH },
	{ ",, es ,,", SPANISH },
	{ "\tes", SPANISH },
	{ "est", ENGLISH }, /* Estonian is et, est; not Spanish */
	{ "e", ENGLISH },
	/* malformed */
	{ "es;q=2", ENGLISH },
	{ "es;q=1.001", ENGLISH },
	{ "es;q=0.1234", ENGLISH },
	{ "es;q=", ENGLISH },
	{ "es;q=a", ENGLISH },
	{ "es;q=-1", ENGLISH },
	{ "es;q=.5", ENGLISH },
	{ "es;", ENGLISH },
	{ "es;level=1", ENGLISH },
	{ "es en", ENGLISH },
	{ "es, ;q=1", ENGLISH },
	{ "es, \xc3\xa9", ENGLISH },
	{ "es;q=0.5;q=0.6", ENGLISH },
	{ "-es", ENGLISH },
	{ "es, 1", ENGLISH },
};

START_TEST(the_language_that_weighs_more_is_chosen)
{
	ck_assert_msg(
		request_language(languages[_i].header) == languages[_i].language, "%s", languages[_i].header);
}
END_TEST

START_TEST(a_long_list_of_languages_is_read_to_its_end)
{
	enum { LENGTH = 8192 };
	static char header[LENGTH + 1];

	for (size_t i = 0; i + 8 <= LENGTH; i += 8)
		memcpy(header + i, "fr;q=.1,", 8);
	ck_assert_int_eq(request_language(header), ENGLISH);
	for (size_t i = 0; i + 8 <= LENGTH; i += 8)
		memcpy(header + i, "fr;q=1 ,", 8);
	memcpy(header + LENGTH - 8, "es;q=0.1", 8);
	ck_assert_int_eq(request_language(header), SPANISH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("request");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_arena, release_arena);
	tcase_add_test(tc, methods_are_known_by_their_exact_name);
	tcase_add_loop_test(tc, a_path_is_split_and_decoded_once, 0, ARRAY_SIZE(paths));
	tcase_add_loop_test(tc, a_bad_path_is_refused, 0, ARRAY_SIZE(bad_paths));
	tcase_add_test(tc, no_target_is_a_bad_path);
	tcase_add_test(tc, a_path_longer_than_any_route_is_not_found);
	tcase_add_loop_test(tc, a_query_is_split_and_decoded_once, 0, ARRAY_SIZE(queries));
	tcase_add_loop_test(tc, a_bad_query_is_refused, 0, ARRAY_SIZE(bad_queries));
	tcase_add_test(tc, thirty_two_pairs_are_enough);
	tcase_add_loop_test(tc, the_language_that_weighs_more_is_chosen, 0, ARRAY_SIZE(languages));
	tcase_add_test(tc, a_long_list_of_languages_is_read_to_its_end);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
