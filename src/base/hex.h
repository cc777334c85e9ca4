/*
 * Bytes as text: base 16 (lower case) and base64url without padding (RFC 4648 sections 8 and 5).
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>

#include "base/base.h"

#define HEX_SIZE(n)       (2 * (n) + 1)
#define BASE64URL_SIZE(n) (((n)*4 + 2) / 3 + 1)

void hex_encode(const void *bytes, size_t n, char *text);
void base64url_encode(const void *bytes, size_t n, char *text);
/* Exactly `n` bytes from exactly the text that base64url_encode() makes of them, or -1: one text a value, so that
 * a token or cursor has no second spelling. */
MUST_CHECK int base64url_decode(const char *text, void *ret_bytes, size_t n);

#endif
