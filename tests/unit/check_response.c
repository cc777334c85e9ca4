/* Answers: what a handler says, problems (RFC 9457) and entity tags (RFC 9110). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "http/json.h"
#include "http/response.h"
#include "http/status.h"

static struct arena arena;
static struct response resp;
static struct request req;

static void make_response(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	response_init(&resp, &arena);
	req = (struct request){ .method = HTTP_GET, .request_id = "r-1" };
}

static void release_response(void)
{
	arena_release(&arena);
}

START_TEST(json_is_answered_as_it_was_written)
{
	buf_add_text(&resp.body, "{\"a\":1}");
	ck_assert_int_eq(response_json(&resp, 200), 200);
	ck_assert_int_eq(resp.status, 200);
	ck_assert_str_eq(resp.content_type, "application/json");
	ck_assert_str_eq(resp.body.data, "{\"a\":1}");
}
END_TEST

START_TEST(what_was_created_has_a_location)
{
	buf_add_text(&resp.body, "{}");
	ck_assert_int_eq(response_created(&resp, "/v1/lots/%s/%d", "abc", 7), 201);
	ck_assert_int_eq(resp.status, 201);
	ck_assert_str_eq(resp.location, "/v1/lots/abc/7");
	ck_assert_str_eq(resp.content_type, "application/json");
}
END_TEST

START_TEST(no_content_has_no_body)
{
	buf_add_text(&resp.body, "begun");
	ck_assert_int_eq(response_no_content(&resp), 204);
	ck_assert_int_eq(resp.status, 204);
	ck_assert_ptr_null(resp.content_type);
	ck_assert_uint_eq(resp.body.len, 0);
}
END_TEST

START_TEST(a_body_past_its_ceiling_is_a_problem_not_a_torn_answer)
{
	char *much = arena_alloc(&arena, RESPONSE_MAX);

	memset(much, 'x', RESPONSE_MAX);
	buf_add(&resp.body, much, RESPONSE_MAX);
	buf_add_char(&resp.body, 'x');
	ck_assert_int_eq(response_json(&resp, 200), -ERR_INTERNAL);
	ck_assert_int_eq(response_problem(&resp, &req, -ERR_INTERNAL), 500);
	ck_assert_int_eq(resp.err, ERR_INTERNAL);
	ck_assert_str_eq(resp.content_type, "application/problem+json");
	ck_assert_uint_lt(resp.body.len, 400);
}
END_TEST

START_TEST(a_problem_has_the_members_of_rfc_9457)
{
	ck_assert_int_eq(response_problem(&resp, &req, -ERR_NOT_FOUND), 404);
	ck_assert_int_eq(resp.status, 404);
	ck_assert_int_eq(resp.err, ERR_NOT_FOUND);
	ck_assert_str_eq(resp.content_type, "application/problem+json");
	ck_assert_str_eq(resp.body.data, "{\"type\":\"/problems/not_found\",\"title\":\"Not "
					 "Found\",\"status\":404,\"code\":\"not_found\","
					 "\"detail\":\"There is nothing here.\",\"request_id\":\"r-1\"}");
	ck_assert_int_eq(resp.retry_after, 0);
	ck_assert(!resp.challenge);
}
END_TEST

START_TEST(a_problem_speaks_the_clients_language)
{
	struct faults faults = { 0 };

	req.language = SPANISH;
	faults_add(&faults, &arena, ERR_REQUIRED, "/%s", "code");
	ck_assert_int_eq(response_faults(&resp, &req, -ERR_INVALID, &faults), 422);
	ck_assert_str_eq(resp.body.data,
		"{\"type\":\"/problems/invalid\",\"title\":\"Unprocessable Content\",\"status\":422,"
		"\"code\":\"invalid\",\"detail\":\"El contenido no cumple una regla: vea errors.\","
		"\"request_id\":\"r-1\",\"errors\":[{\"pointer\":\"/code\",\"code\":\"required\","
		"\"detail\":\"Este dato es obligatorio.\"}]}");
}
END_TEST

START_TEST(every_fault_is_told_and_escaped)
{
	struct faults faults = { 0 };
	struct faults none = { 0 };
	const struct json *root;

	for (int i = 0; i < FAULTS_MAX + 10; i++)
		faults_add(&faults, &arena, ERR_UNKNOWN_FIELD, "/\"\n%d", i);
	ck_assert_uint_eq(faults.count, FAULTS_MAX);
	ck_assert_int_eq(response_faults(&resp, &req, 0, &faults), 422);
	ck_assert_int_eq(json_parse(&arena, resp.body.data, resp.body.len, &none, &root), 0);
	int i = 0;
	json_for_each (error, json_get(root, "errors")) {
		ck_assert_str_eq(json_text(json_get(error, "pointer")), arena_printf(&arena, "/\"\n%d", i++));
		ck_assert_str_eq(json_text(json_get(error, "code")), "unknown_field");
	}
	ck_assert_int_eq(i, FAULTS_MAX);
}
END_TEST

START_TEST(without_faults_there_is_no_list_of_them)
{
	struct faults none = { 0 };

	ck_assert_int_eq(response_faults(&resp, &req, -ERR_INVALID, &none), 422);
	ck_assert_ptr_null(strstr(resp.body.data, "\"errors\""));
}
END_TEST

START_TEST(the_error_decides_the_status_of_faults)
{
	struct faults faults = { 0 };

	faults_add(&faults, &arena, ERR_UNKNOWN_FIELD, "?%s", "x");
	ck_assert_int_eq(response_faults(&resp, &req, -ERR_BAD_QUERY, &faults), 400);
	ck_assert_ptr_nonnull(strstr(resp.body.data, "\"pointer\":\"?x\""));
}
END_TEST

START_TEST(a_problem_voids_what_the_handler_had_begun)
{
	buf_add_text(&resp.body, "{\"secret\":");
	resp.location = "/v1/lots/1";
	resp.cache_control = "public, max-age=60";
	resp.replayed = true;
	response_etag_body(&resp, &req);
	resp.allow = "GET, HEAD";
	ck_assert_int_eq(response_problem(&resp, &req, -ERR_METHOD_NOT_ALLOWED), 405);
	ck_assert_ptr_null(strstr(resp.body.data, "secret"));
	ck_assert_ptr_null(resp.location);
	ck_assert_str_eq(resp.cache_control, "no-store");
	ck_assert_str_eq(resp.etag, "");
	ck_assert(!resp.replayed);
	ck_assert_str_eq(resp.allow, "GET, HEAD");
}
END_TEST

START_TEST(who_is_not_known_is_asked_to_log_in)
{
	ck_assert_int_eq(response_problem(&resp, &req, -ERR_UNAUTHENTICATED), 401);
	ck_assert(resp.challenge);
	ck_assert_int_eq(response_problem(&resp, &req, -ERR_FORBIDDEN), 403);
	ck_assert(!resp.challenge);
}
END_TEST

START_TEST(who_is_refused_for_now_is_told_when_to_come_back)
{
	static const int errors[] = { ERR_UNAVAILABLE, ERR_OVERLOADED, ERR_SCHEMA_TOO_OLD,
		ERR_TOO_MANY_REQUESTS };
	int seen[4] = { 0 };

	for (int i = 0; i < 400; i++) {
		arena_reset(&arena);
		response_init(&resp, &arena);
		response_problem(&resp, &req, -errors[i % 4]);
		ck_assert_int_ge(resp.retry_after, 1);
		ck_assert_int_le(resp.retry_after, 3);
		seen[resp.retry_after]++;
	}
	/* Each of the three is expected 133 times. */
	ck_assert_int_gt(seen[1], 50);
	ck_assert_int_gt(seen[2], 50);
	ck_assert_int_gt(seen[3], 50);

	response_init(&resp, &arena);
	resp.retry_after = 17;
	ck_assert_int_eq(response_problem(&resp, &req, -ERR_TOO_MANY_LOGINS), 429);
	ck_assert_int_eq(resp.retry_after, 17);
}
END_TEST

