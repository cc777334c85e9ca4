/* A JSON string as it stands in a text. */
#include "http/json_string.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

enum { REPLACEMENT_CHARACTER = 0xfffd };

/* Four hexadecimal digits, -1 if they are not. */
static int32_t hex4(const char *at)
{
	int32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		char c = at[i];
		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

static bool is_surrogate(int32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* Moves past an escape; returns the character it stands for, -1 if it is none. A lone surrogate stands for itself. */
static int32_t read_escape(const char **at)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *e = *at + 1;

	if (*e != 'u') {
		const char *letter = *e ? strchr(letters, *e) : NULL;
		if (!letter)
			return -1;
		*at = e + 1;
		return meanings[letter - letters];
	}
	int32_t high = hex4(e + 1);
	if (high < 0)
		return -1;
	*at = e + 5;
	if (high < 0xd800 || high > 0xdbff || e[5] != '\\' || e[6] != 'u')
		return high;
	int32_t low = hex4(e + 7);
	if (low < 0xdc00 || low > 0xdfff)
		return high; /* the second escape is read, and judged, on its own */
	*at = e + 11;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

bool json_string_scan(const char **at, struct json_string *ret_string)
{
	static const bool plain[256] = {
		[0x20 ... 0x21] = true, [0x23 ... 0x5b] = true, [0x5d ... 0x7f] = true
	};
	struct json_string string = { .text = ++*at };

	for (;;) {
		while (plain[(uint8_t) * *at])
			++*at;
		if (**at == '"')
			break;
		if (**at == '\\') {
			int32_t c = read_escape(at);
			if (c < 0)
				return false;
			string.escaped = true;
			string.nul |= c == 0;
			string.lone_surrogate |= is_surrogate(c);
			continue;
		}
		/* At most four bytes are looked at, and none after one that does not fit, such as the NUL. */
		size_t length = (uint8_t) * *at < 0x80 ? 0 : utf8_length(*at, 4);
		if (!length)
			return false;
		*at += length;
	}
	string.end = (*at)++;
	*ret_string = string;
	return true;
}

static size_t utf8_encode(int32_t c, char to[4])
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(0xf00 >> length | c); /* 110, 1110 or 11110 in front */
	return length;
}

size_t json_string_unescape(const struct json_string *string, char *to, size_t size, bool *ret_cut)
{
	size_t n = 0;

	*ret_cut = false;
	for (const char *at = string->text; at < string->end;) {
		char piece[4];
		size_t length;
		if (*at == '\\') {
			int32_t c = read_escape(&at);
			length = utf8_encode(!c || is_surrogate(c) ? REPLACEMENT_CHARACTER : c, piece);
		} else {
			length = utf8_length(at, 4);
			memcpy(piece, at, length);
			at += length;
		}
		if (length > size - n) {
			*ret_cut = true;
			break;
		}
		memcpy(to + n, piece, length);
		n += length;
	}
	return n;
}
