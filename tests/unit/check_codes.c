/* Code lists: what is in them, what only looks like it, and that their ends are ends. */
#include <string.h>

#include "api/codes.h"
#include "suite.h"

static void expect_all(
	enum err (*check)(const char *), enum err wanted, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(check(texts[i]) == wanted, "'%s'", texts[i]);
}
#define ACCEPTS(check, ...)                                                                                  \
	expect_all(check, ERR_NONE, (const char *const[]){ __VA_ARGS__ },                                    \
		ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))
#define REFUSES(check, err, ...)                                                                             \
	expect_all(check, err, (const char *const[]){ __VA_ARGS__ },                                         \
		ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

START_TEST(units_of_mass_volume_count_and_package_are_known)
{
	ACCEPTS(code_uom, "KGM", "GRM", "TNE", "LBR", "ONZ", "CWA", "LTR", "MLT", "BUI", "H87", "EA", "C62",
		"DZN", "SET", "PR", "XBX", "XCT", "XIN");
}
END_TEST

START_TEST(a_unit_is_written_as_the_recommendation_has_it)
{
	REFUSES(code_uom, ERR_NOT_IN_LIST, "", "K", "KG", "kgm", "Kgm", "KGMM", "KGM ", " KGM", "GM ", "M G",
		"kg", "E", "EA ", "PR ", "EA  ", "  ", "   ", "XX", "ZZZ", "KGM GRM", "\xc3\xb1");
}
END_TEST

START_TEST(countries_are_known_from_first_to_last)
{
	ACCEPTS(code_country, "AD", "AE", "BJ", "BL", "CD", "CF", "CO", "EG", "EH", "ES", "GF", "GG", "IN",
		"IO", "KN", "KP", "ML", "MM", "NA", "NC", "PE", "PW", "PY", "SI", "SJ", "TR", "TT", "US",
		"VI", "VN", "ZW");
}
END_TEST

START_TEST(what_is_no_country_is_refused)
{
	REFUSES(code_country, ERR_NOT_IN_LIST, "", "A", "pe", "Pe", "PER", "XX", "UK", "EU", "AN", "D A",
		"  ", "ZZ", " P");
}
END_TEST

START_TEST(a_word_begins_with_a_letter)
{
	ACCEPTS(code_word, "farm", "packing_house", "Port-2", "a", "Z9", "x-", "x_");
	REFUSES(code_word, ERR_BAD_FORMAT, "", "2farm", "_farm", "-farm", "packing house", "farm ", " farm",
		"granja/2", "caf\xc3\xa9", "farm\n", "a.b");
}
END_TEST

START_TEST(an_address_is_a_mailbox_at_a_domain)
{
	ACCEPTS(code_email, "ana@example.org", "a@b", "Ana.Maria+lots@Sub.Example.ORG", "o'neil@example.org",
		"a!#$%&'*+-/=?^_`{|}~z@example.org", "7@7.example", "a@xn--bcher-kva.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org" /* 64 */);
}
END_TEST

START_TEST(what_is_none_is_refused)
{
	REFUSES(code_email, ERR_BAD_FORMAT, "", "@", "ana", "ana@", "@example.org", "ana@@example.org",
		"ana@b@example.org", "ana example@example.org", "ana@exa mple.org", ".ana@example.org",
		"ana.@example.org", "an..a@example.org", "ana@.example", "ana@example.", "ana@example..org",
		"ana@-example.org", "ana@exam_ple.org", "\"ana\"@example.org", "ana@[127.0.0.1]",
		"Ana <ana@example.org>", "ana@example.org ", "an\u00e1@example.org", "ana@example.org\n",
		"ana,eva@example.org",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org" /* 65 */);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		units_of_mass_volume_count_and_package_are_known,
		a_unit_is_written_as_the_recommendation_has_it,
		countries_are_known_from_first_to_last,
		what_is_no_country_is_refused,
		a_word_begins_with_a_letter,
		an_address_is_a_mailbox_at_a_domain,
		what_is_none_is_refused,
	};

	return suite_run("codes", tests, ARRAY_SIZE(tests));
}
