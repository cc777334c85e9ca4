/* UUIDs (RFC 9562 sections 4, 5.7 and 6.2, method 3). */
#include "base/uuid.h"

#include <string.h>

#include "base/clock.h"

struct uuid uuid_v7(int64_t wall, const uint8_t random[8])
{
	struct uuid id;
	uint64_t ms = (uint64_t)(wall / US_PER_MS);
	unsigned part = (unsigned)(wall % US_PER_MS) * 4096 / 1000; /* of the millisecond, in 12 bits */

	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)(0x70 | part >> 8);
	id.b[7] = (uint8_t)part;
	memcpy(id.b + 8, random, 8);
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	return id;
}

void uuid_to_text(struct uuid id, char text[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[id.b[i] >> 4];
		*text++ = digits[id.b[i] & 15];
	}
	*text = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int uuid_parse(const char *text, struct uuid *ret_id)
{
	struct uuid id;

	if (strnlen(text, UUID_TEXT_SIZE) != UUID_TEXT_SIZE - 1)
		return -1;
	for (int i = 0; i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return -1;
		int high = hex_value(text[0]), low = hex_value(text[1]);
		if (high < 0 || low < 0)
			return -1;
		id.b[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	*ret_id = id;
	return 0;
}

bool uuid_equal(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof a.b) == 0;
}

bool uuid_is_nil(struct uuid id)
{
	return uuid_equal(id, (struct uuid){ 0 });
}
