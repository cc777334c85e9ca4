/* Bodies: what is JSON, what is JSON but against our rules, and what is no body for us at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "http/request.h"
#include "http/response.h"
#include "world.h"

static const struct reply *send_bytes(const char *body, size_t length)
{
	return CALL(.path = "/v1/products", .token = producer.token, .body = body, .length = length);
}

static const struct reply *send_body(const char *body)
{
	return send_bytes(body, strlen(body));
}

static const char good[] = "{\"name\":\"x\",\"commodity\":\"y\"}";

/* --- not JSON --- */

START_TEST(what_is_not_json_is_refused_as_such)
{
	static const char *const bodies[] = { " ", "{", "}", "{}}", "{}{}", "{} x", "[", "[1,]", "{\"a\":1,}",
		"{,}", "{\"a\"}", "{\"a\":}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
		"{\"a\":1;\"b\":2}", "{1:2}", "nul", "NULL", "True", "NaN", "Infinity", "-Infinity",
		"{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":1e}",
		"{\"a\":0x1}", "{\"a\":1_000}", "{\"a\":-01}", "{\"a\":2.e3}", "\"unclosed",
		"{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12G4\"}", "{\"a\":\"\\U0041\"}",
		"{\"a\":\"line\nbreak\"}", "{\"a\":\"\ttab\"}", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\xe2\x82\"}", "\xef\xbb\xbf{\"name\":\"x\",\"commodity\":\"y\"}", "\f{}", "\v{}",
		"\xc2\xa0{}", "{}/**/", "// x\n{}", "#", "<xml/>", "name=x&commodity=y", "{\"a\":1}]", "[}",
		"{]", "{\"a\":[1}", "*", "\x80" };

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		expect(is_problem(send_body(bodies[i]), 400, "bad_json"));
	expect(is_problem(CALL(.method = "POST", .path = "/v1/products", .token = producer.token,
				  .headers = { "Content-Type: application/json" }),
		400, "bad_json"));
}
END_TEST

START_TEST(a_nul_byte_ends_nothing)
{
	static const char after[] = "{\"name\":\"x\",\"commodity\":\"y\"}\0",
			  within[] = "{\"name\":\"x\0y\",\"commodity\":\"y\"}", before[] = "\0{}";

	expect(is_problem(send_bytes(after, sizeof after - 1), 400, "bad_json"));
	expect(is_problem(send_bytes(within, sizeof within - 1), 400, "bad_json"));
	expect(is_problem(send_bytes(before, sizeof before - 1), 400, "bad_json"));
}
END_TEST

START_TEST(white_space_of_json_is_free)
{
	expect(answered(send_body(" \t\r\n{ \"name\"\n:\t\"x\" ,\r\"commodity\" : \"y\" } \n"), 201));
}
END_TEST

/* --- JSON against our rules --- */

START_TEST(a_body_is_an_object)
{
	static const char *const bodies[] = { "[]", "null", "true", "7", "\"x\"",
		"[{\"name\":\"x\",\"commodity\":\"y\"}]" };

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		expect(has_only_fault(send_body(bodies[i]), "", "wrong_type"));
}
END_TEST

