/* Bytes as text. */
#include "base/hex.h"

#include <stdint.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const void *bytes, size_t n, char *text)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i++) {
		*text++ = hex_digits[b[i] >> 4];
		*text++ = hex_digits[b[i] & 15];
	}
	*text = '\0';
}

void base64url_encode(const void *bytes, size_t n, char *text)
{
	const unsigned char *b = bytes;
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | b[i];
		for (have += 8; have >= 6; have -= 6)
			*text++ = base64url_digits[bits >> (have - 6) & 63];
	}
	if (have)
		*text++ = base64url_digits[bits << (6 - have) & 63];
	*text = '\0';
}

int base64url_decode(const char *text, void *ret_bytes, size_t n)
{
	size_t length = BASE64URL_SIZE(n) - 1, made = 0;
	unsigned char out[256];
	uint32_t bits = 0;
	int have = 0;

	if (n > sizeof out || strnlen(text, length + 1) != length)
		return -1;
	for (size_t i = 0; i < length; i++) {
		const char *digit = memchr(base64url_digits, text[i], 64);
		if (!digit)
			return -1;
		bits = bits << 6 | (uint32_t)(digit - base64url_digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[made++] = (unsigned char)(bits >> have);
		}
	}
	if (bits & ((1u << have) - 1))
		return -1;
	memcpy(ret_bytes, out, n);
	return 0;
}
