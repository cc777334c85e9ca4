/* Paths: one spelling each, and the worker, who sees the raw one, is the only router. */
#include <string.h>

#include "expect.h"
#include "world.h"

static const struct reply *ask_for(const char *path)
{
	return CALL(.path = path, .token = producer.token);
}

START_TEST(a_path_has_one_spelling)
{
	static const struct {
		const char *path;
		int status;
		const char *code;
	} rows[] = {
		{ "//v1/me", 400, "bad_path" },
		{ "/v1//me", 400, "bad_path" },
		{ "/v1/me/", 400, "bad_path" },
		{ "/v1/me//", 400, "bad_path" },
		{ "/v1/./me", 400, "bad_path" },
		{ "/v1/x/../me", 400, "bad_path" },
		{ "/v1/%2e/me", 400, "bad_path" },
		{ "/v1/x/%2e%2e/me", 400, "bad_path" },
		{ "/v1/x/.%2E/me", 400, "bad_path" },
		{ "/v1/%ff", 400, "bad_path" },
		{ "/v1/%c0%af", 400, "bad_path" },
		{ "/v1/%c0%ae%c0%ae/me", 400, "bad_path" },
		{ "/v1/%e0%80%af", 400, "bad_path" },
		{ "/v1/m\xc3\xa9", 400, "bad_path" },
		{ "/../v1/me", 400, "bad_request" },
		{ "/v1/../../me", 400, "bad_request" },
		{ "/v1/me%00", 400, "bad_request" },
		{ "/v1/%00/me", 400, "bad_request" },
		{ "/v1/me%", 400, "bad_request" },
		{ "/v1/me%2", 400, "bad_request" },
		{ "/v1/me%zz", 400, "bad_request" },
		{ "/", 404, "not_found" },
		{ "/v1", 404, "not_found" },
		{ "/v1%2fme", 404, "not_found" },
		{ "/v1%2Fme", 404, "not_found" },
		{ "/v1/me%2f", 404, "not_found" },
		{ "/v1/me%252f", 404, "not_found" },
		{ "/v1/%252e%252e/v1/me", 404, "not_found" },
		{ "/v1/%25%36%64e", 404, "not_found" },
		{ "/v1/me%2f..%2fme", 404, "not_found" },
		{ "/v1/%6de", 404, "not_found" },
		{ "/%76%31/me", 404, "not_found" },
		{ "/v1/me%20", 404, "not_found" },
		{ "/v1/me;x", 404, "not_found" },
		{ "/v1;x/me", 404, "not_found" },
		{ "/v1/me;jsessionid=1", 404, "not_found" },
		{ "/V1/me", 404, "not_found" },
		{ "/v1/ME", 404, "not_found" },
		{ "/v1/me.json", 404, "not_found" },
		{ "/v1\\me", 404, "not_found" },
		{ "/v1/me*", 404, "not_found" },
		{ "/v2/me", 404, "not_found" },
		{ "/v1/lots/{id}", 404, "not_found" },
		{ "/a/b/c/d/e/f/g/h/i/j/k", 404, "not_found" },
		{ "/_problem", 404, "not_found" },
		{ "/.git/config", 404, "not_found" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(is_problem(ask_for(rows[i].path), rows[i].status, rows[i].code));
}
END_TEST

START_TEST(fragment_and_query_are_not_the_path)
{
	static const char *const paths[] = { "/v1/me#x", "/v1/me#/../..", "/v1/me?", "/v1/me?x=1",
		"/v1/me?x#y", "/v1/me?/../" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct reply *r = ask_for(paths[i]);
		expect(answered(r, 200));
		expect(has_text(r, "/id", producer.id));
	}
	expect(is_problem(ask_for("/v1/nothing#/v1/me"), 404, "not_found"));
	expect(is_problem(ask_for("/v1/nothing?/v1/me"), 404, "not_found"));
}
END_TEST

START_TEST(another_spelling_of_the_login_is_no_login)
{
	static const char *const paths[] = { "/v1/auth/%6cogin", "/v1/auth/LOGIN", "/v1/auth/login;",
		"/v1/auth%2flogin" };
	const char *body = json("{'email':'%s','password':'%s'}", buyer.email, PASSWORD);

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		expect(is_problem(CALL(.path = paths[i], .body = body), 404, "not_found"));
	expect(is_problem(CALL(.path = "/v1/auth/login/", .body = body), 400, "bad_path"));
	expect(is_problem(CALL(.path = "/v1/auth//login", .body = body), 400, "bad_path"));
	expect(answered(CALL(.path = "/v1/auth/login?next=/", .body = body), 200));
	expect(answered(CALL(.path = "/v1/auth/login#top", .body = body), 200));
}
END_TEST

START_TEST(an_address_may_have_eight_kibibytes)
{
	char *longest = TEXT("/v1/me?%*s", 9000, "");

	memset(longest + 7, 'x', 9000);
	expect(is_problem(ask_for(longest), 414, "uri_too_long"));
	longest[7000] = '\0';
	expect(answered(ask_for(longest), 200));
	char *header = TEXT("X-Long: %*s", 9000, "");
	memset(header + 8, 'x', 9000);
	expect(is_problem(CALL(.path = "/v1/me", .token = producer.token, .headers = { header }), 431,
		"headers_too_large"));
}
END_TEST

START_TEST(a_query_has_at_most_32_pairs)
{
	const char *query = "limit=5";

	for (int i = 1; i < 32; i++)
		query = TEXT("%s&p%d=", query, i);
	expect(has_fault(get(&producer, "/v1/products?%s", query), "?p1", "unknown_field"));
	expect(is_problem(get(&producer, "/v1/products?%s&p32=", query), 400, "bad_query"));
	expect(lacks_header(get(&producer, "/v1/products?%s&p32=", query), "Allow"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_path_has_one_spelling,
		fragment_and_query_are_not_the_path,
		another_spelling_of_the_login_is_no_login,
		an_address_may_have_eight_kibibytes,
		a_query_has_at_most_32_pairs,
	};

	return world_run("paths", tests, ARRAY_SIZE(tests));
}
