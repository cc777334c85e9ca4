/* Random bytes, ids and codes, and SHA-256 against its standard's examples. */
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "suite.h"

START_TEST(every_byte_is_drawn_and_none_beyond)
{
	enum { SIZE = 1000, DRAWS = 8 }; /* a byte is 0 in all eight draws once in 2^64 */
	static uint8_t bytes[SIZE + 2], seen[SIZE + 2];

	for (int draw = 0; draw < DRAWS; draw++) {
		random_bytes(bytes + 1, SIZE);
		for (int i = 0; i < SIZE + 2; i++)
			seen[i] |= bytes[i];
	}
	for (int i = 1; i <= SIZE; i++)
		ck_assert_msg(seen[i], "byte %d", i);
	ck_assert_int_eq(seen[0] | seen[SIZE + 1], 0);
	random_bytes(bytes, 0);
	ck_assert_int_eq(bytes[0], 0);
}
END_TEST

START_TEST(ids_are_of_version_seven_and_of_now)
{
	for (int n = 0; n < 100; n++) {
		int64_t before = clock_wall() / US_PER_MS, ms = 0;
		struct uuid id = random_uuid();
		for (int i = 0; i < 6; i++)
			ms = ms << 8 | id.b[i];
		ck_assert_int_ge(ms, before);
		ck_assert_int_le(ms, clock_wall() / US_PER_MS);
		ck_assert_int_eq(id.b[6] >> 4, 7);
		ck_assert_int_eq(id.b[8] >> 6, 2);
	}
}
END_TEST

START_TEST(an_id_of_a_moment_lies_between_those_around_it)
{
	static const uint8_t zeros[8];
	const int64_t wall = clock_wall() - 86400 * US_PER_SECOND;

	for (int n = 0; n < 1000; n++) {
		struct uuid least = uuid_v7(wall + n, zeros), id = random_uuid_at(wall + n),
			    next = uuid_v7(wall + n + 1, zeros);
		ck_assert_int_le(memcmp(least.b, id.b, sizeof id.b), 0);
		ck_assert_int_lt(memcmp(id.b, next.b, sizeof id.b), 0);
	}
}
END_TEST

START_TEST(no_two_ids_are_alike)
{
	enum { IDS = 1000 };
	static struct uuid ids[IDS];

	for (int i = 0; i < IDS; i++) {
		ids[i] = random_uuid();
		for (int j = 0; j < i; j++)
			ck_assert(!uuid_equal(ids[i], ids[j]));
	}
}
END_TEST

/* 62 000 draws give each digit 1 000, ±31; taking every byte modulo 62 would give the first eight 1 211. Five and a half
 * deviations, 170, are passed by chance once in half a million runs. */
START_TEST(every_character_of_a_code_is_equally_likely)
{
	enum { CODES = 6200, LENGTH = 10, WANTED = CODES * LENGTH / 62, SPREAD = 170 };
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	int counts[256] = { 0 };
	char code[LENGTH + 2];

	for (int i = 0; i < CODES; i++) {
		code[LENGTH + 1] = '!';
		random_base62(code, LENGTH);
		ck_assert_uint_eq(strlen(code), LENGTH);
		ck_assert_int_eq(code[LENGTH + 1], '!');
		for (int c = 0; c < LENGTH; c++)
			counts[(unsigned char)code[c]]++;
	}
	for (const char *d = digits; *d; d++)
		ck_assert_msg(counts[(unsigned char)*d] > WANTED - SPREAD &&
				      counts[(unsigned char)*d] < WANTED + SPREAD,
			"%c was drawn %d times", *d, counts[(unsigned char)*d]);
}
END_TEST

START_TEST(a_digest_is_the_standards) /* FIPS 180-4, examples */
{
	static const struct example {
		const char *text, *digest;
	} examples[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t digest[SHA256_SIZE];
	char text[HEX_SIZE(SHA256_SIZE)];

	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		sha256(examples[i].text, strlen(examples[i].text), digest);
		hex_encode(digest, sizeof digest, text);
		ck_assert_str_eq(text, examples[i].digest);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_byte_is_drawn_and_none_beyond,
		ids_are_of_version_seven_and_of_now,
		an_id_of_a_moment_lies_between_those_around_it,
		no_two_ids_are_alike,
		every_character_of_a_code_is_equally_likely,
		a_digest_is_the_standards,
	};

	return suite_run("random", tests, ARRAY_SIZE(tests));
}