START_TEST(what_is_no_public_error_is_ours)
{
	static const int errors[] = { 0, -ERR_TRY_AGAIN, -ERR_REPLAYED, -ERR_COUNT, -9999, 9999 };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		ck_assert_int_eq(response_problem(&resp, NULL, errors[i]), 500);
		ck_assert_int_eq(resp.err, ERR_INTERNAL);
		ck_assert_ptr_null(strstr(resp.body.data, "request_id"));
	}
}
END_TEST

START_TEST(every_error_makes_a_whole_problem_in_both_languages)
{
	const struct err_info *info = err_info(_i);
	struct faults none = { 0 };
	const struct json *root;

	if (!info->status)
		return;
	for (int l = ENGLISH; l < LANGUAGE_COUNT; l++) {
		req.language = (enum language)l;
		ck_assert_int_eq(response_problem(&resp, &req, -_i), info->status);
		ck_assert_int_eq(json_parse(&arena, resp.body.data, resp.body.len, &none, &root), 0);
		ck_assert_str_ne(json_text(json_get(root, "title")), "");
		ck_assert_str_eq(json_text(json_get(root, "code")), info->code);
		ck_assert_str_eq(json_text(json_get(root, "detail")), info->detail[l]);
	}
}
END_TEST

START_TEST(an_unknown_status_has_no_phrase)
{
	ck_assert_str_eq(http_status_phrase(200), "OK");
	ck_assert_str_eq(http_status_phrase(599), "");
}
END_TEST

