/* Exact decimals, as text. */
#include "http/decimal.h"

#include <stddef.h>
#include <string.h>

#include "base/base.h"

/* A number taken apart: value = ± 0.DIGITS * 10^point, where DIGITS are `whole` digits and then `fraction` ones
 * (two pieces of the text, around its point). */
struct parts {
	bool negative;
	const char *whole, *fraction;
	long whole_length, fraction_length;
	long point;
};

static long count_digits(const char *text)
{
	return (long)strspn(text, "0123456789");
}

/* At 'e' or 'E'. An exponent past the bound stops growing just beyond it. */
static enum err read_exponent(const char *text, long *ret_exponent)
{
	bool negative = text[1] == '-';
	const char *at = text + 1 + (text[1] == '-' || text[1] == '+');
	long n = count_digits(at), exponent = 0;

	if (!n || at[n])
		return ERR_BAD_FORMAT;
	for (; *at; at++)
		exponent = MIN(exponent * 10 + (*at - '0'), DECIMAL_EXPONENT_MAX + 1L);
	if (exponent > DECIMAL_EXPONENT_MAX)
		return ERR_OUT_OF_RANGE;
	*ret_exponent = negative ? -exponent : exponent;
	return ERR_NONE;
}

static enum err take_apart(const char *text, bool exponent_allowed, struct parts *ret_parts)
{
	struct parts p = { .negative = *text == '-', .fraction = "" };
	const char *at = text + p.negative;
	long exponent = 0;

	p.whole = at;
	p.whole_length = count_digits(at);
	if (!p.whole_length || (*at == '0' && p.whole_length > 1))
		return ERR_BAD_FORMAT;
	at += p.whole_length;
	if (*at == '.') {
		p.fraction = ++at;
		p.fraction_length = count_digits(at);
		if (!p.fraction_length)
			return ERR_BAD_FORMAT;
		at += p.fraction_length;
	}
	if (exponent_allowed && (*at == 'e' || *at == 'E')) {
		enum err err = read_exponent(at, &exponent);
		if (err)
			return err;
	} else if (*at) {
		return ERR_BAD_FORMAT;
	}
	p.point = p.whole_length + exponent;
	*ret_parts = p;
	return ERR_NONE;
}

/* The digit at place `i` of DIGITS; zeros go on for ever on both sides. */
static char digit_at(const struct parts *p, long i)
{
	if (i < 0 || i >= p->whole_length + p->fraction_length)
		return '0';
	return i < p->whole_length ? p->whole[i] : p->fraction[i - p->whole_length];
}

enum err decimal_read(struct arena *arena, const char *text, bool exponent_allowed, int digits, int scale,
	const char **ret_decimal)
{
	struct parts p;
	enum err err = take_apart(text, exponent_allowed, &p);
	if (err)
		return err;

	long end = p.whole_length + p.fraction_length;
	long first = MIN(0, p.point); /* the first digit that counts before the point */
	while (first < p.point && digit_at(&p, first) == '0')
		first++;
	if (p.point - first > digits)
		return ERR_OUT_OF_RANGE;
	for (long i = MAX(p.point + scale, 0); i < end; i++)
		if (digit_at(&p, i) != '0')
			return ERR_TOO_PRECISE;
	long last = MAX(MIN(end, p.point + scale), p.point);

	/* Sign, at least one digit, point, decimals, NUL. */
	char *out = arena_alloc(arena, (size_t)(last - first) + 4), *to = out;
	bool zero = true;
	*to++ = '-';
	if (first == p.point)
		*to++ = '0';
	for (long i = first; i < last; i++) {
		if (i == p.point)
			*to++ = '.';
		*to = digit_at(&p, i);
		zero = zero && *to == '0';
		to++;
	}
	*ret_decimal = p.negative && !zero ? out : out + 1;
	return ERR_NONE;
}

/* Compares digits after the point, as if the shorter went on with zeros. */
static int compare_fractions(const char *a, const char *b)
{
	while (*a || *b) {
		char x = *a ? *a++ : '0', y = *b ? *b++ : '0';
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

static int compare_magnitudes(const char *a, const char *b)
{
	size_t a_length = strcspn(a, "."), b_length = strcspn(b, ".");

	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	int order = memcmp(a, b, a_length);
	if (order)
		return order;
	a += a_length;
	b += b_length;
	return compare_fractions(a + (*a == '.'), b + (*b == '.'));
}

int decimal_compare(const char *a, const char *b)
{
	bool a_negative = *a == '-', b_negative = *b == '-';

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	return a_negative ? compare_magnitudes(b + 1, a + 1) : compare_magnitudes(a, b);
}
