/* The router: one address, one row; what a path takes is said where its method does not fit. */
#include <string.h>

#include "base/err.h"
#include "http/router.h"
#include "suite.h"

static const struct route table[] = {
	{ .method = HTTP_GET, .path = "/v1/lots", .summary = "list" },
	{ .method = HTTP_POST, .path = "/v1/lots", .summary = "create" },
	{ .method = HTTP_GET, .path = "/v1/lots/{id}", .summary = "show" },
	{ .method = HTTP_PATCH, .path = "/v1/lots/{id}", .summary = "change" },
	{ .method = HTTP_GET, .path = "/v1/lots/{id}/events", .summary = "events" },
	{ .method = HTTP_PUT, .path = "/v1/lots/{id}/grants/{organization_id}", .summary = "grant" },
	{ .method = HTTP_DELETE, .path = "/v1/lots/{id}/grants/{organization_id}", .summary = "revoke" },
	{ .method = HTTP_POST, .path = "/v1/auth/login", .summary = "login" },
	{ .method = HTTP_GET, .path = "/livez", .summary = "public" },
	{ .method = HTTP_GET, .path = "/livez", .summary = "operators'", .ops = true },
	{ .method = HTTP_GET, .path = "/", .summary = "page", .ops = true },
};

static struct arena arena;
static const char *params[ROUTE_PARAMS_MAX], *allow;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

/* Which row serves it, by its summary; "404", or "405". */
static const char *route_on(const char *method, const char *target, bool from_ops)
{
	struct request req = { .method_text = method, .target = target, .from_ops = from_ops };
	const struct route *route = NULL;

	ck_assert_int_eq(request_parse(&req, &arena), 0);
	memset(params, 0, sizeof params);
	allow = NULL;
	int err = router_find(table, ARRAY_SIZE(table), &req, &arena, &route, params, &allow);
	if (!err)
		return route->summary;
	ck_assert_ptr_eq(route, NULL);
	return err == -ERR_NOT_FOUND ? "404" : err == -ERR_METHOD_NOT_ALLOWED ? "405" : "another error";
}

static const char *route_of(const char *method, const char *target)
{
	return route_on(method, target, false);
}

START_TEST(a_row_is_found_by_method_and_path)
{
	ck_assert_str_eq(route_of("GET", "/v1/lots"), "list");
	ck_assert_str_eq(route_of("POST", "/v1/lots"), "create");
	ck_assert_str_eq(route_of("GET", "/v1/lots?limit=5&cursor=x"), "list");
	ck_assert_str_eq(route_of("GET", "/v1/lots/7/events"), "events");
	ck_assert_str_eq(route_of("POST", "/v1/auth/login"), "login");
}
END_TEST

START_TEST(parameters_come_decoded_and_in_order)
{
	ck_assert_str_eq(route_of("PATCH", "/v1/lots/a%20b%2Fc"), "change");
	ck_assert_str_eq(params[0], "a b/c");
	ck_assert_str_eq(route_of("PUT", "/v1/lots/one/grants/two"), "grant");
	ck_assert_str_eq(params[0], "one");
	ck_assert_str_eq(params[1], "two");
	ck_assert_str_eq(route_of("GET", "/v1/lots/grants"), "show");
	ck_assert_str_eq(params[0], "grants");
}
END_TEST

START_TEST(a_path_is_taken_whole)
{
	static const char *const unknown[] = { "/", "/v1", "/v1/lot", "/v1/lotss", "/v1/lots/1/event",
		"/v1/lots/1/events/2", "/v1/lots/1/grants", "/v2/lots", "/lots", "/V1/lots", "/v1/LOTS",
		"/v1/lots;x", "/v1/lots/1/grants/2/3" };

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		ck_assert_msg(strcmp(route_of("GET", unknown[i]), "404") == 0, "%s", unknown[i]);
}
END_TEST

START_TEST(one_address_has_one_spelling)
{
	ck_assert_str_eq(route_of("GET", "/v1/%6Cots"), "404");
	ck_assert_str_eq(route_of("GET", "/%76%31/lots"), "404");
	ck_assert_str_eq(route_of("GET", "/v1%2Flots"), "404");
	ck_assert_str_eq(
		route_of("GET", "/v1/lots/%37"), "show"); /* an id is a value, not a part of the address */
	ck_assert_str_eq(params[0], "7");
}
END_TEST

START_TEST(a_method_that_does_not_fit_learns_which_do)
{
	ck_assert_str_eq(route_of("DELETE", "/v1/lots"), "405");
	ck_assert_str_eq(allow, "GET, HEAD, POST, OPTIONS");
	ck_assert_str_eq(route_of("POST", "/v1/lots/7"), "405");
	ck_assert_str_eq(allow, "GET, HEAD, PATCH, OPTIONS");
	ck_assert_str_eq(route_of("GET", "/v1/lots/7/grants/8"), "405");
	ck_assert_str_eq(allow, "PUT, DELETE, OPTIONS");
	ck_assert_str_eq(route_of("BREW", "/v1/auth/login"), "405");
	ck_assert_str_eq(allow, "POST, OPTIONS");
	ck_assert_str_eq(route_of("OPTIONS", "/v1/lots"), "405");
	ck_assert_str_eq(allow, "GET, HEAD, POST, OPTIONS");
}
END_TEST

START_TEST(head_is_where_get_is)
{
	ck_assert_str_eq(route_of("HEAD", "/v1/lots/7"), "show");
	ck_assert_str_eq(route_of("HEAD", "/v1/auth/login"), "405");
	ck_assert_str_eq(allow, "POST, OPTIONS");
	ck_assert_str_eq(
		route_of("get", "/v1/lots"), "405"); /* methods have one case (RFC 9110 section 9.1) */
}
END_TEST

START_TEST(each_port_has_its_own_rows)
{
	ck_assert_str_eq(route_on("GET", "/livez", true), "operators'");
	ck_assert_str_eq(route_on("GET", "/livez", false), "public");
	ck_assert_str_eq(route_on("GET", "/", true), "page");
	ck_assert_str_eq(route_on("GET", "/", false), "404");
	ck_assert_str_eq(route_on("GET", "/v1/lots", true), "404");
}
END_TEST

START_TEST(methods_have_their_names)
{
	ck_assert_str_eq(http_method_name(HTTP_GET), "GET");
	ck_assert_str_eq(http_method_name(HTTP_PATCH), "PATCH");
	ck_assert_str_eq(http_method_name(HTTP_OPTIONS), "OPTIONS");
	ck_assert_str_eq(http_method_name(HTTP_OTHER), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_row_is_found_by_method_and_path,
		parameters_come_decoded_and_in_order,
		a_path_is_taken_whole,
		one_address_has_one_spelling,
		a_method_that_does_not_fit_learns_which_do,
		head_is_where_get_is,
		each_port_has_its_own_rows,
		methods_have_their_names,
	};

	return suite_run_with("router", tests, ARRAY_SIZE(tests), setup, teardown);
}
