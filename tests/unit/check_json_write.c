/* JSON out, and back in: what the writer makes is what the scanner and the tree give back, byte for byte. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "http/json.h"

static struct arena arena;
static struct buf out;
static struct json_writer w;

static void make_writer(void)
{
	ck_assert_int_eq(arena_init(&arena, 8 << 20), 0);
	buf_init(&out, &arena, RESPONSE_MAX);
	json_begin(&w, &out);
}

static void release_writer(void)
{
	arena_release(&arena);
}

START_TEST(commas_stand_between_and_nowhere_else)
{
	json_open(&w, '[');
	json_open(&w, '{');
	json_close(&w, '}');
	json_open(&w, '[');
	json_close(&w, ']');
	json_open(&w, '{');
	json_put_string(&w, "s", "x");
	json_put_string(&w, "none", NULL);
	json_put_integer(&w, "i", -7);
	json_put_boolean(&w, "b", true);
	json_name(&w, "a");
	json_open(&w, '[');
	json_integer(&w, 1);
	json_string(&w, "2");
	json_null(&w);
	json_raw(&w, "{\"x\":1.50}", 10);
	json_boolean(&w, false);
	json_close(&w, ']');
	json_put_integer(&w, "last", 0);
	json_close(&w, '}');
	json_string(&w, NULL);
	json_close(&w, ']');
	ck_assert_str_eq(out.data, "[{},[],{\"s\":\"x\",\"none\":null,\"i\":-7,\"b\":true,"
				   "\"a\":[1,\"2\",null,{\"x\":1.50},false],\"last\":0},null]");
}
END_TEST

START_TEST(a_string_is_escaped_as_much_as_must_be)
{
	json_string(&w, "\"\\/\b\f\n\r\t\x01\x1f\x7f <>&' \xc3\xa9\xf0\x9f\x8d\x85\xe2\x80\xa8");
	ck_assert_str_eq(out.data, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f <>&' "
				   "\xc3\xa9\xf0\x9f\x8d\x85\xe2\x80\xa8\"");
}
END_TEST

START_TEST(a_name_is_escaped_like_a_string)
{
	json_open(&w, '{');
	json_put_integer(&w, "a\"\n", 1);
	json_close(&w, '}');
	ck_assert_str_eq(out.data, "{\"a\\\"\\n\":1}");
}
END_TEST

START_TEST(integers_reach_both_ends)
{
	json_open(&w, '[');
	json_integer(&w, INT64_MIN);
	json_integer(&w, INT64_MAX);
	json_close(&w, ']');
	ck_assert_str_eq(out.data, "[-9223372036854775808,9223372036854775807]");
}
END_TEST

START_TEST(ids_times_and_dates_are_texts_or_null)
{
	struct uuid id = { { 0x01, 0x8f, 0xaa, 0xbb, 0xcc, 0xdd, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1 } };

	json_open(&w, '{');
	json_put_uuid(&w, "id", id);
	json_put_uuid(&w, "nil", (struct uuid){ 0 });
	json_put_time(&w, "at", INT64_C(1777629600) * 1000000 + 250000);
	json_put_time(&w, "never", INT64_MIN);
	json_name(&w, "on");
	json_date(&w, 20574);
	json_name(&w, "unknown");
	json_date(&w, INT32_MIN);
	json_close(&w, '}');
	ck_assert_str_eq(out.data, "{\"id\":\"018faabb-ccdd-7000-8000-000000000001\",\"nil\":null,"
				   "\"at\":\"2026-05-01T10:00:00.250000Z\",\"never\":null,"
				   "\"on\":\"2026-05-01\",\"unknown\":null}");
}
END_TEST

START_TEST(past_the_ceiling_the_buffer_says_so)
{
	struct buf tiny;

	buf_init(&tiny, &arena, 8);
	json_begin(&w, &tiny);
	json_string(&w, "0123456789");
	ck_assert(tiny.full);
	ck_assert_uint_le(tiny.len, 8);
}
END_TEST

START_TEST(pointers_escape_tilde_and_slash)
{
	json_pointer_add(&out, "a/b~1", 5);
	json_pointer_add(&out, "", 0);
	json_pointer_add(&out, "\xc3\xa9", 2);
	ck_assert_str_eq(out.data, "/a~1b~01//\xc3\xa9");
}
END_TEST

static const struct json *parse_back(void)
{
	static struct faults faults;
	const struct json *root = NULL;

	ck_assert_msg(json_parse(&arena, out.data, out.len, &faults, &root) == 0, "%s", out.data);
	return root;
}

/* clang-format off */
static const char *const texts[] = {
	"",
	" ",
	"plain",
	"Jitomate Saladette, ñandú, Ünïcödé",
	"e\xcc\x81\xcc\xa7 combining",
	"\xf0\x9f\x8d\x85\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8c\xbe\xf0\x9f\x87\xb2\xf0\x9f\x87\xbd",
	"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe2\x80\xae reversed \xe2\x80\xac",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xf0\xa0\x80\x80 \xf4\x8f\xbf\xbf \xef\xbf\xbf \xef\xbb\xbf",
	"\"quotes\" \\backslashes\\ /slashes/ \\u0000 \\n",
	"\n\r\t\b\f\x01\x1f\x7f\xc2\x80\xc2\x9f\xe2\x80\xa8\xe2\x80\xa9",
	"'; DROP TABLE lot; -- <script>alert(1)</script> %s%n ${jndi:x} {{7*7}}",
};
/* clang-format on */

