/* UTF-8 by the table of well-formed byte sequences (RFC 3629 section 4). */
#include "base/utf8.h"

#include "base/base.h"

static const struct lead {
	unsigned char low, high;   /* of the first byte */
	unsigned char low2, high2; /* of the second */
	unsigned char length;
} leads[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 },
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_length(const char *text, size_t n)
{
	const unsigned char *b = (const unsigned char *)text;
	const struct lead *l = leads;

	if (!n)
		return 0;
	while (l < leads + ARRAY_SIZE(leads) && (b[0] < l->low || b[0] > l->high))
		l++;
	if (l == leads + ARRAY_SIZE(leads) || l->length > n)
		return 0;
	if (l->length > 1 && (b[1] < l->low2 || b[1] > l->high2))
		return 0;
	for (size_t i = 2; i < l->length; i++)
		if (b[i] < 0x80 || b[i] > 0xbf)
			return 0;
	return l->length;
}

bool utf8_valid(const char *text, size_t n)
{
	while (n) {
		size_t length = utf8_length(text, n);
		if (!length)
			return false;
		text += length;
		n -= length;
	}
	return true;
}

size_t utf8_count(const char *text, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}
