/* Values as text: decimals, dates, times, ids, GS1 numbers and codes. What is read has one normal form, which reads as itself;
 * the first two lines are also compared as decimals. */
#include <strings.h>

#include "api/codes.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "fuzz.h"
#include "http/decimal.h"
#include "http/gs1.h"

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

/* Its canonical form, or NULL. */
static const char *decimal_of(
	struct arena *arena, const char *text, bool exponent_allowed, int digits, int scale)
{
	const char *value = NULL, *again;
	enum err err = decimal_read(arena, text, exponent_allowed, digits, scale, &value);

	must(err == ERR_NONE || err == ERR_BAD_FORMAT || err == ERR_OUT_OF_RANGE || err == ERR_TOO_PRECISE);
	must(!err == !!value);
	if (err)
		return NULL;
	size_t n = strcspn(value, ".");
	must(n - (*value == '-') <= (size_t)MAX(digits, 1));
	must(!value[n] || (strlen(value + n) >= 2 && strlen(value + n) - 1 <= (size_t)scale));
	must(strcmp(value, "-0") != 0 && !strchr(value, 'e'));
	must(decimal_read(arena, value, false, digits, scale, &again) == ERR_NONE &&
		strcmp(again, value) == 0);
	must(decimal_compare(value, value) == 0);
	/* Exact where it is short: then a double tells its digits apart. */
	if (strlen(value) <= 15)
		must(strtod(value, NULL) == strtod(text, NULL));
	return value;
}

static void decimals_compare(struct arena *arena, const char *x, const char *y)
{
	const char *a = decimal_of(arena, x, true, 40, 40), *b = decimal_of(arena, y, true, 40, 40);

	if (!a || !b)
		return;
	must(sign(decimal_compare(a, b)) == -sign(decimal_compare(b, a)));
	double p = strtod(a, NULL), q = strtod(b, NULL);
	must(p == q || sign(decimal_compare(a, b)) == (p > q ? 1 : -1));
	must((decimal_compare(a, "0") < 0) == (*a == '-'));
}

static void date_has_one_form(const char *text, size_t n)
{
	char again[DATE_TEXT_SIZE];
	int32_t days = -7;

	if (date_parse(text, n, &days)) {
		must(days == -7);
		return;
	}
	date_to_text(days, again);
	must(n == sizeof again - 1 && memcmp(again, text, n) == 0);
}

static void time_has_one_form(const char *text, size_t n)
{
	char once[TIME_TEXT_SIZE], twice[TIME_TEXT_SIZE];
	int64_t wall = -7, again;

	if (time_parse(text, n, &wall)) {
		must(wall == -7);
		return;
	}
	must(wall >= 0);
	must(text[4] == '-' && text[7] == '-' && strchr("Tt", text[10]) && text[13] == ':' &&
		text[16] == ':');
	must(strchr("Zz", text[n - 1]) || (strchr("+-", text[n - 6]) && text[n - 3] == ':'));
	time_to_text(wall, once);
	must(time_parse(once, strlen(once), &again) == 0 && again == wall);
	time_to_text(again, twice);
	must(strcmp(once, twice) == 0);
	must(date_of(wall) == (int32_t)(wall / US_PER_SECOND / 86400));
}

static void id_has_one_form(const char *text)
{
	char once[UUID_TEXT_SIZE];
	struct uuid id, again;

	if (uuid_parse(text, &id))
		return;
	uuid_to_text(id, once);
	must(strcasecmp(once, text) == 0);
	must(uuid_parse(once, &again) == 0 && uuid_equal(id, again));
}

/* Another digit anywhere breaks the check digit; zeros in front do not. */
static void gs1_numbers_are_checked(struct arena *arena, const char *text)
{
	char gtin14[GTIN14_SIZE];

	must(gs1_gln(text) != ERR_NONE || gs1_gtin(text) == ERR_NONE);
	if (gs1_gtin(text) != ERR_NONE)
		return;
	gs1_gtin14(text, gtin14);
	must(strlen(gtin14) == GTIN14_SIZE - 1 && gs1_gtin(gtin14) == ERR_NONE);
	for (size_t i = 0; text[i]; i++) {
		char *wrong = arena_copy(arena, text, strlen(text));
		wrong[i] = (char)('0' + (wrong[i] - '0' + 1) % 10);
		must(gs1_gtin(wrong) == ERR_BAD_CHECK_DIGIT);
	}
}

static void codes_are_plain(const char *text)
{
	must(code_uom(text) != ERR_NONE || (strlen(text) >= 2 && strlen(text) <= 3));
	must(code_country(text) != ERR_NONE || strlen(text) == 2);
	must(code_word(text) != ERR_NONE || !strpbrk(text, " \"'<>%;\n"));
	if (gs1_lot_code(text) == ERR_NONE) {
		must(strlen(text) >= 1 && strlen(text) <= LOT_CODE_MAX);
		for (const char *c = text; *c; c++)
			must(*c > ' ' && *c < '{');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();

	if (size > 4096)
		return 0;
	char *at = fuzz_text(arena, data, size);
	const char *one = fuzz_line(&at), *other = fuzz_line(&at);
	decimal_of(arena, one, true, 11, 3);
	decimal_of(arena, one, false, 11, 3);
	decimal_of(arena, one, true, 3, 2);
	decimal_of(arena, one, true, 0, 1);
	decimal_of(arena, one, true, 2, 0);
	decimals_compare(arena, one, other);
	date_has_one_form(one, strlen(one));
	time_has_one_form(one, strlen(one));
	id_has_one_form(one);
	gs1_numbers_are_checked(arena, one);
	codes_are_plain(one);
	return 0;
}
