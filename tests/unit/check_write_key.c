/* Idempotency-Key: quoted or bare, 1 to 255 visible characters, one header. */
#include <string.h>

#include "api/write.h"
#include "base/err.h"
#include "suite.h"

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

/* What is kept of the header; "refused". */
static const char *key_of(const char *header)
{
	const struct request req = { .idempotency_key = header };
	const char *key = "untouched";

	int err = write_key(&req, &arena, &key);
	if (!err)
		return key;
	ck_assert_int_eq(err, -ERR_BAD_IDEMPOTENCY_KEY);
	return "refused";
}

START_TEST(none_is_none)
{
	ck_assert_ptr_eq(key_of(NULL), NULL);
}
END_TEST

START_TEST(quotes_are_no_part_of_it)
{
	ck_assert_str_eq(
		key_of("8e03978e-40d5-43dd-bc93-6894a57f9324"), "8e03978e-40d5-43dd-bc93-6894a57f9324");
	ck_assert_str_eq(
		key_of("\"8e03978e-40d5-43dd-bc93-6894a57f9324\""), "8e03978e-40d5-43dd-bc93-6894a57f9324");
	ck_assert_str_eq(key_of("a"), "a");
	ck_assert_str_eq(key_of("\"a\""), "a");
	ck_assert_str_eq(key_of("!#$%&'()*+-./:;<=>?@[]^_`{|}~"), "!#$%&'()*+-./:;<=>?@[]^_`{|}~");
}
END_TEST

START_TEST(it_has_1_to_255_characters)
{
	char key[260];

	memset(key, 'k', sizeof key);
	key[255] = '\0';
	ck_assert_str_eq(key_of(key), key);
	key[255] = 'k';
	key[256] = '\0';
	ck_assert_str_eq(key_of(key), "refused");
	key[0] = key[256] = '"';
	key[257] = '\0';
	ck_assert_uint_eq(strlen(key_of(key)), 255);
	key[256] = 'k';
	key[257] = '"';
	key[258] = '\0';
	ck_assert_str_eq(key_of(key), "refused");
	ck_assert_str_eq(key_of(""), "refused");
	ck_assert_str_eq(key_of("\"\""), "refused");
}
END_TEST

START_TEST(anything_else_in_it_is_refused)
{
	/* A comma is two headers joined (RFC 9110 section 5.3). */
	static const char *const bad[] = { "a,b", "a, b", "\"a\", \"b\"", "a b", " a", "a ", "a\tb", "a\nb",
		"a\x7f", "ma\303\261ana", "\"", "\"a", "a\"", "a\"b", "\"a\"b\"" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(strcmp(key_of(bad[i]), "refused") == 0, "%s", bad[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		none_is_none,
		quotes_are_no_part_of_it,
		it_has_1_to_255_characters,
		anything_else_in_it_is_refused,
	};

	return suite_run_with("write key", tests, ARRAY_SIZE(tests), setup, teardown);
}