START_TEST(a_rule_that_is_broken_is_named_with_its_place)
{
	static const struct {
		const char *members, *pointer, *code;
	} rows[] = {
		{ "'colour':1", "/colour", "unknown_field" },
		{ "'Name':'x'", "/Name", "unknown_field" },
		{ "'a/b':1", "/a~1b", "unknown_field" },
		{ "'~':1", "/~0", "unknown_field" },
		{ "'':1", "/", "unknown_field" },
		{ "'\\u00e1':1", "/á", "unknown_field" },
		{ "'__proto__':{}", "/__proto__", "unknown_field" },
		{ "'name':'z'", "/name", "duplicate_field" },
		{ "'n\\u0061me':'z'", "/name", "duplicate_field" },
		{ "'variety':'a','variety':'a'", "/variety", "duplicate_field" },
		{ "'variety':{'a':{'b':1,'b':2}}", "/variety/a/b", "duplicate_field" },
		{ "'variety':'\\u0000'", "/variety", "nul_character" },
		{ "'variety':['x','\\u0000']", "/variety/1", "nul_character" },
		{ "'variety':'\\uD800'", "/variety", "bad_character" },
		{ "'variety':'\\uDC00\\uD800'", "/variety", "bad_character" },
		{ "'variety':7", "/variety", "wrong_type" },
		{ "'variety':{}", "/variety", "wrong_type" },
		{ "'variety':true", "/variety", "wrong_type" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(
			post(&producer, "/v1/products", "{'name':'x','commodity':'y',%s}", rows[i].members),
			rows[i].pointer, rows[i].code));
}
END_TEST

/* {"name":[[…]]}: `depth` levels, the object counted. */
static const char *nested(int depth)
{
	char *text = TEXT("{\"name\":%*s%*s}", depth - 1, "", depth - 1, "");

	memset(text + 8, '[', (size_t)depth - 1);
	memset(text + 8 + depth - 1, ']', (size_t)depth - 1);
	return text;
}

START_TEST(nesting_ends_at_32_levels)
{
	const struct reply *deepest = send_body(nested(32)), *deeper = send_body(nested(33));
	char pointer[128] = "/name";

	expect(has_fault(deepest, "/name", "wrong_type")); /* read to the end, and judged as a name */
	for (int i = 0; i < 31; i++)
		strncat(pointer, "/0", sizeof pointer - strlen(pointer) - 1);
	expect(has_only_fault(deeper, pointer, "too_deep"));
	expect(has_only_fault(send_body(nested(200000)), pointer, "too_deep"));
	const char *bottomless = nested(400000);
	expect(is_problem(send_bytes(bottomless, 400000), 400, "bad_json"));
}
END_TEST

/* One body with a fault of each kind that a location can have. */
static const struct {
	const char *pointer;
	enum err err;
} of_each_kind[] = {
	{ "/name", ERR_TOO_SHORT },
	{ "/kind", ERR_BAD_FORMAT },
	{ "/latitude", ERR_OUT_OF_RANGE },
	{ "/longitude", ERR_TOO_PRECISE },
	{ "/country", ERR_NOT_IN_LIST },
	{ "/region", ERR_BAD_CHARACTER },
	{ "/gln", ERR_BAD_CHECK_DIGIT },
	{ "/altitude", ERR_UNKNOWN_FIELD },
};

static void expect_each_kind(const char *tag, enum language language)
{
	const struct reply *r = CALL(.path = "/v1/locations", .token = producer.token, .language = tag,
		.body = json("{'name':' ','kind':'1','latitude':91,'longitude':180.00000001,'country':'XX',"
			     "'region':'\\u0007','gln':'4006381333930','altitude':8}"));

	expect(is_problem(r, 422, "invalid"));
	expect(has_count(r, "/errors", (int)ARRAY_SIZE(of_each_kind)));
	for (size_t i = 0; i < ARRAY_SIZE(of_each_kind); i++) {
		const struct err_info *info = err_info((int)of_each_kind[i].err);
		expect(has_text(r, TEXT("/errors/%zu/pointer", i), of_each_kind[i].pointer));
		expect(has_text(r, TEXT("/errors/%zu/code", i), info->code));
		expect(has_text(r, TEXT("/errors/%zu/detail", i), info->detail[language]));
	}
	expect(has_text(r, "/detail", err_info(ERR_INVALID)->detail[language]));
}

START_TEST(every_fault_is_told_at_once_in_either_language)
{
	expect_each_kind("en", ENGLISH);
	expect_each_kind("es-MX", SPANISH);
}
END_TEST

START_TEST(a_hundred_faults_are_answered_with_the_first_ones)
{
	char *body = TEXT("{%*s}", 100 * 10, ""), *at = body + 1;

	for (int i = 0; i < 100; i++)
		at += snprintf(at, 11, "\"f%03d\":%d,", i, i % 10);
	at[-1] = '}';
	const struct reply *r = send_bytes(body, (size_t)(at - body));
	expect(is_problem(r, 422, "invalid"));
	expect(has_count(r, "/errors", FAULTS_MAX));
	expect(has_text(r, "/errors/0/pointer", "/name"));
	expect(has_text(r, "/errors/2/pointer", "/f000"));
}
END_TEST

START_TEST(a_body_of_endless_values_is_refused)
{
	enum { VALUES = 500000 };
	char *body = TEXT("%*s", 2 * VALUES + 1, "");

	for (int i = 0; i < VALUES; i++)
		memcpy(body + 2 * i, ",0", 2);
	body[0] = '[';
	body[2 * VALUES] = ']';
	expect(has_fault(send_body(body), "", "too_long"));
}
END_TEST

/* --- size, type, coding --- */

/* A good body, with blanks, of that length. */
static const char *padded(size_t length)
{
	char *body = TEXT("%*s", (int)length, "");

	memcpy(body, good, sizeof good - 1);
	return body;
}

START_TEST(a_body_may_have_one_mebibyte)
{
	expect(answered(send_bytes(padded(REQUEST_BODY_MAX), REQUEST_BODY_MAX), 201));
	expect(is_problem(
		send_bytes(padded(REQUEST_BODY_MAX + 1), REQUEST_BODY_MAX + 1), 413, "body_too_large"));
	expect(answered(CALL(.path = "/v1/products", .token = producer.token, .body = good,
				.headers = { "Transfer-Encoding: chunked" }),
		201));
	expect(is_problem(
		CALL(.path = "/v1/products", .token = producer.token, .body = padded(REQUEST_BODY_MAX + 1),
			.headers = { "Transfer-Encoding: chunked" }),
		413, "body_too_large"));
}
END_TEST

START_TEST(a_body_is_plain_json)
{
	static const char *const fine[] = { "Content-Type: application/json; charset=utf-8",
		"Content-Type: APPLICATION/JSON", "Content-Type: application/json;profile=\"x\"",
		"Content-Encoding: identity" };
	static const char *const refused[] = { "Content-Type: text/plain", "Content-Type: text/json",
		"Content-Type: application/jsonp", "Content-Type: application/json-patch+json",
		"Content-Type: application/ld+json", "Content-Type: application/x-www-form-urlencoded",
		"Content-Type: multipart/form-data; boundary=x", "Content-Type: json",
		"Content-Type: application", "Content-Type:", "Content-Encoding: gzip",
		"Content-Encoding: br", "Content-Encoding: identity, gzip" };

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect(answered(CALL(.path = "/v1/products", .token = producer.token, .body = good,
					.headers = { fine[i] }),
			201));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		expect(is_problem(CALL(.path = "/v1/products", .token = producer.token, .body = good,
					  .headers = { refused[i] }),
			415, "unsupported_type"));
}
END_TEST

START_TEST(a_body_where_none_is_wanted_changes_nothing)
{
	expect(answered(CALL(.method = "GET", .path = "/v1/me", .token = producer.token, .body = "{"), 200));
	expect(answered(
		CALL(.method = "GET", .path = "/v1/products", .token = producer.token, .body = good), 200));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_not_json_is_refused_as_such,
		a_nul_byte_ends_nothing,
		white_space_of_json_is_free,
		a_body_is_an_object,
		a_rule_that_is_broken_is_named_with_its_place,
		nesting_ends_at_32_levels,
		every_fault_is_told_at_once_in_either_language,
		a_hundred_faults_are_answered_with_the_first_ones,
		a_body_of_endless_values_is_refused,
		a_body_may_have_one_mebibyte,
		a_body_is_plain_json,
		a_body_where_none_is_wanted_changes_nothing,
	};

	return world_run("bodies", tests, ARRAY_SIZE(tests));
}