/* --- entity tags --- */

START_TEST(the_tag_of_a_body_is_its_digest)
{
	buf_add_text(&resp.body, "abc");
	ck_assert(!response_etag_body(&resp, &req));
	/* The first 128 bits of SHA-256("abc"), FIPS 180-4's example. */
	ck_assert_str_eq(resp.etag, "\"ba7816bf8f01cfea414140de5dae2223\"");
	ck_assert_str_eq(resp.body.data, "abc");

	response_init(&resp, &arena);
	response_etag_body(&resp, &req);
	ck_assert_str_eq(resp.etag, "\"e3b0c44298fc1c149afbf4c8996fb924\"");
}
END_TEST

START_TEST(what_the_client_has_is_not_sent_again)
{
	req.if_none_match = "\"other\", W/\"ba7816bf8f01cfea414140de5dae2223\"";
	buf_add_text(&resp.body, "abc");
	response_json(&resp, 200);
	ck_assert(response_etag_body(&resp, &req));
	ck_assert_int_eq(resp.status, 304);
	ck_assert_ptr_null(resp.content_type);
	ck_assert_uint_eq(resp.body.len, 0);
	ck_assert_str_eq(resp.etag, "\"ba7816bf8f01cfea414140de5dae2223\"");
}
END_TEST

START_TEST(only_a_get_is_answered_not_modified)
{
	static const enum http_method methods[] = { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PATCH };

	req.if_none_match = "*";
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		response_init(&resp, &arena);
		buf_add_text(&resp.body, "abc");
		response_json(&resp, 200);
		req.method = methods[i];
		ck_assert_int_eq(response_etag_body(&resp, &req), i < 2);
		ck_assert_int_eq(resp.status, i < 2 ? 304 : 200);
	}
}
END_TEST

static const struct {
	const char *header;
	bool names_x; /* "x" */
} tags[] = {
	{ NULL, false },
	{ "", false },
	{ "*", true },
	{ "\"x\"", true },
	{ "W/\"x\"", true },
	{ "\"y\"", false },
	{ "\"y\", \"x\"", true },
	{ "\"y\",\"x\"", true },
	{ "\"y\" ,\tW/\"x\" , \"z\"", true },
	{ ", \"x\"", true },
	{ "\"a,b\", \"x\"", true },
	{ "\"\", \"x\"", true },
	{ "\"\xff\", \"x\"", true },
	{ "\"xx\"", false },
	{ "\"X\"", false },
	{ "x", false },
	{ "\"x", false },
	{ "x\"", false },
	{ "w/\"x\"", false },
	{ "W/ \"x\"", false },
	{ "\"a b\", \"x\"", false }, /* no space inside a tag: malformed from there on */
	{ "y, \"x\"", false },
	{ "\"y\", *", false },
	{ "W/", false },
	{ "\"", false },
};

START_TEST(a_list_of_tags_names_one_or_not)
{
	ck_assert_msg(etag_matches(tags[_i].header, "\"x\"") == tags[_i].names_x, "%s", tags[_i].header);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("response");
	TCase *tc = tcase_create("response");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_response, release_response);
	tcase_add_test(tc, json_is_answered_as_it_was_written);
	tcase_add_test(tc, what_was_created_has_a_location);
	tcase_add_test(tc, no_content_has_no_body);
	tcase_add_test(tc, a_body_past_its_ceiling_is_a_problem_not_a_torn_answer);
	tcase_add_test(tc, a_problem_has_the_members_of_rfc_9457);
	tcase_add_test(tc, a_problem_speaks_the_clients_language);
	tcase_add_test(tc, every_fault_is_told_and_escaped);
	tcase_add_test(tc, without_faults_there_is_no_list_of_them);
	tcase_add_test(tc, the_error_decides_the_status_of_faults);
	tcase_add_test(tc, a_problem_voids_what_the_handler_had_begun);
	tcase_add_test(tc, who_is_not_known_is_asked_to_log_in);
	tcase_add_test(tc, who_is_refused_for_now_is_told_when_to_come_back);
	tcase_add_test(tc, what_is_no_public_error_is_ours);
	tcase_add_loop_test(tc, every_error_makes_a_whole_problem_in_both_languages, 1, ERR_COUNT);
	tcase_add_test(tc, an_unknown_status_has_no_phrase);
	tcase_add_test(tc, the_tag_of_a_body_is_its_digest);
	tcase_add_test(tc, what_the_client_has_is_not_sent_again);
	tcase_add_test(tc, only_a_get_is_answered_not_modified);
	tcase_add_loop_test(tc, a_list_of_tags_names_one_or_not, 0, ARRAY_SIZE(tags));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
