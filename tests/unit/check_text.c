/* Bytes and characters: UTF-8, hexadecimal, base64url, UUIDs. */
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "suite.h"

START_TEST(every_code_point_is_one_character_and_surrogates_are_none)
{
	for (uint32_t c = 0; c <= 0x110000; c++) {
		unsigned char b[4];
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
		for (size_t i = n; i-- > 0;)
			b[i] = (unsigned char)((i ? 0x80 : marks[n]) |
					       (c >> 6 * (n - 1 - i) & (i ? 0x3f : 0xff)));
		size_t want = (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ? 0 : n;
		/* Asserted only where it fails: libcheck notes every assertion, and these are a million. */
		if (utf8_length((const char *)b, sizeof b) != want)
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

START_TEST(what_utf8_forbids_is_refused)
{
	static const char *const wrong[] = {
		"\x80",             /* a tail without a head */
		"\xbf\x80",         /* the same */
		"\xc0\xaf",         /* overlong slash */
		"\xc1\xbf",         /* overlong DEL */
		"\xe0\x80\xaf",     /* overlong in three */
		"\xe0\x9f\xbf",     /* U+07FF in three */
		"\xf0\x80\x80\xaf", /* overlong in four */
		"\xf0\x8f\xbf\xbf", /* U+FFFF in four */
		"\xed\xa0\x80",     /* surrogate U+D800 */
		"\xed\xbf\xbf",     /* surrogate U+DFFF */
		"\xf4\x90\x80\x80", /* U+110000 */
		"\xf5\x80\x80\x80", /* five planes too many */
		"\xff",
		"\xfe",
		"\xc3",         /* cut short */
		"\xe2\x82",     /* the same */
		"\xf0\x9f\x8d", /* the same */
		"\xc3(",        /* no tail */
		"\xe2\x82(",
		"\xf0\x9f\x8d(",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_msg(utf8_length(wrong[i], strlen(wrong[i])) == 0, "row %zu", i);
		ck_assert_msg(!utf8_valid(wrong[i], strlen(wrong[i])), "row %zu", i);
	}
	ck_assert(!utf8_valid("caf\xc3\xa9 \xff", 7));
}
END_TEST

START_TEST(characters_are_counted_not_bytes)
{
	ck_assert(utf8_valid("", 0));
	ck_assert_uint_eq(utf8_length("", 0), 0);
	ck_assert(utf8_valid("a\0b", 3));
	ck_assert_uint_eq(utf8_count("", 0), 0);
	ck_assert_uint_eq(utf8_count("plátano 🍌", strlen("plátano 🍌")), 9);
}
END_TEST

START_TEST(bytes_become_hexadecimal_digits)
{
	char text[HEX_SIZE(4)];

	hex_encode("\x00\x9f\xa0\xff", 4, text);
	ck_assert_str_eq(text, "009fa0ff");
	hex_encode("", 0, text);
	ck_assert_str_eq(text, "");
}
END_TEST

/* RFC 4648 section 10, without padding. */
static const struct {
	const char *bytes, *text;
} base64_rows[] = {
	{ "", "" },
	{ "f", "Zg" },
	{ "fo", "Zm8" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg" },
	{ "fooba", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "-__-" },
};

START_TEST(base64url_goes_there_and_back)
{
	for (size_t i = 0; i < ARRAY_SIZE(base64_rows); i++) {
		char text[16], bytes[8];
		size_t n = strlen(base64_rows[i].bytes);
		base64url_encode(base64_rows[i].bytes, n, text);
		ck_assert_str_eq(text, base64_rows[i].text);
		ck_assert_uint_eq(strlen(text) + 1, BASE64URL_SIZE(n));
		ck_assert_int_eq(base64url_decode(text, bytes, n), 0);
		ck_assert_mem_eq(bytes, base64_rows[i].bytes, n);
	}
}
END_TEST

START_TEST(a_value_has_one_spelling)
{
	static const struct {
		const char *text;
		size_t n;
	} wrong[] = {
		{ "Zh", 1 },   /* bits left over that are not zero */
		{ "Zm9", 2 },  /* the same */
		{ "Zg==", 1 }, /* padding */
		{ "Zg", 2 },   /* too short */
		{ "Zm9v", 2 }, /* too long */
		{ "Zm+v", 3 }, /* the other alphabet */
		{ "Zm/v", 3 },
		{ "Z m9", 3 },
		{ "Zm9\xc3", 3 },
		{ "x", 0 },
	};
	char bytes[4] = "old";

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_msg(base64url_decode(wrong[i].text, bytes, wrong[i].n) == -1, "%s", wrong[i].text);
		ck_assert_str_eq(bytes, "old");
	}
}
END_TEST

START_TEST(decoding_has_a_limit)
{
	static char text[BASE64URL_SIZE(257)], bytes[257];

	memset(text, 'A', BASE64URL_SIZE(256) - 1);
	ck_assert_int_eq(base64url_decode(text, bytes, 256), 0);
	memset(text, 'A', sizeof text - 1);
	ck_assert_int_eq(base64url_decode(text, bytes, 257), -1);
}
END_TEST

static const uint8_t ones[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* RFC 9562 appendix A.6: the example of version 7. */
START_TEST(a_version_7_uuid_is_the_one_of_the_standard)
{
	static const uint8_t random[8] = { 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f };
	char text[UUID_TEXT_SIZE];

	uuid_to_text(uuid_v7(INT64_C(1645557742000) * US_PER_MS + 798, random), text);
	ck_assert_str_eq(
		text, "017f22e2-79b0-7cc4-98c4-dc0c0c07398f"); /* the RFC's rand_a, 0xcc3, is 797.6 us */
	uuid_to_text(uuid_v7(999, ones), text);
	ck_assert_str_eq(text, "00000000-0000-7ffb-bfff-ffffffffffff");
}
END_TEST

START_TEST(later_ids_are_larger)
{
	static const uint8_t zeros[8] = { 0 };

	for (int64_t wall = INT64_C(1777629600122990); wall < INT64_C(1777629600124010); wall++) {
		struct uuid before = uuid_v7(wall, ones), after = uuid_v7(wall + 1, zeros);
		ck_assert_int_lt(memcmp(before.b, after.b, 16), 0);
	}
}
END_TEST

START_TEST(a_uuid_is_read_in_either_case_and_written_in_lower)
{
	struct uuid id;
	char text[UUID_TEXT_SIZE];

	ck_assert_int_eq(uuid_parse("017F22E2-79b0-7CC3-98c4-DC0C0C07398F", &id), 0);
	uuid_to_text(id, text);
	ck_assert_str_eq(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}
END_TEST

START_TEST(what_is_not_a_uuid_is_refused)
{
	static const char *const wrong[] = {
		"",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
		"017f22e279b07cc398c4dc0c0c07398f",
		"{017f22e2-79b0-7cc3-98c4-dc0c0c0739}",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398@",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398`",
		"017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
		"017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398\x06", /* | 0x20 makes '&' of it, not a digit */
		" 17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	};
	struct uuid id = { { 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_msg(uuid_parse(wrong[i], &id) == -1, "accepted: %s", wrong[i]);
		ck_assert_int_eq(id.b[0], 7);
	}
}
END_TEST

START_TEST(uuids_compare_by_all_their_bytes)
{
	struct uuid nil = { { 0 } }, other = { { 0 } };

	other.b[15] = 1;
	ck_assert(uuid_is_nil(nil));
	ck_assert(!uuid_is_nil(other));
	ck_assert(uuid_equal(other, other));
	ck_assert(!uuid_equal(nil, other));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_code_point_is_one_character_and_surrogates_are_none,
		what_utf8_forbids_is_refused,
		characters_are_counted_not_bytes,
		bytes_become_hexadecimal_digits,
		base64url_goes_there_and_back,
		a_value_has_one_spelling,
		decoding_has_a_limit,
		a_version_7_uuid_is_the_one_of_the_standard,
		later_ids_are_larger,
		a_uuid_is_read_in_either_case_and_written_in_lower,
		what_is_not_a_uuid_is_refused,
		uuids_compare_by_all_their_bytes,
	};

	return suite_run("text", tests, ARRAY_SIZE(tests));
}
