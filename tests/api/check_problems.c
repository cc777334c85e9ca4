/* Refusals: their shape, their language, their order, and what stands in every answer. That each code is what a test expects
 * is asked all over these tests: is_problem() looks at the whole shape each time. */
#include <string.h>

#include "expect.h"
#include "world.h"

/* One of each kind: made by nginx, by the request's own steps, by a handler. */
static const struct {
	const char *method, *path, *body;
	bool as_producer;
	int status;
	const char *code, *english, *spanish;
} refusals[] = {
	{ "GET", "/v1/nothing", NULL, false, 404, "not_found", "There is nothing here.",
		"Aquí no hay nada." },
	{ "GET", "/v1//me", NULL, false, 400, "bad_path", "The path is not valid.", "La ruta no es válida." },
	{ "DELETE", "/v1/me", NULL, false, 405, "method_not_allowed", "This path does not take that method.",
		"Esta ruta no acepta ese método." },
	{ "TRACE", "/v1/me", NULL, false, 405, "method_not_allowed", "This path does not take that method.",
		"Esta ruta no acepta ese método." },
	{ "GET", "/v1/me", NULL, false, 401, "unauthenticated", "Log in first: there is no valid session.",
		"Inicie sesión: no hay una sesión válida." },
	{ "POST", "/v1/products", "{", true, 400, "bad_json", "The body is not valid JSON (RFC 8259).",
		"El cuerpo no es JSON válido (RFC 8259)." },
	{ "POST", "/v1/products", "{}", true, 422, "invalid", "The content breaks a rule: see errors.",
		"El contenido no cumple una regla: vea errors." },
	{ "GET", "/v1/products?cursor=x", NULL, true, 400, "bad_cursor",
		"The cursor is not one this API gave out.", "El cursor no fue emitido por esta API." },
};

static const struct reply *provoke(size_t i, const char *language)
{
	return CALL(.method = refusals[i].method, .path = refusals[i].path, .body = refusals[i].body,
		.token = refusals[i].as_producer ? producer.token : NULL, .language = language);
}

/* --- language --- */

START_TEST(a_refusal_speaks_english_unless_asked_otherwise)
{
	static const char *const languages[] = { NULL, "en", "en-GB", "de", "*", "fr, de;q=0.5",
		"en, es;q=0.9", "es;q=0.4, en;q=0.8", "es;q=0", ";;q=,", "e" };

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		for (size_t l = 0; l < ARRAY_SIZE(languages); l++) {
			const struct reply *r = provoke(i, languages[l]);
			expect(is_problem(r, refusals[i].status, refusals[i].code));
			expect(has_text(r, "/detail", refusals[i].english));
		}
}
END_TEST

START_TEST(a_refusal_speaks_spanish_to_who_asks_for_it)
{
	static const char *const languages[] = { "es", "ES", "es-MX", "es-419, en;q=0.9",
		"en;q=0.2, es;q=0.8", "de, es;q=0.5" };

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		for (size_t l = 0; l < ARRAY_SIZE(languages); l++) {
			const struct reply *r = provoke(i, languages[l]);
			expect(is_problem(r, refusals[i].status, refusals[i].code));
			expect(has_text(r, "/detail", refusals[i].spanish));
		}
}
END_TEST

START_TEST(each_fault_speaks_the_language_of_the_whole)
{
	const struct reply *english =
		CALL(.path = "/v1/products", .token = producer.token, .body = json("{'name':7}"));
	const struct reply *spanish = CALL(.path = "/v1/products", .token = producer.token,
		.body = json("{'name':7}"), .language = "es");

	expect(has_count(english, "/errors", 2));
	expect(has_text(english, "/errors/0/pointer", "/name"));
	expect(has_text(english, "/errors/0/detail", "This is of the wrong type."));
	expect(has_text(english, "/errors/1/pointer", "/commodity"));
	expect(has_text(english, "/errors/1/detail", "This must be given."));
	expect(has_text(spanish, "/errors/0/code", "wrong_type")); /* codes are for programs */
	expect(has_text(spanish, "/errors/0/detail", "El tipo de dato no es correcto."));
	expect(has_text(spanish, "/errors/1/detail", "Este dato es obligatorio."));
}
END_TEST

/* --- the request's id --- */

static const struct reply *ask_with_id(const char *path, const char *token, const char *id)
{
	return CALL(.path = path, .token = token, .headers = { TEXT("X-Request-Id: %s", id) });
}

