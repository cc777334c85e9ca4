/*
 * Exact decimals, as text: a quantity is read, compared and stored without ever being a double.
 * The canonical form is "-"? digits ("." digits)?, no leading zero beyond the one before the point, no "-0".
 */
#ifndef HTTP_DECIMAL_H
#define HTTP_DECIMAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* A larger exponent names no quantity that fits any column; the bound keeps 1e999999999 from being written out. */
enum { DECIMAL_EXPONENT_MAX = 30 };

/*
 * Reads plain decimal notation ("12.50", "-3"; no plus, no space, no leading zeros) or, with `exponent_allowed`, a
 * JSON number (RFC 8259 section 6), whose exponent is written out: 1.5e2 becomes "150". The zeros that were given
 * stay ("12.50"), but never more than `scale` decimals.
 * ERR_NONE; ERR_BAD_FORMAT; ERR_OUT_OF_RANGE: more than `digits` before the point, or an exponent beyond
 * ±DECIMAL_EXPONENT_MAX; ERR_TOO_PRECISE: a digit other than 0 after the first `scale` decimals.
 */
enum err decimal_read(struct arena *arena, const char *text, bool exponent_allowed, int digits, int scale,
	const char **ret_decimal);

/* Below 0, 0 or above 0 as a < b, a = b, a > b. Both canonical; "1.50" equals "1.5". */
int decimal_compare(const char *a, const char *b);

#endif
