/* Rules of the GS1 General Specifications. */
#include "http/gs1.h"

#include <stdbool.h>
#include <string.h>

static const char digits[] = "0123456789";

/* Mod 10: from the right, without the check digit, weights are 3, 1, 3, 1, …; with it the sum ends in 0. */
static bool check_digit_fits(const char *text, size_t n)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (text[n - 1 - i] - '0') * (i % 2 ? 3 : 1);
	return sum % 10 == 0;
}

enum err gs1_gtin(const char *text)
{
	size_t n = strspn(text, digits);

	if (text[n] || (n != 8 && n != 12 && n != 13 && n != 14))
		return ERR_BAD_FORMAT;
	return check_digit_fits(text, n) ? ERR_NONE : ERR_BAD_CHECK_DIGIT;
}

enum err gs1_gln(const char *text)
{
	size_t n = strspn(text, digits);

	if (text[n] || n != 13)
		return ERR_BAD_FORMAT;
	return check_digit_fits(text, n) ? ERR_NONE : ERR_BAD_CHECK_DIGIT;
}

enum err gs1_lot_code(const char *text)
{
	static const char set_82[] = "!\"%&'()*+,-./0123456789:;<=>?"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
	size_t n = strspn(text, set_82);

	if (text[n])
		return ERR_BAD_CHARACTER;
	if (n > LOT_CODE_MAX)
		return ERR_TOO_LONG;
	return n ? ERR_NONE : ERR_TOO_SHORT;
}

void gs1_gtin14(const char *gtin, char ret_gtin14[GTIN14_SIZE])
{
	size_t n = strnlen(gtin, GTIN14_SIZE - 1), zeros = GTIN14_SIZE - 1 - n;

	memset(ret_gtin14, '0', zeros);
	memcpy(ret_gtin14 + zeros, gtin, n);
	ret_gtin14[GTIN14_SIZE - 1] = '\0';
}