START_TEST(a_well_formed_request_id_is_kept)
{
	static const char *const ids[] = { "a", "0", "Order-7.of_today", "----", "..",
		"0123456789012345678901234567890123456789012345678901234567890123" /* 64 */ };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct reply *r = ask_with_id("/v1/nothing", NULL, ids[i]);
		expect(is_problem(r, 404, "not_found"));
		expect(has_text(r, "/request_id", ids[i]));
		expect(has_header(ask_with_id("/v1/me", producer.token, ids[i]), "X-Request-Id", ids[i]));
		const struct reply *nginxs = CALL(.method = "TRACE", .path = "/v1/me",
			.headers = { TEXT("X-Request-Id: %s", ids[i]) });
		expect(has_text(nginxs, "/request_id", ids[i]));
	}
}
END_TEST

START_TEST(any_other_request_id_is_replaced)
{
	static const char *const ids[] = { "two words", "a/b", "a,b", "\"quoted\"", "ñ", "<script>", "a;b",
		"%41", "01234567890123456789012345678901234567890123456789012345678901234" /* 65 */ };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct reply *r = ask_with_id("/v1/nothing", NULL, ids[i]);
		expect(is_problem(r, 404, "not_found"));
		const char *made = reply_text(r, "/request_id");
		ck_assert_uint_eq(
			strspn(made, "0123456789abcdef"), 16); /* of this start, then of this request */
		ck_assert_msg(made[16] == '-' && !made[16 + strspn(made + 16, "-0123456789")], "%s", made);
	}
	ck_assert_str_ne(reply_text(get(NULL, "/v1/nothing"), "/request_id"),
		reply_text(get(NULL, "/v1/nothing"), "/request_id"));
}
END_TEST

/* --- the order --- */

START_TEST(what_is_wrong_first_is_said_first)
{
	static const char broken[] = "{\"name\":";
	const char *no_lot = "/v1/lots/018f0000-0000-7000-8000-00000000ffff/events";
	const struct {
		const char *method, *path, *body, *type;
		const struct actor *who;
		int status;
		const char *code;
	} rows[] = {
		/* The path before the method, the session and the body. */
		{ "PATCH", "/v1/nothing", broken, NULL, NULL, 404, "not_found" },
		{ "BREW", "/v1/../me", broken, NULL, NULL, 400, "bad_path" },
		{ "POST", "/v1/nothing", broken, "Content-Type: text/plain", &producer, 404, "not_found" },
		/* The query is part of the target. */
		{ "DELETE", "/v1/products?%ff", NULL, NULL, NULL, 400, "bad_query" },
		/* The method before the session and the body. */
		{ "DELETE", "/v1/products", NULL, NULL, NULL, 405, "method_not_allowed" },
		{ "PUT", "/v1/products", broken, "Content-Type: text/plain", &producer, 405,
			"method_not_allowed" },
		/* The session before the body, its type, the query and what the path leads to. */
		{ "POST", "/v1/products", broken, NULL, NULL, 401, "unauthenticated" },
		{ "POST", "/v1/products", "{}", "Content-Type: text/plain", NULL, 401, "unauthenticated" },
		{ "POST", no_lot, broken, NULL, NULL, 401, "unauthenticated" },
		{ "GET", "/v1/products?limit=0", NULL, NULL, NULL, 401, "unauthenticated" },
		{ "GET", "/v1/lots/7", NULL, NULL, NULL, 401, "unauthenticated" },
		/* The role before the body and its type. */
		{ "POST", "/v1/products", broken, NULL, &buyer, 403, "forbidden" },
		{ "POST", "/v1/products", "{}", "Content-Type: text/plain", &buyer, 403, "forbidden" },
		{ "POST", "/v1/lots", "{}", NULL, &buyer, 403, "forbidden" },
		{ "POST", "/v1/lots", broken, NULL, &newcomer, 403, "organization_not_approved" },
		{ "POST", no_lot, broken, NULL, &admin, 403, "forbidden" },
		/* The type before the syntax, the syntax before the rules. */
		{ "POST", "/v1/products", broken, "Content-Type: text/plain", &producer, 415,
			"unsupported_type" },
		{ "POST", "/v1/products", "{\"nome\":1,\"nome\":2,}", NULL, &producer, 400, "bad_json" },
		{ "POST", no_lot, broken, NULL, &producer, 400, "bad_json" },
		/* The rules before what the path leads to. */
		{ "POST", no_lot, "{}", NULL, &producer, 422, "invalid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(is_problem(CALL(.method = rows[i].method, .path = rows[i].path, .body = rows[i].body,
					  .token = rows[i].who ? rows[i].who->token : NULL,
					  .headers = { rows[i].type }),
			rows[i].status, rows[i].code));
}
END_TEST