START_TEST(a_text_comes_back_byte_for_byte)
{
	json_open(&w, '{');
	json_put_string(&w, texts[_i], texts[_i]);
	json_close(&w, '}');
	const struct json *child = json_first(parse_back());
	ck_assert_str_eq(json_key(child), texts[_i]);
	ck_assert_str_eq(json_text(child), texts[_i]);
}
END_TEST

/* --- random trees --- */

static unsigned seed;

static int below(int n)
{
	return (int)((unsigned)rand_r(&seed) % (unsigned)n);
}

/* Up to 19 random characters of every length of UTF-8, no NUL and no surrogate. */
static void random_text(char text[80])
{
	static const char *const pieces[] = { "a", "\"", "\\", "\n", "\x01", "\x7f", "/", "é", "\xc2\x80",
		"日", "\xef\xbf\xbd", "🍅", "\xf4\x8f\xbf\xbf", "~", "u0000", " " };
	size_t n = 0;

	for (int i = below(20); i; i--) {
		const char *piece = pieces[below(ARRAY_SIZE(pieces))];
		memcpy(text + n, piece, strlen(piece));
		n += strlen(piece);
	}
	text[n] = '\0';
}

static void write_random(int depth)
{
	static const char *const numbers[] = { "0", "-0.0", "1e400", "-12.50E-3",
		"123456789012345678901234567890" };
	char text[80];

	int kind = below(depth < 12 ? 7 : 5);
	if (kind < 2) {
		random_text(text);
		json_string(&w, text);
	} else if (kind == 2) {
		const char *number = numbers[below(ARRAY_SIZE(numbers))];
		json_raw(&w, number, strlen(number));
	} else if (kind == 3) {
		json_boolean(&w, below(2));
	} else if (kind == 4) {
		json_null(&w);
	} else {
		bool object = kind == 5;
		json_open(&w, object ? '{' : '[');
		for (int i = 0, count = below(6); i < count; i++) {
			random_text(text);
			if (object)
				json_name(&w, arena_printf(&arena, "%d%s", i, text));
			write_random(depth + 1);
		}
		json_close(&w, object ? '}' : ']');
	}
}

static void write_tree(const struct json *node)
{
	enum json_type type = json_type(node);

	if (type == JSON_STRING) {
		json_string(&w, json_text(node));
	} else if (type == JSON_NUMBER) {
		json_raw(&w, json_text(node), strlen(json_text(node)));
	} else if (type == JSON_NULL) {
		json_null(&w);
	} else if (type == JSON_TRUE || type == JSON_FALSE) {
		json_boolean(&w, type == JSON_TRUE);
	} else {
		json_open(&w, type == JSON_OBJECT ? '{' : '[');
		json_for_each (child, node) {
			if (json_key(child))
				json_name(&w, json_key(child));
			write_tree(child);
		}
		json_close(&w, type == JSON_OBJECT ? '}' : ']');
	}
}

START_TEST(random_trees_come_back_byte_for_byte)
{
	enum { ROUNDS = 3000 };

	seed = 20260501;
	printf("seed %u\n", seed);
	for (int i = 0; i < ROUNDS; i++) {
		arena_reset(&arena);
		buf_init(&out, &arena, RESPONSE_MAX);
		json_begin(&w, &out);
		write_random(0);
		struct buf first = out;
		const struct json *root = parse_back();
		buf_init(&out, &arena, RESPONSE_MAX);
		json_begin(&w, &out);
		write_tree(root);
		ck_assert_str_eq(out.data, first.data);
	}
}
END_TEST

START_TEST(random_damage_never_does_more_than_be_refused)
{
	enum { ROUNDS = 20000 };
	static struct faults faults;
	int refused = 0;

	seed = 20260502;
	printf("seed %u\n", seed);
	for (int i = 0; i < ROUNDS; i++) {
		const struct json *root;
		arena_reset(&arena);
		buf_init(&out, &arena, RESPONSE_MAX);
		json_begin(&w, &out);
		write_random(0);
		faults.count = 0;
		for (int hits = 1 + below(3); hits; hits--)
			out.data[below((int)out.len)] =
				(char)(below(4) ? "[]{}\",:\\u0e.-1t "[below(16)] : below(256));
		int err = json_parse(&arena, out.data, out.len, &faults, &root);
		ck_assert_msg(!err || err == -ERR_BAD_JSON || err == -ERR_INVALID, "%d: %s", err, out.data);
		ck_assert_int_eq(err == -ERR_INVALID, faults.count > 0);
		refused += err != 0;
	}
	ck_assert_int_gt(refused, ROUNDS / 4);
	ck_assert_int_lt(refused, ROUNDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_write");
	TCase *tc = tcase_create("json_write");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_writer, release_writer);
	tcase_add_test(tc, commas_stand_between_and_nowhere_else);
	tcase_add_test(tc, a_string_is_escaped_as_much_as_must_be);
	tcase_add_test(tc, a_name_is_escaped_like_a_string);
	tcase_add_test(tc, integers_reach_both_ends);
	tcase_add_test(tc, ids_times_and_dates_are_texts_or_null);
	tcase_add_test(tc, past_the_ceiling_the_buffer_says_so);
	tcase_add_test(tc, pointers_escape_tilde_and_slash);
	tcase_add_loop_test(tc, a_text_comes_back_byte_for_byte, 0, ARRAY_SIZE(texts));
	tcase_add_test(tc, random_trees_come_back_byte_for_byte);
	tcase_add_test(tc, random_damage_never_does_more_than_be_refused);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
