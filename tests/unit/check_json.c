/* JSON in: the tree, its numbers and names kept as they were written. What is JSON and what is not is in check_json_texts.c, our
 * own rules are in check_json_rules.c, JSON out in check_json_write.c. */
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
	tcase_add_test(tc, cutting_a_text_anywhere_makes_it_no_json);
	tcase_add_test(tc, numbers_keep_their_own_text);
	tcase_add_test(tc, a_tree_is_walked_by_type_name_and_order);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