/* --- methods --- */

START_TEST(a_method_that_a_path_does_not_take_is_told_which_it_takes)
{
	static const struct {
		const char *method, *path, *allow;
	} rows[] = {
		{ "DELETE", "/v1/products", "GET, HEAD, POST, OPTIONS" },
		{ "PATCH", "/v1/me", "GET, HEAD, OPTIONS" },
		{ "GET", "/v1/auth/login", "POST, OPTIONS" },
		{ "HEAD", "/v1/auth/logout", "POST, OPTIONS" },
		{ "POST", "/t/AAAAAAAAAA", "GET, HEAD, OPTIONS" },
		{ "PUT", "/01/07501031311309/10/L-1", "GET, HEAD, OPTIONS" },
		{ "BREW", "/v1/lots", "GET, HEAD, POST, OPTIONS" },
		{ "PROPFIND", "/v1/lots", "GET, HEAD, POST, OPTIONS" },
		{ "GETS", "/v1/me", "GET, HEAD, OPTIONS" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *r =
			CALL(.method = rows[i].method, .path = rows[i].path, .token = producer.token);
		expect(answered(r, 405));
		expect(has_header(r, "Allow", rows[i].allow));
		expect(strcmp(rows[i].method, "HEAD") == 0 || is_problem(r, 405, "method_not_allowed"));
	}
	expect(is_problem(CALL(.method = "TRACE", .path = "/v1/me"), 405, "method_not_allowed"));
	expect(is_problem(CALL(.method = "CONNECT", .path = "/v1/me"), 405, "method_not_allowed"));
	expect(is_problem(
		CALL(.method = "get", .path = "/v1/me", .token = producer.token), 400, "bad_request"));
}
END_TEST

START_TEST(a_header_makes_no_other_method_user_or_address)
{
	const struct reply *r = CALL(.path = "/v1/products", .token = producer.token, .body = "{}",
		.headers = { "X-HTTP-Method-Override: DELETE", "X-Method-Override: GET",
			"X-Original-URL: /v1/me" });

	expect(is_problem(r, 422, "invalid"));
	expect(is_problem(
		CALL(.path = "/v1/me",
			.headers = { TEXT("X-User-Id: %s", admin.id), TEXT("X-Log-User: %s", admin.id),
				"Proxy: http://192.0.2.7/", "Remote-Addr: 127.0.0.1" }),
		401, "unauthenticated"));
}
END_TEST

/* --- every answer --- */

START_TEST(every_answer_protects_the_browser_and_names_no_version)
{
	static const char *const paths[] = { "/v1/me", "/v1/nothing", "/v1//me", "/v1/%zz", "/livez",
		"/v1/products?limit=0" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct reply *r = CALL(.path = paths[i], .token = producer.token);
		expect(has_header(r, "X-Content-Type-Options", "nosniff"));
		expect(has_header(r, "Strict-Transport-Security", "max-age=31536000"));
		expect(has_header(
			r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"));
		expect(has_header(r, "Referrer-Policy", "no-referrer"));
		expect(has_header(r, "Cache-Control", "no-store"));
		expect(has_header(r, "Server", "nginx"));
		expect(lacks_header(r, "X-Powered-By"));
		expect(lacks_header(r, "Access-Control-Allow-Origin"));
		ck_assert_msg(!strcasestr(r->headers, "X-Log-"), "%s", r->headers);
	}
}
END_TEST

START_TEST(no_origin_is_let_in_where_none_is_configured)
{
	const struct reply *r = CALL(.method = "OPTIONS", .path = "/v1/products",
		.headers = { "Origin: https://evil.example", "Access-Control-Request-Method: POST" });

	expect(answered(r, 204));
	ck_assert_msg(!strcasestr(r->headers, "Access-Control-"), "%s", r->headers);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_refusal_speaks_english_unless_asked_otherwise,
		a_refusal_speaks_spanish_to_who_asks_for_it,
		each_fault_speaks_the_language_of_the_whole,
		a_well_formed_request_id_is_kept,
		any_other_request_id_is_replaced,
		what_is_wrong_first_is_said_first,
		a_method_that_a_path_does_not_take_is_told_which_it_takes,
		a_header_makes_no_other_method_user_or_address,
		every_answer_protects_the_browser_and_names_no_version,
		no_origin_is_let_in_where_none_is_configured,
	};

	return world_run("problems", tests, ARRAY_SIZE(tests));
}
