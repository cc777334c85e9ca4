/* JSON in: what is JSON and what is not (the classes of JSONTestSuite), and the tree, its numbers and names kept as
 * they were written. Our own rules are in check_json_rules.c, JSON out in check_json_write.c. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "http/json.h"

static struct arena arena;
static struct faults faults;

static void make_arena(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	faults = (struct faults){ 0 };
}

static void release_arena(void)
{
	arena_release(&arena);
}

static int parse(const char *text, size_t n, const struct json **root)
{
	return json_parse(&arena, text, n, &faults, root);
}

static const struct json *parsed(const char *text)
{
	const struct json *root = NULL;

	ck_assert_msg(parse(text, strlen(text), &root) == 0, "%s", text);
	return root;
}

/* A text with its length, because some hold NUL. */
#define T(text)                                                                                              \
	{                                                                                                    \
		text, sizeof(text) - 1                                                                       \
	}

struct text {
	const char *bytes;
	size_t n;
};

/* clang-format off */
static const struct text accepted[] = {
	/* any value may be the root; white space is space, tab, newline, carriage return */
	T("null"), T("true"), T("false"), T("0"), T("\"\""), T("[]"), T("{}"), T(" \t\r\n1\n"), T("\"asd\""), T("-1"),
	T("[[] ]"), T("[ ]"), T("[\"\"]"), T("[1\n]"), T(" [1]"), T("[1,null,null,null,2]"), T("[2] "), T("[[[]]]"),
	T("{ \"a\" : 1 , \"b\" : [ 2 ] }"), T("{\"\":0}"), T("{\"a\":[]}"), T("{\"title\":\"\\u041f\\u043e\"}"),
	T("[{},{}]"), T("[[],[],{\"a\":{}}]"), T("{\n\"a\": \"b\"\n}"),
	/* numbers, however large or precise */
	T("[123e65]"), T("[0e+1]"), T("[0e1]"), T("[ 4]"), T("[-0.000000000000000000000000000000000000000000000000000001]"),
	T("[20e1]"), T("[-0]"), T("[-123]"), T("[1E22]"), T("[1E-2]"), T("[1E+2]"), T("[123e45]"), T("[123.456e78]"),
	T("[1e-2]"), T("[1e+2]"), T("[123]"), T("[123.456789]"), T("[1e999]"), T("[-1e-99999]"), T("[0.4e00669999999999]"),
	T("[100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]"),
	T("[123.456123456123456123456123456123456123456123456123456123456123456123456123456123456123456123456e3]"),
	/* strings */
	T("[\"\\u0060\\u012a\\u12AB\"]"), T("[\"\\uD801\\udc37\"]"), T("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
	T("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), T("[\"\\\\u0000\"]"), T("[\"\\\\\\\"\"]"), T("[\"a/*b*/c/*d//e\"]"),
	T("[\"\\\\a\"]"), T("[\"\\u0012\"]"), T("[\"\\uFFFF\"]"), T("[\"\\uDBFF\\uDFFF\"]"), T("[\"new\\u00A0line\"]"),
	T("[\"\xf4\x8f\xbf\xbf\"]"), T("[\"\xef\xbf\xbf\"]"), T("[\" \"]"), T("[\"\x7f\"]"), T("[\"\xe2\x82\xac\"]"),
	T("[\"\xe2\x80\xa8\xe2\x80\xa9\"]"), T("[\"\xf0\x9d\x84\x9e\"]"), T("[\"\\u005C\\u0022\"]"), T("[\"\xef\xbb\xbf\"]"),
};

static const struct text refused[] = {
	/* nothing, or more than one value */
	T(""), T(" "), T("[] []"), T("1 2"), T("[1]x"), T("[1]]"), T("{}}"), T("[][]"), T("{} #"), T("{\"a\":true} \"x\""),
	T("\xef\xbb\xbf{}"), T("\xef\xbb\xbf"), T("\xff\xfe[\0]\0"), T("\0[\0\"\0\xe9\0\"\0]"), T("1\0"), T("[]\0"), T("\0"),
	/* words */
	T("nul"), T("tru"), T("fals"), T("truth"), T("[True]"), T("[nUll]"), T("NULL"), T("undefined"), T("nullx"), T("a"),
	/* numbers */
	T("01"), T("-01"), T("[-012]"), T("00"), T("[00.0]"), T("[-00e0]"), T("2."), T("[2.e3]"), T("[2.e+3]"), T("[0.e1]"),
	T(".5"), T("[.123]"), T("[-.123]"), T("[.-1]"), T("+1"), T("[++1234]"), T("[- 1]"), T("-"), T("[--2.]"), T("[-foo]"),
	T("1e"), T("1e+"), T("[0e]"), T("[0E+]"), T("[0.3e+]"), T("[1.0e-]"), T("[1eE2]"), T("[9.e+]"), T("[1 000.0]"),
	T("NaN"), T("[-NaN]"), T("[Infinity]"), T("[-Infinity]"), T("[Inf]"), T("[0x1]"), T("[0x42]"), T("[1+2]"), T("1a"),
	T("[1.2a-3]"), T("[1.8011670033376514H-308]"), T("[1ea]"), T("[123\xe5]"), T("[1e1\xe5]"), T("[0\xe5]"), T("0.1.2"),
	T("[\xef\xbc\x91]"), T("[-1x]"), T("[1_000]"), T("[.]"), T("[1e1.5]"), T("[1;2]"),
	/* strings */
	T("\""), T("[\"asd]"), T("[\"a"), T("['a']"), T("[\"\\x00\"]"), T("[\"\\a\"]"), T("[\"\\v\"]"), T("[\"\\'\"]"),
	T("[\"\\u\"]"), T("[\"\\u00A\"]"), T("[\"\\u00\\\"]"), T("[\"\\uqqqq\"]"), T("[\"\\u-123\"]"), T("[\"\\u 123\"]"),
	T("[\"\\U0061\"]"), T("[\"\\"), T("[\"\\\"]"), T("[\"\\\\\\\"]"), T("[\"\\u1"), T("[\"\\uD834\\uDd\"]"), T("[\"\\uD800\\u1\"]"),
	T("[\"\\uD800\\u1x\"]"), T("[\"\\uD800\\\"]"), T("[\"\\{[\"\\{"), T("[\"\\\xf0\x9f\x8c\x80\"]"), T("[\"\\\0\"]"), T("[\\n]"),
	T("[\"\\u\xe5\"]"), T("[\"\\\xe5\"]"), T("[\"\t\"]"), T("[\"new\nline\"]"), T("[\"\x1f\"]"), T("[\"\x01\"]"), T("[\"a\0a\"]"),
	T("[\"\0\"]"), T("abc"), T("\\u0020"), T("[\xc3\xa9]"), T("\"\\12\""), T("[\"\\u0022]"),
	/* UTF-8 that is none */
	T("[\"\xff\"]"), T("[\"\x80\"]"), T("[\"\xbf\"]"), T("[\"\xc0\xaf\"]"), T("[\"\xc1\xbf\"]"), T("[\"\xe0\x80\xaf\"]"),
	T("[\"\xf0\x80\x80\xaf\"]"), T("[\"\xf8\x88\x80\x80\x80\"]"), T("[\"\xfc\x83\xbf\xbf\xbf\xbf\"]"), T("[\"\xed\xa0\x80\"]"),
	T("[\"\xed\xbf\xbf\"]"), T("[\"\xf4\x90\x80\x80\"]"), T("[\"\xe0\xff\"]"), T("[\"\xe2\x82\"]"), T("[\"\xf0\x9f\x98\"]"),
	T("[\"\xc3\"]"), T("[\"\xc3"), T("[\"\xf0"), T("[\"\xe6\x97\xa5\xd1\x88\xfa\"]"), T("{\"\xb9\":\"0\",}"), T("\xe5"), T("{\"\xff\":1}"),
	/* arrays and objects */
	T("["), T("]"), T("{"), T("}"), T("[1"), T("[1,"), T("[1,]"), T("[,1]"), T("[1,,2]"), T("[,]"), T("[\"\",]"), T("[1 true]"),
	T("[a"), T("[x"), T("[3[4]]"), T("[1:2]"), T("[\"a\""), T("[\"a\","), T("[1}"), T("{1]"), T("[{]"), T("{\"a\":[}"), T("[1))"),
	T("{\"a\":1,}"), T("{,\"a\":1}"), T("{\"a\":1,,\"b\":2}"), T("{\"a\"}"), T("{\"a\":}"), T("{\"a\":"), T("{\"a\""), T("{\"a\" b}"),
	T("{\"a\" 1}"), T("{\"a\"::1}"), T("{a:1}"), T("{'a':0}"), T("{1:1}"), T("{null:null,null:null}"), T("{:\"b\"}"), T("{[:1}"),
	T("{\"a\":1 \"b\":2}"), T("{\"a\":\"b\"}/**/"), T("{\"a\":/*c*/\"b\"}"), T("{\"a\":\"b\"}//"), T("{\"a\":\"b\"}#"), T("{\"a\":1]"),
	T("{\"x\", null}"), T("{\"a\" \"b\"}"), T("{{}}"), T("{[]}"), T("[{\"a\":1,}]"), T("{\"a\":1,b}"), T("<null>"), T("*"), T("[*]"),
	/* white space that is none */
	T("[\f]"), T("\f1"), T("[1\v]"), T("[\xc2\xa0]"), T("[\xe2\x81\xa0]"), T("1\xe2\x80\xa8"), T("[\b1]"), T("[1,\x1f 2]"), T("\xe3\x80\x80[]"),
};
/* clang-format on */

START_TEST(what_rfc_8259_allows_is_accepted)
{
	const struct json *root;

	ck_assert_msg(
		parse(accepted[_i].bytes, accepted[_i].n, &root) == 0, "refused: %s", accepted[_i].bytes);
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(what_rfc_8259_does_not_allow_is_refused)
{
	const struct json *root = NULL;

	ck_assert_msg(parse(refused[_i].bytes, refused[_i].n, &root) == -ERR_BAD_JSON, "accepted: %s",
		refused[_i].bytes);
	ck_assert_ptr_null(root);
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(cutting_a_text_anywhere_makes_it_no_json)
{
	const char whole[] = "{\"a\":[1.5e+3,true,null,\"\\ud83d\\ude00\xc3\xa9\\n\"],\"b\":{\"c\":-0}}";
	const struct json *root;

	ck_assert_int_eq(parse(whole, sizeof whole - 1, &root), 0);
	for (size_t n = 0; n < sizeof whole - 1; n++) {
		char cut[sizeof whole];
		memcpy(cut, whole, n);
		cut[n] = '\0';
		ck_assert_int_eq(parse(cut, n, &root), -ERR_BAD_JSON);
	}
}
END_TEST

START_TEST(numbers_keep_their_own_text)
{
	const struct json *root =
		parsed("[0, -0, 1.50, 1e999, 12345678901234567890123, {\"n\":0.1000}, [[-1E-7]],"
		       " 1000000000000000000000000000000000000000000000000000000000000000000000000000001]");
	static const char *const texts[] = { "0", "-0", "1.50", "1e999", "12345678901234567890123" };
	const struct json *node = json_first(root);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++, node = json_next(node)) {
		ck_assert_int_eq(json_type(node), JSON_NUMBER);
		ck_assert_str_eq(json_text(node), texts[i]);
	}
	ck_assert_str_eq(json_text(json_get(node, "n")), "0.1000");
	node = json_next(node);
	ck_assert_str_eq(json_text(json_first(json_first(node))), "-1E-7");
	node = json_next(node);
	ck_assert_str_eq(json_text(node),
		"1000000000000000000000000000000000000000000000000000000000000000000000000000001");
	ck_assert_ptr_null(json_next(node));
}
END_TEST

START_TEST(a_tree_is_walked_by_type_name_and_order)
{
	const struct json *root = parsed(
		"{\"s\":\"a\\u0301\\/\\ud83d\\ude00\",\"N\":null,\"n\":false,\"t\":true,\"a\":[1],\"o\":{}}");
	static const struct {
		const char *key;
		enum json_type type;
	} children[] = {
		{ "s", JSON_STRING },
		{ "N", JSON_NULL },
		{ "n", JSON_FALSE },
		{ "t", JSON_TRUE },
		{ "a", JSON_ARRAY },
		{ "o", JSON_OBJECT },
	};
	size_t i = 0;

	ck_assert_int_eq(json_type(root), JSON_OBJECT);
	json_for_each (child, root) {
		ck_assert_str_eq(json_key(child), children[i].key);
		ck_assert_int_eq(json_type(child), children[i].type);
		ck_assert_ptr_eq(json_get(root, children[i].key), child);
		i++;
	}
	ck_assert_uint_eq(i, ARRAY_SIZE(children));
	ck_assert_str_eq(json_text(json_get(root, "s")), "a\xcc\x81/\xf0\x9f\x98\x80");
	ck_assert_ptr_null(json_text(json_get(root, "t")));
	ck_assert_ptr_null(json_text(json_get(root, "a")));
	ck_assert_ptr_null(json_get(root, "S"));
	ck_assert_ptr_null(json_get(json_get(root, "a"), "s"));
	ck_assert_ptr_null(json_first(json_get(root, "o")));
	ck_assert_ptr_null(json_key(root));
	ck_assert_ptr_null(json_key(json_first(json_get(root, "a"))));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_arena, release_arena);
	tcase_add_loop_test(tc, what_rfc_8259_allows_is_accepted, 0, ARRAY_SIZE(accepted));
	tcase_add_loop_test(tc, what_rfc_8259_does_not_allow_is_refused, 0, ARRAY_SIZE(refused));
	tcase_add_test(tc, cutting_a_text_anywhere_makes_it_no_json);
	tcase_add_test(tc, numbers_keep_their_own_text);
	tcase_add_test(tc, a_tree_is_walked_by_type_name_and_order);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
